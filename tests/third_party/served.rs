//! The program serving an example's world, and tools in an environment of their own that are pointed at it.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

const REQUIRED: &str = "ECSDEPLOY_THIRD_PARTY";

/// The Python that others' clients are installed for; without it the test is skipped, and says so.
pub fn python() -> Option<PathBuf> {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/third-party/bin/python");
    if python.exists() {
        return Some(python);
    }
    let is_required = std::env::var(REQUIRED).is_ok_and(|value| value == "required");
    assert!(
        !is_required,
        "{} is missing, and {REQUIRED}=required",
        python.display()
    );
    let test = std::thread::current();
    // Past the capture of a passing test's output.
    let _ = writeln!(
        std::io::stderr(),
        "SKIPPED: {}: no clients by others; .ci/run installs them under target/third-party",
        test.name().unwrap_or("a test")
    );
    None
}

/// The folder of the examples.
pub fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// `ecsdeploy sandbox` with the world of an example, as long as this lives.
pub struct Served {
    program: Child,
    /// What it tells clients to have in their environment.
    environment: Vec<(String, String)>,
    home: tempfile::TempDir,
}

impl Served {
    pub fn example(name: &str, speed: u32) -> Self {
        let mut program = Command::new(assert_cmd::cargo::cargo_bin!("ecsdeploy"))
            .arg("sandbox")
            .arg(examples().join(name))
            .args(["--port", "0", "--speed", &speed.to_string()])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let stdout = BufReader::new(program.stdout.take().expect("it is piped"));
        let environment = stdout
            .lines()
            .map_while(Result::ok)
            .filter_map(|line| {
                let (name, value) = line.strip_prefix("export ")?.split_once('=')?;
                Some((name.to_owned(), value.to_owned()))
            })
            .take(6)
            .collect();
        let home = tempfile::tempdir().expect("a temporary folder can be made");
        Self {
            program,
            environment,
            home,
        }
    }

    /// A program that knows of this sandbox and nothing else.
    pub fn tool(&self, program: &Path) -> Tool {
        let mut tool = Tool::new(program);
        tool.0
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", "/usr/bin:/bin")
            .env("AWS_PAGER", "")
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        tool
    }

    /// `aws WORDS`.
    pub fn cli(&self, python: &Path, words: &str) -> Tool {
        self.tool(python)
            .arg(python.with_file_name("aws"))
            .args(words.split_whitespace())
    }

    /// `aws WORDS --output json`, which must succeed; null when it prints nothing.
    pub fn aws(&self, python: &Path, words: &str) -> Value {
        let said = self
            .cli(python, words)
            .args(["--output", "json"])
            .succeeds();
        serde_json::from_str(&said).unwrap_or_default()
    }

    /// Registers the example's task definition with another tag of its image, as `aws ecs` users do; gives the ARN.
    pub fn register(&self, python: &Path, tag: &str) -> String {
        let known = self.aws(python, "ecs describe-task-definition --task-definition web");
        let mut wanted = known["taskDefinition"].clone();
        let members = wanted.as_object_mut().expect("a task definition");
        let output_only = "taskDefinitionArn revision status requiresAttributes compatibilities registeredAt registeredBy";
        for name in output_only.split(' ') {
            members.remove(name);
        }
        let image = format!("123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:{tag}");
        wanted["containerDefinitions"][0]["image"] = json!(image);
        let file = self.home.path().join("wanted.json");
        std::fs::write(&file, wanted.to_string()).expect("it can be written to");
        let made = self.aws(
            python,
            &format!(
                "ecs register-task-definition --cli-input-json file://{}",
                file.display()
            ),
        );
        let arn = made["taskDefinition"]["taskDefinitionArn"].as_str();
        arn.expect("a registered revision has an ARN").to_owned()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// One run of a program by others.
pub struct Tool(Command);

impl Tool {
    pub fn new(program: &Path) -> Self {
        let mut command = Command::new(program);
        command
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("LANG", "C.UTF-8");
        Self(command)
    }

    pub fn arg(mut self, word: impl AsRef<OsStr>) -> Self {
        self.0.arg(word);
        self
    }

    pub fn args(mut self, words: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.0.args(words);
        self
    }

    /// Runs to its end, which must be a success; gives its stdout.
    pub fn succeeds(mut self) -> String {
        let (is_success, stdout, told) = self.run();
        assert!(is_success, "{told}");
        stdout
    }

    /// Runs to its end, which must be a failure; gives all that it said.
    pub fn fails(mut self) -> String {
        let (is_success, _, told) = self.run();
        assert!(!is_success, "{told}");
        told
    }

    fn run(&mut self) -> (bool, String, String) {
        let output = self.0.output().expect("the program runs");
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let stderr = String::from_utf8_lossy(&output.stderr);
        let told = format!("{:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}", self.0);
        (output.status.success(), stdout, told)
    }
}
