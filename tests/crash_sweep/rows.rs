//! What is swept: a world, a command, what fails once, and how it has to end.

use std::path::Path;
use std::time::Duration;

use ecsdeploy::core::rollout::Wish;
use ecsdeploy::core::service::{CanarySize, FailedTasks, StrategyAsked};
use ecsdeploy::engine::Request;
use ecsdeploy::sandbox::elb::{Rule, TargetState};
use ecsdeploy::sandbox::faults;
use ecsdeploy::sandbox::{Sandbox, Time, World};
use serde_json::{Value, json};

use crate::common::with_image;
pub use crate::gates::approval;
pub use crate::held::{abort, by_alarm, by_approval, by_comparison, by_metric, promote};

/// One rollout that is swept.
pub struct Row {
    pub name: String,
    /// The example whose world it is, and the listener that its clients speak to.
    example: &'static str,
    listener: &'static str,
    /// What the example's file says, and what it says here.
    pub changes: Vec<(&'static str, &'static str)>,
    /// Sections after the file's own.
    pub more: &'static str,
    /// The image's family in the task definitions.
    pub family: &'static str,
    pub request: Request,
    /// What a person says, and how long after the beginning.
    pub word: Option<(Duration, Wish)>,
    /// Fault rules, as the sandbox reads them.
    faults: Value,
    pub serves: Serves,
    /// The fewest tasks' worth of healthy capacity, ever.
    pub floor: u32,
    /// The most tasks, ever.
    pub most_tasks: usize,
    pub harm: Harm,
    /// Whether the new revision has traffic, in a world in which only the old one had any.
    pub is_exposed: fn(&World) -> bool,
    /// Whether it has, however ill it is.
    pub is_at_risk: fn(&World) -> bool,
}

/// Which revision serves in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serves {
    New,
    Old,
}

/// What clients may feel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    None,
    /// The release takes ill once it has traffic; whoever it was sent to may feel that.
    ByTheRelease,
    /// The release answers some requests with a 5xx, and is well otherwise.
    ByItsAnswers,
}

impl Row {
    pub fn named(mut self, name: &str) -> Self {
        self.name = name.replace('_', " ");
        self
    }

    /// These operations fail so many times in a row: all attempts of one call, or that one attempt where a call is
    /// not repeated.
    pub fn failing(mut self, operations: &[(&str, u32)]) -> Self {
        let rule = |(operation, times): &(&str, u32)| json!({"operation": operation, "times": times, "fault": "error"});
        self.faults = operations.iter().map(rule).collect();
        self
    }

    /// So many tasks are asked for along with the release, where there are two.
    pub fn counting(mut self, count: u32) -> Self {
        self.request.intent.desired_count = Some(count);
        self.most_tasks = 2 * count as usize;
        self
    }

    /// ECS itself ends a bake that lasts less long than a dead run's lease.
    pub fn baking_long(mut self) -> Self {
        self.changes.clear();
        self
    }

    /// The release takes ill as soon as it has traffic: its health checks fail.
    pub fn falling_ill(mut self) -> Self {
        self.harm = Harm::ByTheRelease;
        // ECS starts the replacements of ill tasks before those are gone.
        self.most_tasks += 2;
        self
    }

    /// The canary stays well: the release takes ill only once the service itself has it.
    pub fn behind_its_canary(mut self) -> Self {
        self.is_exposed = |world| new_healthy_targets(world) > 1;
        self
    }

    /// The world in which it begins, with its own faults and with clients.
    pub fn world(&self) -> Sandbox {
        let mut sandbox = Sandbox::new(&self.world_file(), 1).unwrap();
        add_faults(&mut sandbox, self.faults.clone(), 1);
        sandbox
    }

    fn world_file(&self) -> String {
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("examples")
            .join(self.example)
            .join("sandbox.yml");
        let text = std::fs::read_to_string(file).unwrap();
        let listener = self.listener;
        let text = self.changes.iter().fold(text, |text, (there, here)| {
            assert!(text.contains(there), "{} has no {there}", self.example);
            text.replace(there, here)
        });
        let more = self.more;
        if text.contains("\ntraffic:") {
            return text + more;
        }
        format!(
            "{text}\ntraffic:\n  - {{ listener: \"{listener}\", requestsPerSecond: 20 }}\n{more}"
        )
    }
}

pub fn add_faults(sandbox: &mut Sandbox, rules: Value, seed: u64) {
    let rules: Vec<faults::Rule> = serde_json::from_value(rules).unwrap();
    for rule in rules {
        sandbox.world.faults.add(rule, seed).unwrap();
    }
}

fn row(example: &'static str, request: Request, serves: Serves) -> Row {
    Row {
        name: String::new(),
        example,
        listener: "main:80",
        changes: Vec::new(),
        more: "",
        family: "web",
        request,
        word: None,
        faults: json!([]),
        serves,
        floor: 2,
        most_tasks: 4,
        harm: Harm::None,
        is_exposed: has_a_new_target,
        // Nothing goes to an unhealthy target beside healthy ones.
        is_at_risk: |_| false,
    }
}

