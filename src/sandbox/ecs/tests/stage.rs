//! The stage on which the timelines play: one service in one cluster, moved on second by second.

use serde_json::{Value, json};

use crate::sandbox::ecs::service_deployment::count;
use crate::sandbox::ecs::{self, Switches};
use crate::sandbox::{ApiError, World, cloudwatch, seed};

/// A Fargate service `web` of two tasks behind a load balancer, in the cluster `main`; images 1.0.0 (live) and 1.1.0
/// are good, 1.2.0-sick answers 503, 1.3.0-crash exits after 4 s.
const WEB: &str = include_str!("../../testdata/fargate-web.yaml");
/// The same service with two target groups, deployed BLUE_GREEN with a bake time of two minutes.
const BLUE_GREEN: &str = include_str!("../../testdata/fargate-blue-green.yaml");
pub const REGISTRY: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

pub struct Stage {
    pub world: World,
    /// Whether each second checks that the healthy tasks keep to the lower bound.
    pub keeps_lower: bool,
    second: u64,
    running: usize,
    told: usize,
}

impl Stage {
    pub fn new(world_file: &str) -> Self {
        let world = seed::read(world_file, 7).unwrap_or_else(|error| panic!("{error}"));
        Self {
            world,
            keeps_lower: true,
            second: 0,
            running: 0,
            told: 0,
        }
    }

    /// The web service, with these changes to its world file.
    pub fn web(changes: &[(&str, &str)]) -> Self {
        Self::changed(WEB, changes)
    }

    /// The blue/green service, with these changes to its world file.
    pub fn blue_green(changes: &[(&str, &str)]) -> Self {
        Self::changed(BLUE_GREEN, changes)
    }

    fn changed(file: &str, changes: &[(&str, &str)]) -> Self {
        let mut file = file.to_owned();
        for (old, new) in changes {
            assert!(file.contains(old), "the world file has no {old:?}");
            file = file.replace(old, new);
        }
        Self::new(&file)
    }

    pub fn switched(mut self, switches: Switches) -> Self {
        self.world.ecs.switches = switches;
        self
    }

    pub fn try_call(&mut self, op: &str, input: &Value) -> Result<Value, ApiError> {
        ecs::answer(&mut self.world, op, input)
    }

    pub fn call(&mut self, op: &str, input: &Value) -> Value {
        self.try_call(op, input)
            .unwrap_or_else(|error| panic!("{op} {input}: {error}"))
    }

