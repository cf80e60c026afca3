//! What a turn makes of weights that a rollout of task sets did not order, and of orders that never succeed: each case is a
//! stage, a rule and a time.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Stage;
use crate::core::id::{RuleArn, TargetGroupArn};
use crate::core::live::{Rule, Service, Target, TargetState};
use crate::core::plan::{Plan, Refusal};
use crate::core::report::{Event, Outcome};
use crate::core::rollout::example::{self, BEGAN, NEW_ID, OLD_ID, cancelled, revision};
use crate::core::rollout::{Action, Observation, Phase, Receipt, Seen, State, Turn, Wish, turn};
use crate::core::service::{Contest, Intent, OnFailure};

const RULE: &str = "arn:aws:elasticloadbalancing:r:1:listener-rule/app/main/1/2/3";
fn set(id: &str, status: &str, of: u32, group: &str) -> Value {
    json!({
        "id": id, "status": status, "taskDefinition": revision(of), "externalId": format!("ecsdeploy-{of}"),
        "stabilityStatus": "STEADY_STATE", "computedDesiredCount": 2, "runningCount": 2,
        "loadBalancers": [{"targetGroupArn": group, "containerName": "web", "containerPort": 80}],
    })
}

fn service(sets: &[Value]) -> Service {
    Service::new(json!({
        "serviceName": "web", "status": "ACTIVE", "desiredCount": 2,
        "deploymentController": {"type": "EXTERNAL"}, "taskSets": sets,
    }))
}

fn only_old() -> Vec<Value> {
    vec![set(OLD_ID, "PRIMARY", 1, "blue")]
}

/// As another tool makes one: ready, and without traffic.
fn foreign() -> Value {
    let mut set = set("ecs-svc/9", "ACTIVE", 2, "green");
    set["externalId"] = json!("pipeline-of-another-team");
    set
}

fn both(old: &str, new: &str) -> Vec<Value> {
    vec![set(OLD_ID, old, 1, "blue"), set(NEW_ID, new, 2, "green")]
}

/// So many percent for the new set.
fn rule(percent: u32) -> Rule {
    let weights = [("blue", 100 - percent), ("green", percent)];
    let weights = weights.map(|(group, weight)| (TargetGroupArn::from(group), weight));
    Rule {
        arn: RuleArn::from(RULE),
        weights: weights.into(),
    }
}

/// From web:1 to web:2 by 10, 50 and 100 %.
fn plan() -> Plan {
    planned(&only_old(), Contest::Refuse).unwrap()
}

fn planned(sets: &[Value], contest: Contest) -> Result<Plan, Refusal> {
    let intent = Intent {
        weights: "10,50".parse().unwrap(),
        contest,
        ..Intent::default()
    };
    example::planned(service(sets), vec![rule(0)], intent)
}

fn after(seconds: i64) -> Timestamp {
    BEGAN + SignedDuration::from_secs(seconds)
}

/// The turn that is taken so long after the stage began, when all was ordered that it orders first.
fn take(stage: Stage, sets: Vec<Value>, percent: u32, seconds: i64) -> Turn {
    take_by(&plan(), stage, sets, percent, seconds)
}

fn take_by(plan: &Plan, stage: Stage, sets: Vec<Value>, percent: u32, seconds: i64) -> Turn {
    let has_new = sets.iter().any(|set| set["id"] == NEW_ID);
    let mut state = example::at(plan, Phase::TaskSets(stage));
    if !has_new {
        state.deployment = None;
    }
    state.ordered = Some(BEGAN);
    turn(plan, &state, &sees(&sets, percent), after(seconds))
}

fn sees(sets: &[Value], percent: u32) -> Observation {
    let target = Target {
        id: "10.0.0.1".to_owned(),
        port: 80,
        state: TargetState::Healthy,
        reason: String::new(),
        description: String::new(),
    };
    Observation {
        service: Seen::Is(service(sets)),
        rules: BTreeMap::from([(RuleArn::from(RULE), Seen::Is(rule(percent)))]),
        targets: BTreeMap::from([(TargetGroupArn::from("green"), Seen::Is(vec![target]))]),
        stopped_tasks: Seen::Is(Vec::new()),
        running_tasks: Seen::Is(Vec::new()),
        ..Observation::default()
    }
}

