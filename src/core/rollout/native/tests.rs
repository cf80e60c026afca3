//! What a turn makes of ECS's record, and of a record that cannot be read: each case is a record, a service and a cause.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::core::id::{DeploymentId, ServiceDeploymentArn};
use crate::core::live::{Service, ServiceDeployment};
use crate::core::plan::Plan;
use crate::core::report::{Cause, Event, Outcome};
use crate::core::rollout::example::{
    self, BEGAN, NEW_ID, OLD_ID, at, cancelled, deadline, revision, undoing,
};
use crate::core::rollout::{Action, Fault, FaultKind, Observation, Phase, Seen, Turn, turn};
use crate::core::service::Intent;

const RECORD: &str = "arn:aws:ecs:r:1:service-deployment/main/web/2";

/// A service of two tasks whose primary deployment is this one.
fn service(id: &str, of: u32, running: u32) -> Service {
    Service::new(json!({
        "serviceName": "web", "status": "ACTIVE", "taskDefinition": revision(of), "desiredCount": 2,
        "deploymentConfiguration": {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5},
        "deployments": [{
            "id": id, "status": "PRIMARY", "taskDefinition": revision(of), "rolloutState": "COMPLETED",
            "desiredCount": 2, "runningCount": running,
        }],
    }))
}

/// From web:1 to web:2, by ECS's own shift.
fn plan() -> Plan {
    let service = service(OLD_ID, 1, 2);
    example::planned(service, Vec::new(), Intent::default()).unwrap()
}

fn record(over: Value) -> Seen<ServiceDeployment> {
    let mut record = json!({"serviceDeploymentArn": RECORD, "status": "IN_PROGRESS"});
    if let (Value::Object(members), Value::Object(over)) = (&mut record, over) {
        members.extend(over);
    }
    Seen::Is(ServiceDeployment::new(record))
}

fn unreadable() -> Seen<ServiceDeployment> {
    Seen::Unreadable(Fault {
        operation: "DescribeServiceDeployments".to_owned(),
        kind: FaultKind::Denied,
        code: "AccessDeniedException".to_owned(),
        message: "no".to_owned(),
    })
}

/// One turn, so long after the phase began, with nothing left to ask.
fn take(phase: Phase, service: Service, record: Seen<ServiceDeployment>, minutes: i64) -> Turn {
    let plan = plan();
    let seen = Observation {
        service: Seen::Is(service),
        service_deployment: record,
        stopped_tasks: Seen::Is(Vec::new()),
        running_tasks: Seen::Is(Vec::new()),
        ..Observation::default()
    };
    let now = BEGAN + SignedDuration::from_mins(minutes);
    turn(&plan, &at(&plan, phase), &seen, now)
}

/// How it ended, and whether the service's own configuration is being put back.
fn ended(turn: &Turn) -> (&Outcome, bool) {
    match (&turn.next.phase, &turn.act) {
        (Phase::Restore { outcome }, Some(Action::UpdateService { members, .. })) => {
            let own =
                json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5, "lifecycleHooks": []});
            assert_eq!(members["deploymentConfiguration"], own);
            (outcome, true)
        }
        (Phase::Done(outcome), None) => (outcome, false),
        other => panic!("it did not end: {other:?}"),
    }
}

#[test]
fn what_completed_as_its_time_ran_out_counts_if_it_serves() {
    let successful = || record(json!({"status": "SUCCESSFUL"}));
    let turn = take(undoing(deadline()), service(NEW_ID, 2, 2), successful(), 60);
    assert_eq!(ended(&turn), (&Outcome::Completed, true));
    let turn = take(undoing(deadline()), service(NEW_ID, 2, 0), successful(), 60);
    let (outcome, is_put_back) = ended(&turn);
    let stranded = matches!(
        outcome,
        Outcome::Stranded {
            cause: Cause::Deadline { .. }
        }
    );
    assert!(stranded && is_put_back, "{outcome:?}");
}

#[test]
fn an_undo_that_came_too_late_is_no_success_though_the_release_serves() {
    let successful = record(json!({"status": "SUCCESSFUL"}));
    let turn = take(undoing(cancelled()), service(NEW_ID, 2, 2), successful, 1);
    let from = Box::new(cancelled());
    let reason = "ECS completed the deployment before it could be stopped".to_owned();
    let cause = Cause::UndoFailed { from, reason };
    assert_eq!(ended(&turn), (&Outcome::Stranded { cause }, true));
}