    /// Registers the live definition with another image of the repository `web`; answers the new ARN.
    pub fn register(&mut self, tag: &str) -> String {
        let mut definition = self.call(
            "DescribeTaskDefinition",
            &json!({ "taskDefinition": "web" }),
        )["taskDefinition"]
            .clone();
        let members = definition.as_object_mut().unwrap();
        for output in [
            "taskDefinitionArn",
            "revision",
            "status",
            "requiresAttributes",
            "compatibilities",
            "registeredAt",
            "registeredBy",
        ] {
            members.shift_remove(output);
        }
        definition["containerDefinitions"][0]["image"] = json!(format!("{REGISTRY}/web:{tag}"));
        let answer = self.call("RegisterTaskDefinition", &definition);
        answer["taskDefinition"]["taskDefinitionArn"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Registers an image and rolls it out; answers the deployment's id.
    pub fn deploy(&mut self, tag: &str) -> String {
        let arn = self.register(tag);
        let answer = self.update(&json!({ "taskDefinition": arn }));
        answer["deployments"][0]["id"].as_str().unwrap().to_owned()
    }

    /// Puts an alarm into this state; it holds until the alarm is evaluated again, within a minute.
    pub fn alarm(&mut self, name: &str, state: &str) {
        let put = json!({
            "AlarmName": name,
            "MetricName": "errors",
            "Namespace": "web",
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 1.0,
            "ComparisonOperator": "GreaterThanThreshold",
        });
        let set = json!({ "AlarmName": name, "StateValue": state, "StateReason": "drill" });
        for (op, input) in [("PutMetricAlarm", put), ("SetAlarmState", set)] {
            let answer = cloudwatch::answer(&mut self.world, op, &input);
            answer.unwrap_or_else(|error| panic!("{op}: {error}"));
        }
    }

    /// UpdateService of `web`.
    pub fn update(&mut self, changes: &Value) -> Value {
        let mut input = changes.clone();
        input["cluster"] = json!("main");
        input["service"] = json!("web");
        self.call("UpdateService", &input)["service"].clone()
    }

    pub fn service(&mut self) -> Value {
        let answer = self.call(
            "DescribeServices",
            &json!({ "cluster": "main", "services": ["web"] }),
        );
        answer["services"][0].clone()
    }

    /// The tasks of the cluster `main` with this desired status.
    pub fn tasks(&mut self, desired: &str) -> Vec<Value> {
        let list = self.call(
            "ListTasks",
            &json!({ "cluster": "main", "desiredStatus": desired }),
        );
        if list["taskArns"] == json!([]) {
            return Vec::new();
        }
        let answer = self.call(
            "DescribeTasks",
            &json!({ "cluster": "main", "tasks": list["taskArns"] }),
        );
        answer["tasks"].as_array().unwrap().clone()
    }

    /// The one service deployment of newest date.
    pub fn rollout(&mut self) -> Value {
        let list = self.call(
            "ListServiceDeployments",
            &json!({ "cluster": "main", "service": "web" }),
        );
        let arn = &list["serviceDeployments"][0]["serviceDeploymentArn"];
        let answer = self.call(
            "DescribeServiceDeployments",
            &json!({ "serviceDeploymentArns": [arn] }),
        );
        answer["serviceDeployments"][0].clone()
    }

    /// One second passes.
    pub fn second(&mut self) {
        let next = self.world.now.next_second();
        self.world.step(next);
        self.second += 1;
        self.check_bounds();
    }

    pub fn seconds(&mut self, count: u64) {
        for _ in 0..count {
            self.second();
        }
    }

    /// Moves on until `done`, for an hour at most; answers how many seconds it took.
    pub fn until(&mut self, done: impl Fn(&Value) -> bool) -> u64 {
        for passed in 0..3600 {
            if done(&self.service()) {
                return passed;
            }
            self.second();
        }
        panic!("an hour has passed: {:#}", self.service());
    }

    pub fn until_steady(&mut self) -> u64 {
        self.second(); // a call shows its effect from the next second on
        self.until(|service| {
            service["deployments"].as_array().unwrap().len() == 1
                && service["deployments"][0]["rolloutState"] != "IN_PROGRESS"
        })
    }

    /// The service's events since the last call of this, oldest first, with ids and ARNs shortened.
    pub fn news(&mut self) -> Vec<String> {
        let events = self.service()["events"].as_array().unwrap().clone();
        let new = events.len() - self.told;
        self.told = events.len();
        let names = |message: &str| shorten(message);
        events[..new]
            .iter()
            .rev()
            .map(|event| names(event["message"].as_str().unwrap()))
            .collect()
    }

    fn check_bounds(&mut self) {
        let cluster = &self.world.ecs.clusters["main"];
        let Some(service) = cluster.services.get("web") else {
            return;
        };
        let (maximum, minimum) = service.percents();
        let desired = u64::from(service.desired);
        let upper = (desired * maximum / 100) as usize;
        let lower = (desired * minimum).div_ceil(100) as usize;
        let counts = count(&cluster.tasks, service, None);
        // Tasks that a lowered desired count leaves over are no breach.
        let leftover = std::mem::replace(&mut self.running, counts.running);
        let live = counts.running + counts.pending;
        let second = self.second;
        assert!(
            live <= upper.max(leftover),
            "second {second}: {live} tasks, at most {upper}"
        );
        if self.keeps_lower {
            assert!(
                counts.running >= lower,
                "second {second}: fewer than {lower} run"
            );
        }
    }
}

/// `(task 0123…)` becomes `(task T)`, and so on: what is random is no part of a text.
pub fn shorten(message: &str) -> String {
    let mut words = Vec::new();
    for word in message.split(' ') {
        let core: &str = word.trim_matches(|c: char| "().".contains(c));
        let short = if core.len() == 32 && core.chars().all(|c| c.is_ascii_hexdigit()) {
            "T"
        } else if core.starts_with("ecs-svc/") {
            "D"
        } else if core.starts_with("arn:") && core.contains(":targetgroup/") {
            "TG"
        } else {
            core
        };
        words.push(if core.is_empty() {
            word.to_owned()
        } else {
            word.replacen(core, short, 1)
        });
    }
    words.join(" ")
}
