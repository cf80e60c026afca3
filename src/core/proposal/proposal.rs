//! A plan as it is shown before it is carried out: everything that a reader needs, and nothing secret.
//!
//! It is also what `plan --out` writes and `rollout --plan` holds the world to. The artifact is not executed: a rollout
//! makes its own plan of the same inputs, and goes on only if the two say the same. So the artifact needs no secret,
//! not even a digest of one, which could be guessed at. What a redacted value is cannot be held to; that it was to
//! change, or to stay, is.
//!
//! **Invariant:** two proposals that do not differ by [`Proposal::moved`] lead to the same calls.

use std::fmt::Write as _;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::way::Way;
use crate::core::comparison::Comparison;
use crate::core::diff::{Change, diff};
use crate::core::id::{DeploymentId, ServiceKey, TaskDefinitionArn};
use crate::core::live::{Rule, Service};
use crate::core::plan::{Before, Course, Plan, Revision, Strategy, Survey};
use crate::core::preflight;
use crate::core::redact::Redactor;
use crate::core::service::{Intent, Redeploy};
use crate::core::service_document::ServiceDocument;
use crate::core::steps::Asked;
use crate::core::taskdef::{Finding, Launch, TaskDefinition, canonical, lint};

/// The artifact's format; another is not read.
pub const VERSION: u32 = 1;

/// Members of a service that decide what a deployment of it does. Not among them: counts, which autoscaling moves.
const DECISIVE: [&str; 12] = [
    "deploymentConfiguration",
    "deploymentController",
    "launchType",
    "capacityProviderStrategy",
    "platformVersion",
    "networkConfiguration",
    "loadBalancers",
    "serviceRegistries",
    "schedulingStrategy",
    "placementConstraints",
    "placementStrategy",
    "healthCheckGracePeriodSeconds",
];

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Proposal {
    pub version: u32,
    pub target: ServiceKey,
    pub course: Course,
    pub strategy: Way,
    /// Why this strategy.
    pub why: String,
    pub family: String,
    /// The revision to use, if there is one; else one is registered.
    pub revision: Option<TaskDefinitionArn>,
    pub redeploy: Redeploy,
    pub intent: Intent,
    pub before: Before,
    pub capacity: Capacity,
    /// For how long steps are held and ECS bakes, beside `limits.timeout`.
    #[serde(default)]
    pub held_seconds: u64,
    /// What must hold, step by step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<StepGates>,
    /// The wanted task definition in canonical form.
    pub task_definition: Value,
    /// It and the running one, for readers.
    pub comparison: Comparison,
    /// What a file manages of the service, and what the service has in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed: Option<Comparison>,
    pub findings: Vec<Finding>,
    /// What is on record of another run, and what would become of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_record: Option<String>,
    pub world: World,
    /// How a good release would go, where that was played.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Expected>,
}

/// How a rehearsal of the plan with a good release went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Expected {
    /// From the first call to the verdict.
    pub seconds: u64,
    /// The fewest tasks or healthy targets that served.
    pub least_serving: u64,
    /// The most tasks that there were at once.
    pub most_tasks: u64,
    /// Why it would not succeed, if it would not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// A step, and what it asks before the rollout goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepGates {
    /// In words: `1 canary task`, `5 % of the traffic`.
    pub step: String,
    /// For how long it is held.
    pub seconds: u64,
    /// For how long ECS itself bakes in it, whatever the gates say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ecs_bakes_seconds: Option<u64>,
    pub gates: Vec<String>,
    /// Gates that were declared and have no place in this step, each with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

/// Tasks during the rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capacity {
    pub desired: u32,
    /// The fewest healthy ones that ECS keeps.
    pub floor: u32,
    /// The most that run at once.
    pub ceiling: u32,
}

/// What the plan was made for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct World {
    pub deployment: Option<DeploymentId>,
    pub task_definition: TaskDefinitionArn,
    /// The revision of the last completed deployment.
    pub serving: Option<TaskDefinitionArn>,
    pub service: Map<String, Value>,
    /// Listener rules and their weights, where the strategy moves them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
}

impl Proposal {
    /// `wanted` is the document that the plan was made of.
    pub fn of(plan: &Plan, wanted: &TaskDefinition, survey: &Survey, redactor: &Redactor) -> Self {
        Self {
            version: VERSION,
            target: plan.target.clone(),
            course: plan.course,
            strategy: Way::of(&plan.strategy),
            why: plan.why.clone(),
            family: wanted.family().to_owned(),
            revision: match &plan.revision {
                Revision::Existing(arn) => Some(arn.clone()),
                Revision::New(_) => None,
            },
            redeploy: plan.redeploy,
            intent: Intent {
                managed: None,
                ..plan.intent.clone()
            },
            before: plan.before.clone(),
            capacity: Capacity::of(&plan.strategy, &survey.service),
            held_seconds: plan
                .time_limit()
                .saturating_sub(plan.intent.limits.timeout)
                .as_secs(),
            gates: StepGates::all(plan),
            task_definition: redactor.document(canonical(wanted).value()),
            comparison: Comparison::of(&survey.running.definition, wanted, redactor),
            managed: plan
                .intent
                .managed
                .as_ref()
                .map(|managed| Comparison::of_service(managed, &survey.service, redactor)),
            findings: {
                let mut findings = preflight::findings(plan, wanted, survey);
                let managed = plan.intent.managed.as_ref();
                findings.extend(managed.into_iter().flat_map(ServiceDocument::unknown));
                findings.extend(lint(wanted, launch(&survey.service)));
                findings
            },
            on_record: None,
            world: World::of(&plan.before, survey, redactor),
            expected: None,
        }
    }

