//! From the inputs of the GitHub Action to command lines of this program.
//!
//! **Invariant:** pure: what is on disk comes in as [`Place`]. An input that is empty counts as absent, as GitHub gives it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::line::Line;
use crate::cli::failure::Failure;

/// The inputs by their names.
pub type Inputs = BTreeMap<String, String>;

/// What the translation must know of the runner.
#[derive(Clone, Debug)]
pub struct Place {
    /// Whether there is an ecsdeploy.yml.
    pub configured: bool,
    /// Where a rendered task definition goes.
    pub rendered: String,
    pub is_file: fn(&str) -> bool,
}

/// The command lines that the inputs ask for, to be run one after the other.
pub fn lines(inputs: &Inputs, place: &Place) -> Result<Vec<Line>, Failure> {
    let it = Translation { inputs, place };
    match it.command()? {
        None => Ok(Vec::new()),
        Some("run") => {
            let mut line = it.run()?;
            line.0.extend(it.each("args"));
            Ok(vec![line])
        }
        Some("rollout") if it.is_true("run-task")? => Ok(vec![it.run()?, it.line("rollout")?]),
        Some(command) => Ok(vec![it.line(command)?]),
    }
}

/// Commands that take a task definition and its changes.
const WITH_DOCUMENT: [&str; 6] = ["render", "diff", "plan", "register", "rollout", "rehearse"];

/// Commands that roll out, or say how it would go.
const WITH_RULES: [&str; 3] = ["plan", "rollout", "rehearse"];

struct Translation<'a> {
    inputs: &'a Inputs,
    place: &'a Place,
}

