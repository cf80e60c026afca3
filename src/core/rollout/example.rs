//! A rollout for tests: web:2 is wanted where web:1 serves, two tasks of it. What differs in a test is said there.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Phase, State};
use crate::core::live::{Rule, Service};
use crate::core::plan::{Plan, Refusal, Survey};
use crate::core::preflight::Further;
use crate::core::report::{Cause, Undoer};
use crate::core::service::Intent;
use crate::core::taskdef::{Described, TaskDefinition};

pub const OLD: &str = "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:1";
pub const NEW: &str = "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:2";

pub fn revision(number: u32) -> String {
    OLD.replace("web:1", &format!("web:{number}"))
}

/// The deployments, or task sets, that have them.
pub const OLD_ID: &str = "ecs-svc/1";
pub const NEW_ID: &str = "ecs-svc/2";

pub const BEGAN: Timestamp = Timestamp::constant(1_795_338_000, 0);

/// To be deployed by this strategy, as the journal keeps it, behind a load balancer.
pub fn plan(strategy: &Value) -> Plan {
    let plan = json!({
        "target": {"cluster": "main", "service": "web"},
        "course": "deploy",
        "strategy": strategy,
        "why": "it was asked for",
        "revision": {"existing": NEW},
        "before": {"deployment": OLD_ID, "task_definition": OLD, "serving": OLD, "desired_count": 2},
        "redeploy": "WhenChanged",
        "intent": Intent::default(),
        "ground": {"balanced": "yes"},
    });
    serde_json::from_value(plan).expect("it is a plan")
}

/// What is planned for this service, of these rules.
pub fn planned(service: Service, rules: Vec<Rule>, intent: Intent) -> Result<Plan, Refusal> {
    let document = |image: &str| json!({"family": "web", "containerDefinitions": [{"name": "web", "image": image}]});
    let mut running = document("web:1");
    running["taskDefinitionArn"] = json!(OLD);
    running["revision"] = json!(1);
    running["status"] = json!("ACTIVE");
    let running = json!({ "taskDefinition": running });
    let survey = Survey {
        service,
        running: Described::from_value(running).expect("it is described"),
        latest: None,
        rules,
        code_deploy: None,
        further: Further::default(),
    };
    let target = plan(&json!("rolling")).target;
    let wanted = TaskDefinition::from_value(document("web:2")).expect("it is a document");
    Plan::make(target, wanted, intent, &survey)
}

/// A rollout whose deployment has begun, in this phase from the beginning.
pub fn at(plan: &Plan, phase: Phase) -> State {
    let mut state = State::begin(plan, BEGAN);
    state.revision = Some(NEW.into());
    state.deployment = Some(NEW_ID.into());
    state.enter(phase, BEGAN);
    state
}

pub fn cancelled() -> Cause {
    let by = "anna".to_owned();
    Cause::Cancelled { by }
}

pub fn deadline() -> Cause {
    let awaiting = "the deployment was at its last step".to_owned();
    Cause::Deadline {
        seconds: 1800,
        awaiting,
    }
}

pub fn undoing(cause: Cause) -> Phase {
    let by = Undoer::Ecsdeploy;
    Phase::Undo { cause, by }
}