    /// `sha256:…` over the proposal's JSON, which holds no secret; what is expected of it, and what is on record, is no
    /// part of it.
    pub fn name(&self) -> String {
        let plan = Self {
            expected: None,
            on_record: None,
            ..self.clone()
        };
        let json = serde_json::to_vec(&plan).expect("a proposal holds only JSON");
        let mut name = "sha256:".to_owned();
        for byte in Sha256::digest(json) {
            let _ = write!(name, "{byte:02x}");
        }
        name
    }

    /// What changes of the service itself.
    pub fn service_changes(&self) -> Vec<Change> {
        self.managed
            .as_ref()
            .map(Comparison::changes)
            .unwrap_or_default()
    }

    /// What is not as it was planned; nothing, and the plan may be carried out. A rollout that was begun and takes up
    /// again finds its own work: the service on its way to exactly what was planned is no moved world.
    pub fn moved(&self, now: &Self) -> Vec<Change> {
        let mut moved = diff(&self.asked(), &now.asked());
        let is_underway = matches!(now.course, Course::Nothing | Course::Follow);
        if moved.is_empty() && is_underway {
            return moved;
        }
        moved.extend(diff(
            &json!({"service": self.world}),
            &json!({"service": now.world}),
        ));
        if moved.is_empty() {
            // Now only secrets can differ: one that was to stay changes, or the other way round.
            let shown = |proposal: &Self| json!({"taskDefinition": proposal.comparison.wanted});
            moved = diff(&shown(self), &shown(now));
        }
        moved
    }

    fn asked(&self) -> Value {
        json!({
            "target": self.target,
            "rollout": self.intent,
            "taskDefinition": self.task_definition,
            "serviceDefinition": self.managed.as_ref().map(|managed| &managed.wanted),
        })
    }
}

impl StepGates {
    fn all(plan: &Plan) -> Vec<Self> {
        let steps = plan.steps().into_iter();
        let steps = steps.filter_map(|asked| Self::of(&asked, plan.ecs_bakes(asked.share)));
        steps.collect()
    }

    /// `None` for a step that asks nothing and is not held.
    fn of(asked: &Asked, by_ecs: Duration) -> Option<Self> {
        let is_held = !asked.bake.is_zero() || !by_ecs.is_zero();
        let is_bare = asked.gates.is_empty() && asked.left_out.is_empty() && !is_held;
        (!is_bare).then(|| Self {
            step: asked.share.to_string(),
            seconds: asked.bake.as_secs(),
            ecs_bakes_seconds: (!by_ecs.is_zero()).then_some(by_ecs.as_secs()),
            gates: asked.gates.iter().map(|gate| gate.name.clone()).collect(),
            left_out: asked.left_out_in_words(),
        })
    }
}

impl Capacity {
    /// Rolling: `maximumPercent` of the desired count, rounded down (`DeploymentConfiguration`). A native shift runs
    /// the new revision beside the old one, at full count, and so does a shift between task sets; a canary beside the
    /// service comes on top.
    fn of(strategy: &Strategy, service: &Service) -> Self {
        let desired = service.desired_count();
        let rolling = service
            .as_value()
            .pointer("/deploymentConfiguration/maximumPercent")
            .and_then(Value::as_u64)
            .unwrap_or(200);
        let (percent, canary) = match strategy {
            Strategy::Rolling => (rolling, 0),
            Strategy::Native(_) | Strategy::TaskSets(_) | Strategy::CodeDeploy(_) => (200, 0),
            Strategy::Beside(beside) => (rolling, beside.tasks),
        };
        let ceiling = u64::from(desired) * percent / 100 + u64::from(canary);
        Self {
            desired,
            floor: service.healthy_floor(),
            ceiling: u32::try_from(ceiling).unwrap_or(u32::MAX),
        }
    }
}

impl World {
    fn of(before: &Before, survey: &Survey, redactor: &Redactor) -> Self {
        let members = DECISIVE.iter().filter_map(|name| {
            let member = survey.service.as_value().get(*name)?;
            Some(((*name).to_owned(), redactor.document(member)))
        });
        Self {
            deployment: before.deployment.clone(),
            task_definition: before.task_definition.clone(),
            serving: before.serving.clone(),
            service: members.collect(),
            rules: survey.rules.clone(),
        }
    }
}

fn launch(service: &Service) -> Launch {
    let provider = service
        .as_value()
        .pointer("/capacityProviderStrategy/0/capacityProvider")
        .and_then(Value::as_str)
        .unwrap_or_default();
    match service.launch_type() {
        "FARGATE" => Launch::Fargate,
        "EC2" => Launch::Ec2,
        "EXTERNAL" => Launch::External,
        _ if provider.starts_with("FARGATE") => Launch::Fargate,
        _ => Launch::Unknown,
    }
}