#[test]
fn who_is_primary_tells_what_stopped_the_deployment() {
    let check = |primary: Service, minutes: i64| {
        let stopped = record(json!({"status": "STOPPED"}));
        let turn = take(undoing(cancelled()), primary, stopped, minutes);
        let (outcome, is_put_back) = ended(&turn);
        (outcome.clone(), is_put_back)
    };
    let cause = cancelled();
    let went_back = Outcome::RolledBack { cause };
    assert_eq!(check(service(OLD_ID, 1, 2), 1), (went_back, true));
    // Another's deployment may be running: the configuration it runs with stays.
    for of in [2, 3] {
        let by = DeploymentId::new("ecs-svc/3");
        let superseded = Outcome::Superseded { by };
        assert_eq!(check(service("ecs-svc/3", of, 0), 1), (superseded, false));
    }
    let cause = cancelled();
    let halted = Outcome::Stranded { cause };
    assert_eq!(check(service(NEW_ID, 2, 2), 1), (halted, true));
}

#[test]
fn a_deployment_that_ecs_halted_is_looked_at_again_before_it_is_judged() {
    let stopped = record(json!({"status": "STOPPED"}));
    let turn = take(Phase::Follow, service(NEW_ID, 2, 2), stopped, 20);
    assert!(matches!(turn.next.phase, Phase::Undo { .. }), "{turn:?}");
    assert!(turn.act.is_none() && turn.wake_at.is_some(), "{turn:?}");
}

/// Whatever ends the run while the deployment may go on, nothing is changed and the rollout can be taken up.
#[test]
fn a_run_that_cannot_learn_the_end_leaves_everything_as_it_is() {
    let late = |status: &str| record(json!({ "status": status }));
    for (phase, record, minutes, cause) in [
        (Phase::Follow, unreadable(), 1, "blind"),
        (Phase::Follow, Seen::Absent, 600, "deadline"),
        (undoing(cancelled()), unreadable(), 1, "blind"),
        (undoing(cancelled()), unreadable(), 600, "blind"),
        (undoing(cancelled()), Seen::Absent, 600, "undo_failed"),
        (
            undoing(cancelled()),
            late("ROLLBACK_IN_PROGRESS"),
            600,
            "undo_failed",
        ),
        (undoing(cancelled()), late("BORN_LATER"), 600, "undo_failed"),
    ] {
        let turn = take(phase.clone(), service(NEW_ID, 2, 2), record, minutes);
        let left = turn.left.as_ref().map(Cause::name);
        assert_eq!((left, &turn.act), (Some(cause), &None), "{turn:?}");
        assert_eq!(turn.next.phase, phase);
        assert_eq!((turn.next.blind_looks, turn.next.outcome()), (0, None));
    }
}

#[test]
fn what_runs_is_stopped_however_late_before_it_is_left() {
    let running = || record(json!({ "status": "IN_PROGRESS" }));
    let first = take(undoing(cancelled()), service(NEW_ID, 2, 2), running(), 600);
    let stop = Action::StopServiceDeployment(ServiceDeploymentArn::new(RECORD));
    assert_eq!((&first.act, &first.left), (&Some(stop), &None));
    let seen = Observation {
        service: Seen::Is(service(NEW_ID, 2, 2)),
        service_deployment: running(),
        ..Observation::default()
    };
    let now = BEGAN + SignedDuration::from_secs(36_003);
    let then = turn(&plan(), &first.next, &seen, now);
    let left = then.left.as_ref().map(Cause::name);
    assert_eq!((left, then.act), (Some("undo_failed"), None));
}

/// A turn that asks for the record anew is no look: else an undo that cannot be read goes on until its time is over.
#[test]
fn looks_that_fail_are_counted_in_an_undo_too() {
    let plan = plan();
    let mut state = at(&plan, undoing(cancelled()));
    state.blind_looks = 3;
    let seen = Observation {
        service: Seen::Is(service(NEW_ID, 2, 2)),
        ..Observation::default()
    };
    let now = BEGAN + SignedDuration::from_mins(1);
    assert_eq!(turn(&plan, &state, &seen, now).next.blind_looks, 3);
}