/// What the turn comes to, in a word or two.
fn name(turn: &Turn) -> String {
    if let Some(Action::Shift { weights, .. }) = &turn.act {
        return format!("order {}", weights[&TargetGroupArn::from("green")]);
    }
    if let Some(action) = &turn.act {
        return action.operation().to_owned();
    }
    match &turn.next.phase {
        Phase::TaskSets(Stage::Back { cause, .. }) => format!("back: {}", cause.name()),
        Phase::Done(Outcome::Stranded { cause }) => format!("stops: {}", cause.name()),
        Phase::Done(Outcome::Failed { cause }) => format!("fails: {}", cause.name()),
        Phase::Done(outcome) => format!("{outcome:?}"),
        Phase::TaskSets(_) => "goes on".to_owned(),
        phase => format!("{phase:?}"),
    }
}

fn check(stage: Stage, sets: Vec<Value>, percent: u32, expected: &str) {
    let case = format!("{stage:?} at {percent} %");
    assert_eq!(name(&take(stage, sets, percent, 30)), expected, "{case}");
}

fn at(step: usize) -> Stage {
    let since = None;
    Stage::Shift { step, since }
}

fn held(step: usize) -> Stage {
    let since = Some(after(5));
    Stage::Shift { step, since }
}

fn back(since: Option<Timestamp>) -> Stage {
    let cause = cancelled();
    Stage::Back { cause, since }
}

#[test]
fn weights_that_were_not_ordered_are_never_set_otherwise() {
    let steady = || both("PRIMARY", "ACTIVE");
    for (stage, percent, expected) in [
        (at(1), 10, "order 50"),
        (at(1), 50, "goes on"),
        (at(1), 0, "back: stopped"),
        (at(1), 30, "stops: stopped"),
        (at(0), 0, "order 10"),
        (at(0), 30, "stops: stopped"),
        (held(1), 50, "goes on"),
        (held(1), 10, "stops: stopped"),
        (held(1), 0, "back: stopped"),
        (held(1), 100, "stops: stopped"),
        (Stage::Promote, 100, "UpdateServicePrimaryTaskSet"),
        (Stage::Promote, 50, "stops: stopped"),
        (Stage::Promote, 0, "back: stopped"),
        (back(None), 50, "order 0"),
        (back(Some(BEGAN)), 50, "stops: undo_failed"),
    ] {
        check(stage, steady(), percent, expected);
    }
    let promoted = || both("ACTIVE", "PRIMARY");
    let drain = || Stage::Drain { since: BEGAN };
    for (stage, percent, expected) in [
        (drain(), 90, "stops: stopped"),
        (drain(), 0, "back: stopped"),
        (Stage::Remove, 100, "DeleteTaskSet"),
        (Stage::Remove, 90, "stops: stopped"),
        (Stage::Remove, 0, "back: stopped"),
    ] {
        check(stage, promoted(), percent, expected);
    }
    check(Stage::Raise, only_old(), 0, "CreateTaskSet");
    check(Stage::Raise, only_old(), 50, "stops: stopped");
}

/// A read may be older than the order before it.
#[test]
fn weights_are_nobody_elses_before_a_change_has_settled() {
    for (stage, expected) in [
        (at(1), "goes on"),
        (held(1), "goes on"),
        (Stage::Promote, "goes on"),
        (Stage::Remove, "goes on"),
        (back(Some(after(5))), "back: cancelled"),
    ] {
        let case = format!("{stage:?}");
        let soon = take(stage, both("PRIMARY", "ACTIVE"), 30, 10);
        assert_eq!(name(&soon), expected, "{case}");
        assert!(soon.wake_at.is_some(), "{case}");
    }
}

#[test]
fn an_order_that_never_succeeds_has_an_end() {
    let limit = i64::try_from(plan().time_limit().as_secs()).unwrap();
    let steady = || both("PRIMARY", "ACTIVE");
    for (stage, sets, percent, expected) in [
        (Stage::Remove, both("ACTIVE", "PRIMARY"), 100, "Completed"),
        (Stage::Raise, only_old(), 0, "stops: deadline"),
        (at(0), steady(), 0, "back: deadline"),
        (Stage::Promote, steady(), 100, "back: deadline"),
    ] {
        let case = format!("{stage:?}");
        let late = take(stage, sets, percent, limit + 60);
        assert_eq!(name(&late), expected, "{case}");
    }
}

