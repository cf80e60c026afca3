//! Ways back, turn by turn: taken up late, driven for long, not wanted; and what is told of a deployment that is found.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::core::live::{Service, ServiceDeployment};
use crate::core::plan::{Course, Plan};
use crate::core::report::{Cause, Event, Outcome, Undoer};
use crate::core::rollout::example::{self, BEGAN, NEW, NEW_ID, OLD, OLD_ID, cancelled, undoing};
use crate::core::rollout::{Action, Fault, Observation, Phase, Seen, State, Turn, Wish, turn};
use crate::core::service::OnFailure;

/// The new revision's deployment was there already: it is followed.
fn plan() -> Plan {
    let mut plan = example::plan(&json!("rolling"));
    plan.course = Course::Follow;
    plan.before.deployment = Some(NEW_ID.into());
    plan
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
        let next = turn(&plan(), state, seen, BEGAN + after);
        assert_eq!(told(&next), expected, "{seen:?}");
    };
    let state = example::at(&plan(), undoing(cancelled()));
    let new = || saw(NEW_ID, NEW, "IN_PROGRESS");
    let running = json!({"serviceDeploymentArn": "arn:deployment", "status": "IN_PROGRESS"});
    let stoppable = Observation {
        service_deployment: Seen::Is(ServiceDeployment::new(running)),
        ..new()
    };
    check(&state, &stoppable, hours, "stops");
    check(&state, &new(), hours, "deploys");
    // However it ended, the deployment that is followed is no way back.
    check(&state, &saw(NEW_ID, NEW, "COMPLETED"), hours, "deploys");
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
    ordered.ordered = Some(BEGAN + hours);
    check(&ordered, &new(), hours, "gives up");
    let refused = Observation {
        receipt: Some(Err(Fault::unasked("StopServiceDeployment", "no"))),
        ..stoppable
    };
    check(&state, &refused, SignedDuration::ZERO, "deploys");
}

#[test]
fn where_failures_are_left_nothing_is_ordered_though_ecs_does_not_go_back() {
    let reason = "somebody stopped it".to_owned();
    let (cause, by) = (Cause::Stopped { reason }, Undoer::Ecs);
    let mut plan = plan();
    let stopped = saw(NEW_ID, NEW, "FAILED");
    let minutes = BEGAN + SignedDuration::from_mins(2);
    for (on_failure, expected) in [
        (OnFailure::RollBack, "deploys"),
        (OnFailure::Leave, "gives up"),
    ] {
        plan.intent.on_failure = on_failure;
        let cause = cause.clone();
        let state = example::at(&plan, Phase::Undo { cause, by });
        let soon = turn(&plan, &state, &stopped, BEGAN);
        assert_eq!(told(&soon), "waits");
        let late = turn(&plan, &state, &stopped, minutes);
        assert_eq!(told(&late), expected);
    }
}

#[test]
fn capacity_that_the_run_had_added_goes_after_the_old_revision_serves() {
    let mut plan = plan();
    let back = |plan: &Plan, seen: &Observation| -> Value {
        let state = example::at(plan, undoing(cancelled()));
        let later = BEGAN + SignedDuration::from_mins(1);
        match turn(plan, &state, seen, later).act {
            Some(Action::UpdateService { members, .. }) => members.into(),
            act => panic!("{act:?}"),
        }
    };
    let (new, old) = (
        saw(NEW_ID, NEW, "FAILED"),
        saw("ecs-svc/3", OLD, "COMPLETED"),
    );
    // Two tasks are there.
    plan.intent.desired_count = Some(2);
    plan.before.desired_count = 1;
    assert_eq!(back(&plan, &new), json!({"taskDefinition": OLD}));
    assert_eq!(back(&plan, &old), json!({"desiredCount": 1}));
    plan.before.desired_count = 3;
    let at_once = json!({"taskDefinition": OLD, "desiredCount": 3});
    assert_eq!(back(&plan, &new), at_once);
}

/// It runs: to leave it alone would not be to go back.
#[test]
fn a_deployment_that_is_to_be_followed_is_found_before_it_goes_back() {
    let by = "anna".to_owned();
    let wish = Observation {
        wish: Some(Wish::Undo { by }),
        ..saw(NEW_ID, NEW, "IN_PROGRESS")
    };
    let found = turn(&plan(), &State::begin(&plan(), BEGAN), &wish, BEGAN);
    assert_eq!(found.next.phase, Phase::Follow);
    let then = turn(&plan(), &found.next, &wish, BEGAN);
    assert_eq!(then.next.phase, undoing(cancelled()));
    // One that is gone meanwhile is not ordered to be taken back.
    let gone = Observation {
        wish: wish.wish,
        ..saw(OLD_ID, OLD, "COMPLETED")
    };
    let mut plan = plan();
    plan.before.deployment = Some(OLD_ID.into());
    let ended = turn(&plan, &State::begin(&plan, BEGAN), &gone, BEGAN);
    let cause = cancelled();
    assert_eq!(ended.next.outcome(), Some(&Outcome::Failed { cause }));
}

#[test]
fn what_happened_before_a_deployment_that_is_found_is_not_told_as_news() {
    let mut found = json!({
        "serviceName": "web", "status": "ACTIVE", "desiredCount": 2,
        "deployments": [{
            "id": NEW_ID, "status": "PRIMARY", "taskDefinition": NEW, "rolloutState": "IN_PROGRESS",
            "createdAt": 1000.5,
        }],
    });
    found["events"] = json!([
        {"id": "3", "createdAt": 1002.0, "message": "has started 2 tasks"},
        {"id": "2", "createdAt": 1000.0, "message": "has reached a steady state"},
        {"id": "1", "createdAt": 10.0, "message": "has reached a steady state"},
    ]);
    let seen = Observation {
        service: Seen::Is(Service::new(found)),
        ..Observation::default()
    };
    let first = turn(&plan(), &State::begin(&plan(), BEGAN), &seen, BEGAN);
    assert_eq!(first.next.phase, Phase::Follow);
    let news = |event: &Event| match event {
        Event::Service(event) => Some(event.id.clone()),
        _ => None,
    };
    let told: Vec<String> = first.say.iter().filter_map(news).collect();
    assert_eq!(told, ["3"]);
}
