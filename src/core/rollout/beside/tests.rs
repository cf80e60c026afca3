//! What a canary's answers, and those to a gate's one-off task, are taken for, turn by turn.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::core::live::{Service, ServiceDeployment};
use crate::core::plan::Plan;
use crate::core::report::{Cause, Event, Outcome, Undoer};
use crate::core::rollout::example::{self, BEGAN, NEW, NEW_ID, OLD, cancelled, undoing};
use crate::core::rollout::{
    Action, Facet, Fault, FaultKind, Observation, Phase, Receipt, Seen, State, Turn, Wish, turn,
};
use crate::core::service::OnFailure;

fn plan() -> Plan {
    let key = json!({"cluster": "main", "service": "web-canary"});
    let bake = json!({"secs": 300, "nanos": 0});
    example::plan(&json!({"beside": {"key": key, "tasks": 1, "members": {}, "bake": bake}}))
}

/// The rollout whose service is being followed, in this phase.
fn at(phase: Phase) -> State {
    example::at(&plan(), phase)
}

fn standing_down() -> State {
    let (cause, by) = (cancelled(), Undoer::Ecsdeploy);
    at(Phase::StandDown { cause, by })
}

fn canary(desired: u32) -> Service {
    Service::new(json!({
        "serviceName": "web-canary", "status": "ACTIVE", "desiredCount": desired,
        "tags": [{"key": "ecsdeploy:canary-of", "value": "web"}],
    }))
}

/// The service, of which the new revision is the primary deployment.
fn service() -> Service {
    Service::new(json!({
        "serviceName": "web", "status": "ACTIVE", "desiredCount": 2,
        "deployments": [{"id": NEW_ID, "status": "PRIMARY", "taskDefinition": NEW, "rolloutState": "IN_PROGRESS"}],
    }))
}

fn fault(operation: &str, kind: FaultKind) -> Fault {
    Fault {
        operation: operation.to_owned(),
        kind,
        ..Fault::unasked(operation, "no")
    }
}

fn answered(receipt: Result<Receipt, Fault>) -> Observation {
    Observation {
        receipt: Some(receipt),
        ..Observation::default()
    }
}

fn saw(beside: Seen<Service>) -> Observation {
    Observation {
        beside,
        ..Observation::default()
    }
}