impl<'a> Translation<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        let text = self.inputs.get(name)?.trim();
        (!text.is_empty()).then_some(text)
    }

    fn is_true(&self, name: &str) -> Result<bool, Failure> {
        match self.get(name).map(str::to_ascii_lowercase).as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => Err(Failure::usage(format!("input {name} is {other}"))
                .cause("true and false are allowed")),
        }
    }

    /// The command that was asked for, or the one of the AWS actions that these inputs are of.
    fn command(&self) -> Result<Option<&'a str>, Failure> {
        if let Some(named) = self.get("subcommand") {
            return Ok(Some(named));
        }
        let any = |names: &[&str]| names.iter().any(|name| self.get(name).is_some());
        Ok(if any(&["service"]) {
            Some("rollout")
        } else if self.is_true("run-task")? {
            Some("run")
        } else if any(&[
            "image",
            "container-name",
            "task-definition-arn",
            "task-definition-family",
        ]) {
            Some("render")
        } else if any(&["task-definition"]) {
            Some("register")
        } else {
            None
        })
    }

    fn line(&self, command: &str) -> Result<Line, Failure> {
        let mut line = Line(vec![command.to_owned()]);
        self.place(&mut line, command)?;
        if WITH_DOCUMENT.contains(&command) {
            self.document(&mut line)?;
        }
        if WITH_RULES.contains(&command) {
            self.rules(&mut line)?;
        }
        match command {
            "render" => line.option("--out", &self.place.rendered),
            "plan" => line.some("--out", self.get("plan")),
            "rollout" => {
                line.some("--plan", self.get("plan"));
                let waited_for = self.get("wait-for-service-stability").is_none()
                    || self.is_true("wait-for-service-stability")?;
                line.flag("--detach", !waited_for);
            }
            _ => {}
        }
        if matches!(command, "plan" | "diff") {
            line.flag("--exit-code", self.is_true("exit-code")?);
        }
        if matches!(command, "plan" | "rollout" | "rollback") {
            for name in [
                "comment",
                "commit-status",
                "deployment",
                "environment-url",
                "pull-request",
            ] {
                line.some(&format!("--{name}"), self.get(name));
            }
        }
        if matches!(command, "rollout" | "rollback") {
            line.some("--on-cancel", self.get("on-cancel"));
        }
        line.0.extend(self.each("args"));
        Ok(line)
    }

    /// Which service, where.
    fn place(&self, line: &mut Line, command: &str) -> Result<(), Failure> {
        if matches!(command, "schema" | "sandbox" | "action") {
            return Err(Failure::usage(format!("the action does not run {command}")));
        }
        line.0.extend(self.get("config").map(path));
        line.some("--env", self.get("environment"));
        line.some("--region", self.get("region"));
        line.some("--service", self.get("service"));
        let default =
            (!self.place.configured && self.get("service").is_some()).then_some("default");
        line.some("--cluster", self.get("cluster").or(default));
        Ok(())
    }

    fn document(&self, line: &mut Line) -> Result<(), Failure> {
        self.base(line)?;
        line.each("--values", self.each("values"));
        line.each("--set", self.each("set"));
        line.some("--cpu", self.get("cpu"));
        line.some("--memory", self.get("memory"));
        line.some("--task-role", self.get("task-role-arn"));
        line.some("--execution-role", self.get("execution-role-arn"));
        line.flag(
            "--keep-tags",
            self.is_true("keep-tags")? && line.0[0] != "render",
        );
        self.containers(line);
        Ok(())
    }

    /// The file or the registered task definition to begin with.
    fn base(&self, line: &mut Line) -> Result<(), Failure> {
        if let Some(named) = self.get("task-definition") {
            let endings = [".json", ".yaml", ".yml", ".hbs", ".tpl"];
            let is_file =
                endings.iter().any(|end| named.ends_with(end)) || (self.place.is_file)(named);
            let option = if is_file {
                "--task-definition"
            } else {
                "--revision"
            };
            line.option(option, named);
            return Ok(());
        }
        let (family, number) = (
            self.get("task-definition-family"),
            self.get("task-definition-revision"),
        );
        let revision = match (self.get("task-definition-arn"), family, number) {
            (Some(arn), ..) => Some(arn.to_owned()),
            (None, Some(family), Some(number)) => Some(format!("{family}:{number}")),
            (None, Some(family), None) => Some(family.to_owned()),
            (None, None, Some(_)) => {
                return Err(
                    Failure::usage("task-definition-revision is a number of no family")
                        .hint("set task-definition-family too"),
                );
            }
            (None, None, None) => None,
        };
        line.some("--revision", revision.as_deref());
        Ok(())
    }

    fn containers(&self, line: &mut Line) {
        let names = self.get("container-name").unwrap_or_default().split(',');
        let names: Vec<&str> = names.map(str::trim).filter(|it| !it.is_empty()).collect();
        for image in self.each("image") {
            if names.is_empty() {
                line.option("--image", &image);
            }
            for name in &names {
                line.option("--image", &format!("{name}={image}"));
            }
        }
        let before = line.0.len();
        line.each("--variable", self.each("environment-variables"));
        line.each("--secret", self.each("secrets"));
        line.each("--variables-file", self.each("env-files"));
        line.each("--docker-label", self.each("docker-labels"));
        line.some("--command", self.get("command"));
        line.some("--log-driver", self.get("log-configuration-log-driver"));
        line.each("--log-option", self.each("log-configuration-options"));
        if line.0.len() > before {
            line.each("--container", names.into_iter().map(str::to_owned));
        }
    }

    fn rules(&self, line: &mut Line) -> Result<(), Failure> {
        line.some("--timeout", self.timeout()?.as_deref());
        line.some("--strategy", self.get("strategy"));
        line.some("--canary", self.get("canary"));
        line.some("--weights", self.get("weights"));
        line.some("--bake", self.get("bake"));
        line.some("--desired-count", self.get("desired-count"));
        line.flag(
            "--force-new-deployment",
            self.is_true("force-new-deployment")?,
        );
        for name in [
            "appspec",
            "application",
            "deployment-group",
            "deployment-config",
        ] {
            let name = format!("codedeploy-{name}");
            line.some(&format!("--{name}"), self.get(&name));
        }
        let mut members = Map::new();
        self.tagging(&mut members)?;
        self.volume(&mut members, "service-managed-ebs-volume")?;
        line.members(members);
        Ok(())
    }

    fn timeout(&self) -> Result<Option<String>, Failure> {
        let minutes = self
            .get("wait-for-minutes")
            .map(|minutes| match minutes.parse::<u32>() {
                Ok(minutes) => Ok(format!("{minutes}m")),
                Err(_) => Err(
                    Failure::usage(format!("input wait-for-minutes is {minutes}"))
                        .cause("a number of minutes is allowed"),
                ),
            });
        let minutes = minutes.transpose()?;
        Ok(self.get("timeout").map(str::to_owned).or(minutes))
    }

    fn run(&self) -> Result<Line, Failure> {
        let mut line = Line(vec!["run".to_owned()]);
        self.place(&mut line, "run")?;
        if self.get("service").is_none() {
            line.some(
                "--cluster",
                self.get("cluster").is_none().then_some("default"),
            );
        }
        self.document(&mut line)?;
        if let Some(subnets) = self.get("run-task-subnets") {
            line.option("--subnet", subnets);
            line.some("--security-group", self.get("run-task-security-groups"));
            let public = self.get("run-task-assign-public-IP").unwrap_or_default();
            line.flag("--public-ip", public.eq_ignore_ascii_case("enabled"));
        }
        line.some("--launch-type", self.get("run-task-launch-type"));
        line.some("--timeout", self.timeout()?.as_deref());
        line.flag("--no-wait", !self.is_true("wait-for-task-stopped")?);
        line.members(self.run_members()?);
        Ok(line)
    }

    fn run_members(&self) -> Result<Map<String, Value>, Failure> {
        let mut members = Map::new();
        let overrides = self.list("run-task-container-overrides")?;
        let overrides = overrides.map(|list| json!({"containerOverrides": list}));
        let started_by = self.get("run-task-started-by").map(Value::from);
        let parts = [
            ("overrides", overrides),
            ("startedBy", started_by),
            ("tags", self.list("run-task-tags")?),
            (
                "capacityProviderStrategy",
                self.list("run-task-capacity-provider-strategy")?,
            ),
        ];
        let parts = parts
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        members.extend(parts);
        self.tagging(&mut members)?;
        self.volume(&mut members, "run-task-managed-ebs-volume")?;
        Ok(members)
    }

    fn tagging(&self, members: &mut Map<String, Value>) -> Result<(), Failure> {
        if self.get("enable-ecs-managed-tags").is_some() {
            let managed = self.is_true("enable-ecs-managed-tags")?;
            members.insert("enableECSManagedTags".to_owned(), json!(managed));
        }
        let of = self.get("propagate-tags").map(str::to_ascii_uppercase);
        if let Some(of) = of.filter(|of| of != "NONE") {
            members.insert("propagateTags".to_owned(), json!(of));
        }
        Ok(())
    }

    fn volume(&self, members: &mut Map<String, Value>, input: &str) -> Result<(), Failure> {
        let name = self.get(&format!("{input}-name"));
        match (name, self.json(input)?) {
            (None, None) => {}
            (Some(name), Some(volume)) if volume.is_object() => {
                let volumes = json!([{"name": name, "managedEBSVolume": volume}]);
                members.insert("volumeConfigurations".to_owned(), volumes);
            }
            _ => {
                return Err(Failure::usage(format!(
                    "inputs {input} and {input}-name belong together"
                ))
                .cause(
                    "the one is a JSON object, the other the volume's name in the task definition",
                ));
            }
        }
        Ok(())
    }

    /// A JSON list that is not empty.
    fn list(&self, name: &str) -> Result<Option<Value>, Failure> {
        match self.json(name)? {
            None => Ok(None),
            Some(Value::Array(list)) if list.is_empty() => Ok(None),
            Some(list) if list.is_array() => Ok(Some(list)),
            Some(_) => Err(Failure::usage(format!("input {name} is no JSON list"))),
        }
    }

    fn json(&self, name: &str) -> Result<Option<Value>, Failure> {
        let parsed = self.get(name).map(serde_json::from_str).transpose();
        parsed.map_err(|error| Failure::usage(format!("input {name} is no JSON")).because(&error))
    }

    /// The lines of an input, without blanks around them, empty ones left out.
    fn each(&self, name: &str) -> Vec<String> {
        let lines = self.get(name).unwrap_or_default().lines();
        lines
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect()
    }
}

/// A path that begins with a dash stays a path.
fn path(text: &str) -> String {
    if text.starts_with('-') {
        format!("./{text}")
    } else {
        text.to_owned()
    }
}