#[test]
fn a_set_that_somebody_else_made_goes_only_where_that_was_asked_for() {
    let beside = || [only_old(), vec![foreign()]].concat();
    let refused = planned(&beside(), Contest::Refuse);
    assert!(matches!(refused, Err(Refusal::Busy { .. })), "{refused:?}");
    assert!(planned(&beside(), Contest::Supersede).is_ok());
    for (contest, expected) in [
        (
            Contest::Refuse,
            "Superseded { by: DeploymentId(\"ecs-svc/9\") }",
        ),
        (Contest::Supersede, "DeleteTaskSet"),
    ] {
        let plan = planned(&only_old(), contest).unwrap();
        let met = take_by(&plan, Stage::Raise, beside(), 0, 30);
        assert_eq!(name(&met), expected);
    }
    let ended = take(back(Some(BEGAN)), beside(), 0, 30);
    assert!(
        matches!(ended.next.phase, Phase::Done(Outcome::RolledBack { .. })),
        "{:?}",
        ended.next.phase
    );
    assert_eq!(ended.act, None, "the way back removes ours alone");
}

#[test]
fn a_count_that_no_step_would_change_is_refused() {
    let intent = Intent {
        desired_count: Some(3),
        ..Intent::default()
    };
    let refused = example::planned(service(&only_old()), vec![rule(0)], intent).unwrap_err();
    let Refusal::Strategy { change, .. } = refused else {
        panic!("{refused:?}")
    };
    assert!(change[0].ends_with("--service web --desired-count 3"));
}

#[test]
fn an_abort_goes_back_though_failures_are_left_as_they_are() {
    let mut plan = plan();
    plan.intent.on_failure = OnFailure::Leave;
    let steady = || both("PRIMARY", "ACTIVE");
    assert_eq!(
        name(&take_by(&plan, held(1), steady(), 0, 30)),
        "stops: stopped"
    );
    assert_eq!(
        name(&take_by(&plan, back(None), steady(), 50, 30)),
        "order 0"
    );
    let by = "anna".to_owned();
    let seen = Observation {
        wish: Some(Wish::Undo { by }),
        ..Observation::default()
    };
    let mut state = State::begin(&plan, BEGAN);
    state.enter(Phase::TaskSets(held(1)), BEGAN);
    assert_eq!(
        name(&turn(&plan, &state, &seen, after(30))),
        "back: cancelled"
    );
}

#[test]
fn traffic_that_went_back_is_told_of_once_it_was_read_back() {
    let shares = |turn: &Turn| -> Vec<u32> {
        let shifted = |event: &Event| match event {
            Event::Shifted { percent } => Some(*percent),
            _ => None,
        };
        turn.say.iter().filter_map(shifted).collect()
    };
    let (plan, steady) = (plan(), || both("PRIMARY", "ACTIVE"));
    let ordered = take(back(None), steady(), 50, 30);
    assert_eq!(
        (name(&ordered).as_str(), shares(&ordered)),
        ("order 0", vec![])
    );
    let read = turn(&plan, &ordered.next, &sees(&steady(), 0), after(60));
    assert_eq!(shares(&read), [0]);
    let again = turn(&plan, &read.next, &sees(&steady(), 0), after(90));
    assert_eq!(shares(&again), [0; 0]);
    let never_had = take(back(None), steady(), 0, 30);
    assert_eq!(shares(&never_had), [0; 0]);
}

/// A read right after an order may be older than it, however late the way back is by then.
#[test]
fn weights_that_were_just_accepted_are_not_ordered_again() {
    let (plan, steady) = (plan(), both("PRIMARY", "ACTIVE"));
    let hours = 5 * 3600;
    let ordered = take(back(None), steady.clone(), 50, hours);
    assert_eq!(name(&ordered), "order 0");
    let stale = Observation {
        receipt: Some(Ok(Receipt::Shifted)),
        ..sees(&steady, 50)
    };
    let heard = turn(&plan, &ordered.next, &stale, after(hours));
    assert_eq!(name(&heard), "back: cancelled");
    assert!(heard.wake_at.is_some(), "{heard:?}");
}
