//! A CI job: the folder of an example, the variables of a runner, and what the program leaves there.
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use tempfile::TempDir;

use crate::github::GitHub;

pub const ROLLOUT: &str = "rollout --sandbox --env production";

/// A job: its folder, and what it leaves there.
pub struct Job {
    pub folder: TempDir,
    pub environment: Vec<(&'static str, String)>,
}

/// What came of a command.
pub struct Ran {
    pub exit: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Job {
    /// The example's folder, and the variables of a runner.
    pub fn of(github: &GitHub) -> Self {
        Self::example(github, "fargate-web")
    }

    pub fn example(github: &GitHub, name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let example = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("examples")
            .join(name);
        for file in fs::read_dir(example).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
        }
        let mut environment = github.environment();
        let file = |name: &str| folder.path().join(name).display().to_string();
        environment.push(("GITHUB_STEP_SUMMARY", file("summary.md")));
        environment.push(("GITHUB_OUTPUT", file("outputs")));
        environment.push(("GITHUB_WORKSPACE", folder.path().display().to_string()));
        Self {
            folder,
            environment,
        }
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.environment.retain(|(known, _)| *known != name);
        self.environment.push((name, value.to_owned()));
        self
    }

    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(cargo_bin!("ecsdeploy"));
        command
            .current_dir(&self.folder)
            .env_clear()
            .env("HOME", self.folder.path())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .args(line.split_whitespace());
        command
    }

    pub fn run(&self, line: &str) -> Ran {
        let output = self.command(line).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran {
            exit: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// It must exit so and say each of these.
    pub fn check(&self, line: &str, exit: i32, says: &[&str]) -> Ran {
        let ran = self.run(line);
        assert_eq!(ran.exit, Some(exit), "{line}\n{}{}", ran.stdout, ran.stderr);
        for sentence in says {
            let is_said = ran.stdout.contains(sentence) || ran.stderr.contains(sentence);
            assert!(
                is_said,
                "not said: {sentence}\n{}{}",
                ran.stdout, ran.stderr
            );
        }
        ran
    }

    pub fn read(&self, file: &str) -> String {
        fs::read_to_string(self.folder.path().join(file)).unwrap_or_default()
    }
}