#[test]
fn whoever_takes_up_an_undo_that_was_left_has_its_whole_time() {
    let left = take(
        undoing(cancelled()),
        service(NEW_ID, 2, 2),
        Seen::Absent,
        600,
    );
    let plan = plan();
    let seen = Observation {
        service: Seen::Is(service(NEW_ID, 2, 2)),
        service_deployment: record(json!({})),
        ..Observation::default()
    };
    let now = left.next.entered + SignedDuration::from_mins(1);
    let again = turn(&plan, &left.next, &seen, now);
    let stop = Action::StopServiceDeployment(ServiceDeploymentArn::new(RECORD));
    assert_eq!((again.act, again.left), (Some(stop), None));
}

#[test]
fn a_service_that_is_gone_has_nothing_to_put_back() {
    let gone = Service::new(json!({"status": "INACTIVE"}));
    for phase in [Phase::Follow, undoing(cancelled())] {
        let turn = take(phase, gone.clone(), Seen::NotAsked, 1);
        let (outcome, is_put_back) = ended(&turn);
        let stranded = matches!(
            outcome,
            Outcome::Stranded {
                cause: Cause::ServiceGone { .. }
            }
        );
        assert!(stranded && !is_put_back, "{outcome:?}");
    }
}

#[test]
fn an_order_without_an_answer_is_looked_for_however_late() {
    let plan = plan();
    let mut state = at(&plan, Phase::Deploy);
    state.deployment = None;
    state.ordered = Some(BEGAN);
    let now = BEGAN + SignedDuration::from_hours(10);
    let see = |service: Seen<Service>| {
        let seen = Observation {
            service,
            service_deployment: record(json!({})),
            ..Observation::default()
        };
        turn(&plan, &state, &seen, now)
    };
    let found = see(Seen::Is(service(NEW_ID, 2, 0)));
    assert!(matches!(found.next.phase, Phase::Undo { .. }), "{found:?}");
    assert!(matches!(found.act, Some(Action::StopServiceDeployment(_))));
    let not_there = see(Seen::Is(service(OLD_ID, 1, 2)));
    let (outcome, is_put_back) = ended(&not_there);
    assert!(matches!(outcome, Outcome::Failed { .. }) && is_put_back);
    let Seen::Unreadable(fault) = unreadable() else {
        unreachable!("it is")
    };
    let unknown = see(Seen::Unreadable(fault));
    assert_eq!(unknown.left.as_ref().map(Cause::name), Some("blind"));
    assert!(unknown.next.ordered.is_some(), "to be taken up");
}

#[test]
fn a_status_that_was_born_later_is_no_way_back() {
    let later = || record(json!({"status": "BORN_LATER", "lifecycleStage": "A_STAGE_BORN_LATER"}));
    let turn = take(Phase::Follow, service(NEW_ID, 2, 0), later(), 1);
    assert_eq!((&turn.next.phase, &turn.act), (&Phase::Follow, &None));
    assert!(turn.wake_at.is_some(), "{turn:?}");
    for status in [
        "STOP_REQUESTED",
        "ROLLBACK_REQUESTED",
        "ROLLBACK_IN_PROGRESS",
    ] {
        let going = record(json!({ "status": status }));
        let turn = take(Phase::Follow, service(NEW_ID, 2, 0), going, 1);
        assert!(matches!(turn.next.phase, Phase::Undo { .. }), "{turn:?}");
    }
}

#[test]
fn somebody_elses_pause_is_told_of_once() {
    let pause = json!({"targetType": "PAUSE", "lifecycleStages": ["PRE_SCALE_UP"]});
    let waiting = || {
        record(json!({
            "lifecycleStage": "PRE_SCALE_UP",
            "lifecycleHookDetails": [{"hookId": "ecs-pause-1", "status": "AWAITING_ACTION"}],
            "deploymentConfiguration": {"lifecycleHooks": [pause]},
        }))
    };
    let findings = |turn: &Turn| {
        let said = turn.say.iter();
        said.filter(|event| matches!(event, Event::Finding { .. }))
            .count()
    };
    let first = take(Phase::Follow, service(NEW_ID, 2, 0), waiting(), 1);
    assert_eq!((findings(&first), &first.act), (1, &None));
    let plan = plan();
    let seen = Observation {
        service: Seen::Is(service(NEW_ID, 2, 0)),
        service_deployment: waiting(),
        ..Observation::default()
    };
    let now = BEGAN + SignedDuration::from_mins(2);
    let second = turn(&plan, &first.next, &seen, now);
    assert_eq!((findings(&second), second.act), (0, None));
}
