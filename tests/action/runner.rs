//! A runner for composite actions as far as action.yml needs one: it fills in expressions, starts bash as GitHub's runner
//! does, and reads the files that steps write.
//!
//! **Invariant:** an expression it does not know is a failure of the test, never an empty text.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

/// One checkout with a runner's folders.
pub struct Runner {
    pub home: tempfile::TempDir,
    action: Value,
    environment: BTreeMap<String, String>,
}

/// How a step, or the whole action, ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub log: String,
    pub outputs: BTreeMap<String, String>,
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn action() -> Value {
    let text = fs::read_to_string(root().join("action.yml")).unwrap();
    serde_saphyr::from_str(&text).unwrap()
}

impl Runner {
    /// A checkout of these files.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let home = tempfile::tempdir().unwrap();
        for folder in ["work", "temp", "tools", "bin"] {
            fs::create_dir(home.path().join(folder)).unwrap();
        }
        let runner = Self {
            home,
            action: action(),
            environment: BTreeMap::new(),
        };
        for (name, content) in files {
            fs::write(runner.work().join(name), content).unwrap();
        }
        runner
    }

    pub fn with(mut self, environment: impl IntoIterator<Item = (String, String)>) -> Self {
        self.environment.extend(environment);
        self
    }

    pub fn work(&self) -> PathBuf {
        self.home.path().join("work")
    }

    /// Runs the action with the program that is built, and these inputs.
    pub fn run(&self, inputs: &[(&str, &str)]) -> Ended {
        let binary = assert_cmd::cargo::cargo_bin!("ecsdeploy")
            .display()
            .to_string();
        let mut inputs = inputs.to_vec();
        inputs.push(("binary", &binary));
        self.steps(&inputs)
    }

    /// Runs the steps of the action, as far as one does not fail, and gives its outputs.
    pub fn steps(&self, inputs: &[(&str, &str)]) -> Ended {
        let mut context = self.context(inputs);
        let mut log = String::new();
        let mut code = Some(0);
        for step in self.action["runs"]["steps"].as_array().unwrap() {
            let child = self.start(step, &context);
            let ended = self.end(child);
            log += &ended.log;
            code = ended.code;
            context["steps"][step["id"].as_str().unwrap()] = json!({"outputs": ended.outputs});
            if code != Some(0) {
                break;
            }
        }
        let declared = self.action["outputs"].as_object().unwrap();
        let value = |it: &Value| filled(it["value"].as_str().unwrap(), &context);
        let outputs = declared.iter().map(|(name, it)| (name.clone(), value(it)));
        let outputs = outputs.filter(|(_, value)| !value.is_empty()).collect();
        Ended { code, log, outputs }
    }

    /// Starts the step that runs the program, as if installed.
    pub fn start_last(&self, inputs: &[(&str, &str)]) -> Child {
        let mut context = self.context(inputs);
        let binary = assert_cmd::cargo::cargo_bin!("ecsdeploy")
            .display()
            .to_string();
        context["steps"]["install"] = json!({"outputs": {"path": binary}});
        let steps = self.action["runs"]["steps"].as_array().unwrap();
        self.start(steps.last().unwrap(), &context)
    }

    /// `inputs`, `github` and `steps` as GitHub has them: an input that is not given has its default or is empty.
    fn context(&self, given: &[(&str, &str)]) -> Value {
        let declared = self.action["inputs"].as_object().unwrap();
        let mut inputs: BTreeMap<&str, String> = BTreeMap::new();
        for (name, input) in declared {
            let default = input["default"].as_str().unwrap_or_default();
            inputs.insert(name, default.replace("${{ github.token }}", ""));
        }
        for (name, value) in given {
            assert!(inputs.contains_key(name), "action.yml has no input {name}");
            inputs.insert(name, (*value).to_owned());
        }
        json!({
            "inputs": inputs,
            "github": {"action_path": root(), "action_repository": "owner/ecsdeploy"},
            "steps": {},
        })
    }

    fn start(&self, step: &Value, context: &Value) -> Child {
        let file = |name: &str| self.home.path().join(name);
        fs::write(file("output"), "").unwrap();
        fs::write(file("path"), "").unwrap();
        let script = step["run"].as_str().unwrap();
        assert!(
            !script.contains("${{"),
            "an expression in a script: {script}"
        );
        fs::write(file("step.sh"), script).unwrap();
        let mut command = Command::new("bash");
        command
            .args(["--noprofile", "--norc", "-e", "-o", "pipefail"])
            .arg(file("step.sh"))
            .current_dir(self.work())
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", file("bin").display()))
            .env("HOME", self.home.path())
            .env("CI", "true")
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_STEP_SUMMARY", file("summary"))
            .env("GITHUB_WORKSPACE", self.work())
            .env("GITHUB_OUTPUT", file("output"))
            .env("GITHUB_PATH", file("path"))
            .env("GITHUB_SERVER_URL", "https://github.com")
            .env("GITHUB_REPOSITORY", "owner/service")
            .env("RUNNER_TEMP", file("temp"))
            .env("RUNNER_TOOL_CACHE", file("tools"))
            .env("RUNNER_OS", "Linux")
            .env("RUNNER_ARCH", "X64")
            .envs(&self.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for (name, value) in step["env"].as_object().into_iter().flatten() {
            command.env(name, filled(value.as_str().unwrap(), context));
        }
        command.spawn().unwrap()
    }

    fn end(&self, child: Child) -> Ended {
        let done = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ended {
            code: done.status.code(),
            log: text(done.stdout) + &text(done.stderr),
            outputs: self.outputs(),
        }
    }

    /// What the last step wrote to GITHUB_OUTPUT, in both of its forms.
    pub fn outputs(&self) -> BTreeMap<String, String> {
        let text = fs::read_to_string(self.home.path().join("output")).unwrap();
        let mut lines = text.lines();
        let mut outputs = BTreeMap::new();
        while let Some(line) = lines.next() {
            if let Some((name, end)) = line.split_once("<<") {
                let value: Vec<&str> = lines.by_ref().take_while(|line| *line != end).collect();
                outputs.insert(name.to_owned(), value.join("\n"));
            } else {
                let (name, value) = line.split_once('=').unwrap();
                outputs.insert(name.to_owned(), value.to_owned());
            }
        }
        outputs
    }
}

/// The text with its expressions filled in.
fn filled(text: &str, context: &Value) -> String {
    let Some((before, rest)) = text.split_once("${{") else {
        return text.to_owned();
    };
    let (expression, after) = rest.split_once("}}").unwrap();
    let value = evaluate(expression.trim(), context);
    format!("{before}{value}{}", filled(after, context))
}

fn evaluate(expression: &str, context: &Value) -> String {
    if let Some(inner) = expression.strip_prefix("toJSON(") {
        let inner = inner.strip_suffix(')').unwrap();
        return format!("{:#}", context[inner]);
    }
    let path: Vec<&str> = expression.split('.').collect();
    let known = matches!(
        path[..],
        ["inputs" | "github", _] | ["steps", _, "outputs", _]
    );
    assert!(known, "unknown expression: {expression}");
    let found = path.iter().fold(context, |value, name| &value[*name]);
    assert!(
        !found.is_null() || path[0] == "steps",
        "nothing is known of {expression}"
    );
    found.as_str().unwrap_or_default().to_owned()
}