/// Two tasks, of which none may be missing and two may be too many.
pub fn fargate(request: Request, serves: Serves) -> Row {
    row("fargate-web", request, serves)
}

/// Four tasks, of which two may be missing and two may be too many; without a circuit breaker.
pub fn ec2(image: &str, serves: Serves) -> Row {
    Row {
        listener: "edge:80",
        family: "nginx",
        most_tasks: 6,
        ..row(
            "ec2-bridge-nginx",
            with_image("ec2", "nginx", &format!("nginx={image}")),
            serves,
        )
    }
}

/// The same two tasks, and one in a service beside them.
pub fn beside(tag: &str, serves: Serves) -> Row {
    let mut request = web(tag);
    request.intent.strategy = StrategyAsked::Canary(CanarySize::Tasks(1));
    Row {
        most_tasks: 5,
        ..row("fargate-web", request, serves)
    }
}

/// The same two tasks, shifted by ECS, which bakes for a minute.
pub fn native(request: Request, serves: Serves) -> Row {
    Row {
        changes: vec![("akeTimeInMinutes: 5", "akeTimeInMinutes: 1")],
        is_exposed: has_weight,
        is_at_risk: has_weight,
        ..row("fargate-canary-shift", request, serves)
    }
}

/// The same by ECS's own steps of 50 %.
pub fn linear(tag: &str, serves: Serves) -> Row {
    let mut row = native(web(tag), serves);
    row.changes.extend([
        ("strategy: CANARY", "strategy: LINEAR"),
        (
            "canaryConfiguration: { canaryPercent: 10, canaryBakeTimeInMinutes: 1 }",
            "linearConfiguration: { stepPercent: 50, stepBakeTimeInMinutes: 1 }",
        ),
    ]);
    row
}

pub fn task_sets(tag: &str, serves: Serves) -> Row {
    let mut request = web(tag);
    request.intent.weights = "10,50".parse().unwrap();
    Row {
        is_exposed: has_weight,
        is_at_risk: has_weight,
        ..row("external-task-sets", request, serves)
    }
}

const OWN_CONFIG: &str = "codeDeploy:
  deploymentConfigs:
    - deploymentConfigName: Own.ECSCanary10Percent1Minute
      computePlatform: ECS
      trafficRoutingConfig:
        type: TimeBasedCanary
        timeBasedCanary: { canaryPercentage: 10, canaryInterval: 1 }
";

/// Task sets that CodeDeploy makes and shifts: a tenth of the traffic for a minute, then all. The example has clients of
/// its own.
pub fn code_deploy(tag: &str, serves: Serves) -> Row {
    Row {
        changes: vec![
            ("requestsPerSecond: 10", "requestsPerSecond: 20"),
            ("ECSCanary10Percent5Minutes", "ECSCanary10Percent1Minute"),
            ("CodeDeployDefault.", "Own."),
            ("codeDeploy:\n", OWN_CONFIG),
        ],
        is_exposed: has_production_weight,
        is_at_risk: has_production_weight,
        ..row("code-deploy", web(tag), serves)
    }
}

/// A target that was not there in the beginning is healthy.
fn has_a_new_target(world: &World) -> bool {
    new_healthy_targets(world) > 0
}

fn new_healthy_targets(world: &World) -> usize {
    let groups = world.elb.groups.values();
    let targets = groups.flat_map(|group| group.targets.values());
    let new = targets.filter(|target| target.registered > Time::DEFAULT_START);
    new.filter(|target| target.health.healthy_since().is_some())
        .count()
}

pub fn has_an_unhealthy_target(world: &World) -> bool {
    let groups = world.elb.groups.values();
    let mut targets = groups.flat_map(|group| group.targets.values());
    targets.any(|target| target.health.report().state == TargetState::Unhealthy)
}

/// Of two groups, of which only the first had traffic before.
fn has_weight(world: &World) -> bool {
    world.elb.rules.values().any(leads_to_the_other_group)
}

/// Port 8080 is led to the new tasks first, for whoever tests them.
fn has_production_weight(world: &World) -> bool {
    let (rules, listeners) = (world.elb.rules.values(), &world.elb.listeners);
    let mut production = rules.filter(|rule| listeners[&rule.listener].port == 80);
    production.any(leads_to_the_other_group)
}

fn leads_to_the_other_group(rule: &Rule) -> bool {
    let mut exposed = rule.forwards().filter(|to| to.weight > 0);
    exposed.any(|to| to.arn.contains("/web-alternate/"))
}

pub fn web(tag: &str) -> Request {
    let image = format!("123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:{tag}");
    let mut request = with_image("main", "web", &image);
    request.intent.bake = Duration::from_secs(20);
    request.intent.drain = Duration::from_secs(35);
    request.intent.limits.timeout = Duration::from_hours(1);
    request
}

pub fn left_to_ecs(tag: &str) -> Request {
    let mut request = web(tag);
    request.intent.limits.failed_tasks = FailedTasks::LeaveToEcs;
    request
}

/// Whatever the service's own strategy is.
pub fn blue_green(tag: &str) -> Request {
    let mut request = web(tag);
    request.intent.strategy = StrategyAsked::BlueGreen;
    request
}
