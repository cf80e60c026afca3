//! Plays a native deployment second by second, checks what must hold in each, and writes down what changes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::sandbox::ecs::Switches;
use crate::sandbox::ecs::tests::stage::Stage;
use crate::sandbox::elb::{self, TargetState};

/// A stage on which a native deployment plays.
pub struct Play {
    pub stage: Stage,
    second: u64,
    last: String,
    transcript: Vec<String>,
    /// Whether production must be backed by healthy targets: it is not while a first deployment comes up.
    pub is_backed: bool,
    pub production_rule: &'static str,
}

impl Play {
    pub fn new(changes: &[(&str, &str)]) -> Self {
        Self::on(Stage::blue_green(changes))
    }

    pub fn on(stage: Stage) -> Self {
        Self {
            stage,
            second: 0,
            last: String::new(),
            transcript: Vec::new(),
            is_backed: true,
            production_rule: "web:80/10",
        }
    }

    /// The blue/green service with these members in place of its strategy and bake time.
    pub fn configured(configuration: &str) -> Self {
        let strategy = "strategy: BLUE_GREEN\n      bakeTimeInMinutes: 2\n";
        Self::new(&[(strategy, configuration)])
    }

    pub fn switched(mut self, switches: Switches) -> Self {
        self.stage.world.ecs.switches = switches;
        self
    }

    /// Rolls out an image; answers the deployment's id.
    pub fn deploy(&mut self, tag: &str) -> String {
        let id = self.stage.deploy(tag);
        let rollout = self.stage.rollout();
        self.note(&rollout);
        id
    }

    pub fn seconds(&mut self, count: u64) {
        for _ in 0..count {
            self.stage.second();
            self.second += 1;
            let rollout = self.stage.rollout();
            self.check(&rollout);
            self.note(&rollout);
        }
    }

    /// Moves on until the deployment is at this stage.
    pub fn until_stage(&mut self, stage: &str) {
        self.until(|rollout| rollout["lifecycleStage"] == stage);
    }

    pub fn until_over(&mut self) {
        self.until(|rollout| rollout["finishedAt"].is_number());
    }

    /// Moves on until `done`, for three hours at most.
    pub fn until(&mut self, done: impl Fn(&Value) -> bool) {
        for _ in 0..3 * 3600 {
            if done(&self.stage.rollout()) {
                return;
            }
            self.seconds(1);
        }
        panic!("three hours have passed: {:#}", self.stage.rollout());
    }

    /// StopServiceDeployment of the newest deployment.
    pub fn stop(&mut self) {
        let arn = self.stage.rollout()["serviceDeploymentArn"].clone();
        let input = json!({ "serviceDeploymentArn": arn });
        self.stage.call("StopServiceDeployment", &input);
    }

    /// What has changed since the play began, one line a change.
    pub fn transcript(&self) -> String {
        self.transcript.join("\n")
    }

    /// The weights of the production rule, by group name.
    pub fn production(&self) -> BTreeMap<String, u32> {
        self.weights(self.production_rule)
    }

    pub fn test(&self) -> BTreeMap<String, u32> {
        self.weights("web:9000/default")
    }

    fn weights(&self, rule: &str) -> BTreeMap<String, u32> {
        let elb = &self.stage.world.elb;
        let arn = elb::find_rule(elb, rule).unwrap();
        let forwards = elb.rules[&arn].forwards();
        forwards
            .map(|group| (elb.groups[&group.arn].name.clone(), group.weight))
            .collect()
    }

    /// Overwrites the weights of the production rule, as a run of somebody's infrastructure code would.
    pub fn reset(&mut self, weights: [u32; 2]) {
        let elb = &mut self.stage.world.elb;
        let arn = elb::find_rule(elb, "web:80/10").unwrap();
        let groups = ["web-1", "web-2"].map(|name| elb::find_group(elb, name).unwrap());
        let rule = elb.rules.get_mut(&arn).unwrap();
        rule.actions = vec![elb::Action::Forward {
            order: None,
            groups: groups
                .into_iter()
                .zip(weights)
                .map(|(arn, weight)| elb::WeightedGroup { arn, weight })
                .collect(),
            sticky_seconds: None,
        }];
    }

    fn healthy(&self, group: &str) -> usize {
        let elb = &self.stage.world.elb;
        let arn = elb::find_group(elb, group).unwrap();
        let targets = elb.groups[&arn].targets.values();
        targets
            .filter(|target| target.health.report().state == TargetState::Healthy)
            .count()
    }

    /// Weights always sum to the same, and production always goes where somebody answers; the blue side stays whole
    /// until the clean-up.
    fn check(&self, rollout: &Value) {
        let second = self.second;
        let production = self.production();
        let total: u32 = production.values().sum();
        assert!(
            [1, 100, 999].contains(&total),
            "second {second}: {production:?}"
        );
        let fed = production.iter().filter(|(_, weight)| **weight > 0);
        for (group, weight) in fed {
            assert!(
                !self.is_backed || self.healthy(group) > 0,
                "second {second}: {group} has weight {weight} and no healthy target"
            );
        }
        if rollout["status"] != "IN_PROGRESS" || rollout["lifecycleStage"] == "CLEAN_UP" {
            return;
        }
        for source in rollout["sourceServiceRevisions"].as_array().unwrap() {
            if source["requestedProductionTrafficWeight"].as_f64() > Some(0.0) {
                assert_eq!(
                    source["runningTaskCount"], source["requestedTaskCount"],
                    "second {second}"
                );
            }
        }
    }

    fn note(&mut self, rollout: &Value) {
        let service = self.stage.service();
        let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let side = |revision: &Value| {
            format!(
                "{}+{}/{} p{} t{}",
                revision["runningTaskCount"],
                revision["pendingTaskCount"],
                revision["requestedTaskCount"],
                revision["requestedProductionTrafficWeight"],
                revision["requestedTestTrafficWeight"]
            )
        };
        let weights = |weights: BTreeMap<String, u32>| {
            let all: Vec<String> = weights.values().map(u32::to_string).collect();
            all.join(":")
        };
        let deployments: Vec<String> = service["deployments"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| format!("{} {}", word(&one["status"]), word(&one["rolloutState"])))
            .collect();
        let sources = rollout["sourceServiceRevisions"].as_array().unwrap();
        let line = format!(
            "{} {} | green {} | blue {} | rules {} test {} | {}",
            word(&rollout["status"]),
            word(&rollout["lifecycleStage"]),
            side(&rollout["targetServiceRevision"]),
            sources.first().map_or("none".to_owned(), side),
            weights(self.production()),
            weights(self.test()),
            deployments.join(", ")
        );
        if line != self.last {
            self.transcript.push(format!("{:>5} {line}", self.second));
            self.last = line;
        }
    }
}