/// What the turn comes to, in a word.
fn told(turn: &Turn) -> &'static str {
    let zero = json!(0);
    match (&turn.next.phase, &turn.act) {
        (Phase::StandDown { .. }, Some(Action::UpdateService { key, members })) => {
            assert_eq!(key.service.short(), "web-canary");
            assert_eq!(members.get("desiredCount"), Some(&zero));
            "scales down"
        }
        (Phase::StandDown { .. }, None) if turn.wake_at.is_some() => "tries again",
        (Phase::StandDown { .. }, None) => "looks",
        (Phase::Undo { .. }, None) => "undoes",
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_canary_stands_down_at_once_or_is_left_for_later() {
    let check = |state: &State, seen: &Observation, after: i64, expected: &str| {
        let now = BEGAN + SignedDuration::from_secs(after);
        assert_eq!(told(&turn(&plan(), state, seen, now)), expected, "{seen:?}");
    };
    let (refused, denied, lost) = (FaultKind::Refused, FaultKind::Denied, FaultKind::Unanswered);
    let state = standing_down();
    let looked = |kind| saw(Seen::Unreadable(fault("DescribeServices", kind)));
    let called = |kind| answered(Err(fault("UpdateService", kind)));
    check(&state, &Observation::default(), 0, "looks");
    check(&state, &saw(Seen::Is(canary(1))), 0, "scales down");
    check(&state, &saw(Seen::Is(canary(0))), 0, "undoes");
    check(&state, &saw(Seen::Absent), 0, "undoes");
    let with = |change: Value| {
        let mut document =
            json!({"serviceName": "web-canary", "status": "ACTIVE", "desiredCount": 1});
        document
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        saw(Seen::Is(Service::new(document)))
    };
    check(&state, &with(json!({"tags": []})), 0, "undoes");
    let drains =
        json!({"status": "DRAINING", "tags": [{"key": "ecsdeploy:canary-of", "value": "web"}]});
    check(&state, &with(drains), 0, "undoes");
    for kind in [refused, denied] {
        check(&state, &looked(kind), 0, "undoes");
        check(&state, &called(kind), 0, "undoes");
    }
    for seen in [looked(lost), called(lost)] {
        check(&state, &seen, 0, "tries again");
        check(&state, &seen, 10, "undoes");
        let mut tried = state.clone();
        tried.looks = 5;
        check(&tried, &seen, 0, "undoes");
    }
    check(
        &state,
        &answered(Ok(Receipt::Updated(canary(0)))),
        0,
        "undoes",
    );
    // The service's own answer is none of the canary's.
    check(
        &state,
        &answered(Ok(Receipt::Updated(service()))),
        0,
        "looks",
    );
    // Whoever takes it up hours later scales it down first.
    check(&state, &saw(Seen::Is(canary(1))), 9000, "scales down");
}

#[test]
fn a_canarys_answer_is_not_taken_for_the_services() {
    let state = at(Phase::Follow);
    let seen = answered(Ok(Receipt::Updated(canary(0))));
    let next = turn(&plan(), &state, &seen, BEGAN);
    let key = plan().target;
    assert_eq!(next.next.phase, Phase::Follow);
    assert!(next.watch.contains(&Facet::Service(key)), "{next:?}");
    assert_eq!(next.act, None);
}

#[test]
fn what_came_of_a_gates_task_is_not_taken_for_the_way_backs_answer() {
    let state = at(undoing(cancelled()));
    let record = json!({"serviceDeploymentArn": "arn:deployment", "status": "IN_PROGRESS"});
    let started = Receipt::Started {
        token: "t".to_owned(),
        task: "arn:task/main/1".into(),
    };
    let refused = fault("RunTask", FaultKind::Refused);
    let lost = fault("RunTask", FaultKind::Unanswered);
    for receipt in [Ok(started), Err(refused), Err(lost)] {
        let seen = Observation {
            service: Seen::Is(service()),
            service_deployment: Seen::Is(ServiceDeployment::new(record.clone())),
            ..answered(receipt)
        };
        let next = turn(&plan(), &state, &seen, BEGAN);
        let stops = matches!(next.act, Some(Action::StopServiceDeployment(_)));
        assert!(stops, "{next:?}");
    }
}

#[test]
fn what_was_just_accepted_is_looked_for_before_it_is_ordered_again() {
    let outcome = Outcome::Completed;
    let state = at(Phase::Restore { outcome });
    let stale = saw(Seen::Is(canary(1)));
    let first = turn(&plan(), &state, &stale, BEGAN);
    assert!(matches!(first.act, Some(Action::UpdateService { .. })));
    let heard = Observation {
        receipt: Some(Ok(Receipt::Updated(canary(0)))),
        ..stale
    };
    let then = turn(&plan(), &first.next, &heard, BEGAN);
    assert_eq!((&then.act, then.wake_at.is_some()), (&None, true));
}

#[test]
fn a_canary_is_put_away_too_where_somebody_else_has_deployed_meanwhile() {
    let mut state = at(Phase::Deploy);
    state.deployment = None;
    let seen = Observation {
        service: Seen::Is(Service::new(json!({
            "serviceName": "web", "status": "ACTIVE", "desiredCount": 2,
            "deployments": [{"id": "ecs-svc/9", "status": "PRIMARY", "taskDefinition": OLD}],
        }))),
        ..Observation::default()
    };
    let next = turn(&plan(), &state, &seen, BEGAN);
    let by = "ecs-svc/9".into();
    let outcome = Outcome::Superseded { by };
    assert_eq!(next.next.phase, Phase::Restore { outcome });
}

#[test]
fn a_canary_of_another_release_that_cannot_be_deleted_is_not_tried_for_ever() {
    let other = Service::new(json!({
        "serviceName": "web-canary", "status": "ACTIVE", "desiredCount": 1,
        "tags": [{"key": "ecsdeploy:canary-of", "value": "web"}],
        "deployments": [{"id": "ecs-svc/7", "status": "PRIMARY", "taskDefinition": example::revision(7)}],
    }));
    let limit = SignedDuration::try_from(plan().time_limit()).unwrap();
    let take = |after: SignedDuration| {
        let state = at(Phase::Canary { well_since: None });
        let seen = saw(Seen::Is(other.clone()));
        turn(&plan(), &state, &seen, BEGAN + after)
    };
    let first = take(SignedDuration::ZERO);
    assert!(matches!(first.act, Some(Action::DeleteService(_))));
    let late = take(limit + SignedDuration::from_secs(1));
    assert!(matches!(late.next.phase, Phase::Restore { .. }), "{late:?}");
}

#[test]
fn a_canary_that_is_left_as_it_is_goes_all_the_same_when_somebody_says_so() {
    let mut plan = plan();
    plan.intent.on_failure = OnFailure::Leave;
    let check = |outcome: Outcome, put_away: bool| {
        let state = example::at(&plan, Phase::Restore { outcome });
        let next = turn(&plan, &state, &saw(Seen::Is(canary(1))), BEGAN);
        let goes = matches!(next.act, Some(Action::UpdateService { .. }));
        let left = |event: &Event| matches!(event, Event::CanaryLeft { .. });
        let said = next.say.iter().any(left);
        assert_eq!((goes, said), (put_away, !put_away), "{next:?}");
    };
    let failed = || Cause::CircuitBreaker {
        reason: String::new(),
    };
    check(Outcome::Stranded { cause: failed() }, false);
    check(Outcome::Failed { cause: failed() }, true);
    let cause = cancelled();
    check(Outcome::Stranded { cause }, true);
    let by = "anna".to_owned();
    let told = Observation {
        wish: Some(Wish::Undo { by }),
        ..Observation::default()
    };
    let judged = example::at(&plan, Phase::Canary { well_since: None });
    let next = turn(&plan, &judged, &told, BEGAN);
    let cause = cancelled();
    let outcome = Outcome::RolledBack { cause };
    assert_eq!(next.next.phase, Phase::Restore { outcome });
}

#[test]
fn a_phase_that_an_older_version_left_is_read() {
    let cause = json!({"cause": "cancelled", "by": "anna"});
    let undo = json!({"undo": {"cause": cause, "by": "ecsdeploy"}});
    let read: Phase = serde_json::from_value(undo).expect("it was written so");
    assert!(matches!(read, Phase::Undo { .. }));
    let kept = serde_json::to_value(standing_down().phase).expect("it can be written");
    assert_eq!(
        kept,
        json!({"stand_down": {"cause": cause, "by": "ecsdeploy"}})
    );
}
