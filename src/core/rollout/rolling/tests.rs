//! A way back whose time is over, turn by turn: whoever takes it up late, or drove it for long.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::core::live::{Service, ServiceDeployment};
use crate::core::plan::Plan;
use crate::core::report::{Cause, Outcome, Undoer};
use crate::core::rollout::{Action, Fault, Observation, Phase, Seen, State, Turn, turn};
use crate::core::service::Intent;

const OLD: &str = "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:1";
const NEW: &str = "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:2";

/// The new revision's deployment was there already: it is followed.
fn plan() -> Plan {
    let plan = json!({
        "target": {"cluster": "main", "service": "web"},
        "course": "follow",
        "strategy": "rolling",
        "why": "it was asked for",
        "revision": {"existing": NEW},
        "before": {"deployment": "ecs-svc/2", "task_definition": OLD, "serving": OLD, "desired_count": 2},
        "redeploy": "WhenChanged",
        "intent": Intent::default(),
    });
    serde_json::from_value(plan).expect("it is a plan")
}

fn undoing() -> State {
    let by = "anna".to_owned();
    let (cause, by) = (Cause::Cancelled { by }, Undoer::Ecsdeploy);
    let mut state = State::begin(&plan(), Timestamp::UNIX_EPOCH);
    state.deployment = Some("ecs-svc/2".into());
    state.enter(Phase::Undo { cause, by }, Timestamp::UNIX_EPOCH);
    state
}

fn saw(primary: &str, revision: &str, rollout_state: &str) -> Observation {
    let deployment = json!({
        "id": primary, "status": "PRIMARY", "taskDefinition": revision, "rolloutState": rollout_state,
        "runningCount": 2,
    });
    let service = json!({
        "serviceName": "web", "status": "ACTIVE", "desiredCount": 2, "deployments": [deployment],
    });
    Observation {
        service: Seen::Is(Service::new(service)),
        ..Observation::default()
    }
}

fn told(turn: &Turn) -> &'static str {
    match (&turn.next.phase, &turn.act) {
        (_, Some(Action::StopServiceDeployment(_))) => "stops",
        (_, Some(Action::UpdateService { .. })) => "deploys",
        (Phase::Done(Outcome::Stranded { .. }), None) => "gives up",
        (Phase::Done(Outcome::RolledBack { .. }), None) => "is back",
        (Phase::Undo { .. }, None) => "waits",
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_way_back_is_late_only_when_nothing_is_left_to_order() {
    let hours = SignedDuration::from_hours(5);
    let check = |state: &State, seen: &Observation, after: SignedDuration, expected: &str| {
        let next = turn(&plan(), state, seen, Timestamp::UNIX_EPOCH + after);
        assert_eq!(told(&next), expected, "{seen:?}");
    };
    let state = undoing();
    let new = || saw("ecs-svc/2", NEW, "IN_PROGRESS");
    let running = json!({"serviceDeploymentArn": "arn:deployment", "status": "IN_PROGRESS"});
    let stoppable = Observation {
        service_deployment: Seen::Is(ServiceDeployment::new(running)),
        ..new()
    };
    check(&state, &stoppable, hours, "stops");
    check(&state, &new(), hours, "deploys");
    // However it ended, the deployment that is followed is no way back.
    check(
        &state,
        &saw("ecs-svc/2", NEW, "COMPLETED"),
        hours,
        "deploys",
    );
    check(
        &state,
        &saw("ecs-svc/3", OLD, "COMPLETED"),
        hours,
        "is back",
    );
    let coming = saw("ecs-svc/3", OLD, "IN_PROGRESS");
    check(&state, &coming, SignedDuration::ZERO, "waits");
    check(&state, &coming, hours, "gives up");
    // Five hours without a driver are none.
    let mut resumed = state.clone();
    resumed.resume(hours);
    check(&resumed, &coming, hours, "waits");
    let mut ordered = state.clone();
    ordered.ordered = Some(Timestamp::UNIX_EPOCH + hours);
    check(&ordered, &new(), hours, "gives up");
    let refused = Observation {
        receipt: Some(Err(Fault::unasked("StopServiceDeployment", "no"))),
        ..stoppable
    };
    check(&state, &refused, SignedDuration::ZERO, "deploys");
}
