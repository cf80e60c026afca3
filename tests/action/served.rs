//! The program serving the world of an example to any client, as long as this lives.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;

pub struct Served {
    program: Child,
    /// What clients are to have in their environment.
    pub environment: Vec<(String, String)>,
}

impl Served {
    pub fn example(name: &str, speed: u32) -> Self {
        let mut program = Command::new(cargo_bin!("ecsdeploy"))
            .arg("sandbox")
            .arg(super::runner::root().join("examples").join(name))
            .args(["--port", "0", "--speed", &speed.to_string()])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(program.stdout.take().unwrap()).lines();
        let exports = lines.map_while(Result::ok).filter_map(|line| {
            let (name, value) = line.strip_prefix("export ")?.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        });
        let environment = exports.take(6).collect();
        Self {
            program,
            environment,
        }
    }

    /// The service `main/web` as AWS describes it.
    pub fn service(&self) -> Value {
        let status = Command::new(cargo_bin!("ecsdeploy"))
            .args([
                "status",
                "--cluster",
                "main",
                "--service",
                "web",
                "--output",
                "json",
            ])
            .env_clear()
            .current_dir(std::env::temp_dir())
            .envs(self.environment.clone())
            .output()
            .unwrap();
        let document: Value = serde_json::from_slice(&status.stdout).unwrap();
        document["service"].clone()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}
