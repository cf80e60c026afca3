//! What is said of a rollout that was told to stop: what stands, what goes on without this program, and how to go on.
//!
//! **Invariant:** nothing is promised that nobody does: AWS ends what was ordered there, and the rest stays as it is.

mod task_sets;

use super::failure::{Exit, Failure};
use crate::core::plan::{Beside, Plan, Strategy};
use crate::core::report::{Cause, Undoer};
use crate::core::rollout::{Phase, State};

pub fn interrupted(stood: Option<(&Plan, &State)>) -> Failure {
    let failure = Failure::new(Exit::Interrupted, "interrupted");
    let Some((plan, state)) = stood.filter(|(_, state)| state.outcome().is_none()) else {
        return failure.cause("the service was not changed");
    };
    let (stands, ends) = whereabouts(plan, state);
    let failure = failure
        .cause(stands)
        .hint("the same command takes it up again; nothing is registered or deployed twice");
    hint_at(ends, failure)
}

fn hint_at(ends: Ends, failure: Failure) -> Failure {
    match ends {
        Ends::GoingBack => failure.hint("ecsdeploy watch tells how it ends"),
        Ends::ByItself => {
            failure.hint("ecsdeploy watch tells how it ends; ecsdeploy rollback turns it back")
        }
        Ends::Never => failure.hint("it stays so until then; ecsdeploy rollback turns it back"),
        Ends::Settled => failure.hint("it stays so until then"),
        Ends::NotBegun => failure,
    }
}

/// A rollout whose credentials ended can put nothing away. ECS's own shifts are left so too by a run that cannot learn how
/// they end: their configuration must stay while the deployment runs.
pub fn left_off(plan: &Plan, state: &State, cause: &Cause) -> Failure {
    let (stands, ends) = whereabouts(plan, state);
    let goes_on = match &state.phase {
        Phase::Undo { cause, .. } => format!("it is to go back: {cause}"),
        _ => stands,
    };
    let headline = match (cause, &state.deployment) {
        (Cause::NoCredentials { .. }, _) => "the credentials ended before the rollout".to_owned(),
        (_, Some(deployment)) => format!("how deployment {deployment} ends is not known"),
        (_, None) => "whether the deployment began is not known".to_owned(),
    };
    let failure = Failure::new(Exit::Interrupted, headline);
    let failure = match cause {
        Cause::NoCredentials { .. } | Cause::Restless => failure.with(cause),
        cause => failure.cause(cause),
    };
    let failure = failure.cause(goes_on).hint(match &plan.strategy {
        Strategy::Native(_) => "the same command takes it up again, and puts the service's own deploymentConfiguration back once it has ended",
        _ => "the same command takes it up again; nothing is registered or deployed twice",
    });
    hint_at(ends, failure)
}

/// What goes on without this program of a rollout that was left.
pub fn stands(plan: &Plan, state: &State) -> String {
    whereabouts(plan, state).0
}

/// Whether what was left comes to an end without this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    ByItself,
    /// By itself as well, and nobody need turn it back.
    GoingBack,
    Never,
    /// Neither does it, nor can it be turned back: it is on its last way.
    Settled,
    /// Nothing was left.
    NotBegun,
}

fn whereabouts(plan: &Plan, state: &State) -> (String, Ends) {
    if let (Strategy::TaskSets(sets), Phase::TaskSets(stage)) = (&plan.strategy, &state.phase) {
        return task_sets::stand(sets, stage, state);
    }
    let (stands, ends) = of_the_service(state);
    if let (Some(stands), Ends::ByItself) = (at_pauses(plan, state), ends) {
        return (stands, ends);
    }
    let Strategy::Beside(beside) = &plan.strategy else {
        return (stands, ends);
    };
    match of_the_canary(beside, state) {
        Some(canary) if ends == Ends::NotBegun => (format!("{stands}; {canary}"), Ends::Never),
        Some(canary) => (format!("{stands}; {canary}"), ends),
        None => (stands, ends),
    }
}

/// A shift that ECS does not end well by itself: it waits at our pauses.
fn at_pauses(plan: &Plan, state: &State) -> Option<String> {
    let Strategy::Native(native) = &plan.strategy else {
        return None;
    };
    let is_forward = matches!(state.phase, Phase::Deploy | Phase::Follow);
    if native.laid().is_empty() || !is_forward {
        return None;
    }
    let deployment = state.deployment.as_ref();
    let deployment = deployment.map_or("it".to_owned(), |id| format!("deployment {id}"));
    let minutes = plan.minutes_of_pauses();
    Some(format!(
        "ECS goes on with {deployment} to its next pause, and rolls back by itself if nobody lets it go on within \
         {minutes} min"
    ))
}

/// What goes on without this program, and what stays as it is.
fn of_the_service(state: &State) -> (String, Ends) {
    let was_ordered = state.ordered.is_some();
    let (says, ends) = match (&state.phase, &state.deployment) {
        (Phase::Restore { .. }, _) => (
            "it has ended, and what was set or started for its time is not put away yet",
            Ends::Never,
        ),
        (_, Some(deployment)) if is_undo_awaited(state) => {
            let not_yet = "going back was decided and is not ordered yet";
            let goes_on = format!("{not_yet}: AWS goes on with deployment {deployment}");
            return (goes_on, Ends::ByItself);
        }
        (Phase::StandDown { .. } | Phase::Undo { .. }, _) => (
            "going back has begun, and AWS goes on with it",
            Ends::GoingBack,
        ),
        (_, Some(deployment)) => {
            let goes_on = format!("AWS goes on with deployment {deployment}");
            return (goes_on, Ends::ByItself);
        }
        (Phase::Deploy, None) if was_ordered => (
            "the deployment was ordered, and AWS goes on with it",
            Ends::ByItself,
        ),
        (_, None) => ("the service was not changed", Ends::NotBegun),
    };
    (says.to_owned(), ends)
}

/// Whether the way back is decided, is ours to order, and was not ordered.
fn is_undo_awaited(state: &State) -> bool {
    match state.phase {
        Phase::StandDown { by, .. } => by == Undoer::Ecsdeploy,
        Phase::Undo { by, .. } => by == Undoer::Ecsdeploy && state.ordered.is_none(),
        _ => false,
    }
}

fn of_the_canary(beside: &Beside, state: &State) -> Option<String> {
    let name = beside.key.service.short();
    let stays = format!("its canary {name} stays beside it, with its share of the requests");
    match &state.phase {
        Phase::Canary { well_since } => {
            let is_there = state.ordered.is_some() || well_since.is_some();
            is_there.then_some(stays)
        }
        Phase::Deploy | Phase::Follow => Some(stays),
        Phase::StandDown { .. } | Phase::Undo { .. } => {
            Some(format!("its canary {name} is put away when it is taken up"))
        }
        Phase::Register | Phase::TaskSets(_) | Phase::Restore { .. } | Phase::Done(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::core::rollout::example::plan;

    /// A phase as the journal keeps it, and whether something was ordered in it, are what is said.
    fn check(strategy: &Value, phase: &Value, change: fn(&mut State), says: &str, ends: Ends) {
        let plan = plan(strategy);
        let mut state = State::begin(&plan, jiff::Timestamp::UNIX_EPOCH);
        let read = serde_json::from_value(phase.clone());
        state.phase = read.expect("the journal keeps it so");
        change(&mut state);
        assert_eq!(
            whereabouts(&plan, &state),
            (says.to_owned(), ends),
            "{phase}"
        );
    }

    fn nothing(_: &mut State) {}

    fn ordered(state: &mut State) {
        state.ordered = Some(state.began);
    }

    fn deployed(state: &mut State) {
        state.deployment = Some("ecs-svc/2".into());
    }

    fn deployed_and_ordered(state: &mut State) {
        deployed(state);
        ordered(state);
    }

    fn back(phase: &str, by: &str) -> Value {
        json!({phase: {"cause": {"cause": "cancelled", "by": "anna"}, "by": by}})
    }

    const UNCHANGED: &str = "the service was not changed";

    #[test]
    fn a_rollout_that_is_left_says_what_goes_on_without_it() {
        let rolling = json!("rolling");
        let goes_on = "AWS goes on with deployment ecs-svc/2";
        let begun = "going back has begun, and AWS goes on with it";
        let ordered_there = "the deployment was ordered, and AWS goes on with it";
        let check = |phase: &Value, change, says, ends| check(&rolling, phase, change, says, ends);
        check(&json!("register"), nothing, UNCHANGED, Ends::NotBegun);
        // A revision was: the service runs what it ran.
        check(&json!("register"), ordered, UNCHANGED, Ends::NotBegun);
        check(&json!("deploy"), nothing, UNCHANGED, Ends::NotBegun);
        check(&json!("deploy"), ordered, ordered_there, Ends::ByItself);
        check(&json!("follow"), deployed, goes_on, Ends::ByItself);
        check(&back("undo", "ecs"), deployed, begun, Ends::GoingBack);
        let decided =
            "going back was decided and is not ordered yet: AWS goes on with deployment ecs-svc/2";
        let ours = back("undo", "ecsdeploy");
        check(&ours, deployed, decided, Ends::ByItself);
        check(&ours, deployed_and_ordered, begun, Ends::GoingBack);
    }

    #[test]
    fn a_native_shift_that_is_left_says_what_its_pauses_come_to() {
        let pause = json!({
            "targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"],
            "timeoutConfiguration": {"timeoutInMinutes": 30, "action": "ROLLBACK"},
        });
        let during = json!({"strategy": "BLUE_GREEN", "lifecycleHooks": [pause]});
        let plan = plan(&json!({"native": {"during": during, "after": {}}}));
        let says = |phase: Value| {
            let mut state = State::begin(&plan, jiff::Timestamp::UNIX_EPOCH);
            state.phase = serde_json::from_value(phase).expect("the journal keeps it so");
            deployed(&mut state);
            let (operation, message) = ("DescribeServices".to_owned(), "expired".to_owned());
            let cause = Cause::NoCredentials { operation, message };
            left_off(&plan, &state, &cause).line()
        };
        let waits = "rolls back by itself if nobody lets it go on within 30 min";
        assert!(says(json!("follow")).ends_with(waits));
        let restore = json!({"restore": {"outcome": {"outcome": "completed"}}});
        let ended = says(restore);
        assert!(ended.contains("it has ended, and what was set") && !ended.contains(waits));
    }

    #[test]
    fn a_canary_that_is_left_is_told_of() {
        let key = json!({"cluster": "main", "service": "web-canary"});
        let bake = json!({"secs": 300, "nanos": 0});
        let beside = json!({"beside": {"key": key, "tasks": 1, "members": {}, "bake": bake}});
        let stays = "its canary web-canary stays beside it, with its share of the requests";
        let later = "its canary web-canary is put away when it is taken up";
        let check = |phase: &Value, change, service: &str, canary: &str, ends| {
            let says = [service, canary].join("; ");
            let says = says.trim_end_matches("; ");
            check(&beside, phase, change, says, ends);
        };
        let canary = json!({"canary": {"well_since": null}});
        let well = json!({"canary": {"well_since": "2026-01-01T00:00:00Z"}});
        check(&canary, nothing, UNCHANGED, "", Ends::NotBegun);
        check(&canary, ordered, UNCHANGED, stays, Ends::Never);
        // Taken over from a run that died.
        check(&well, nothing, UNCHANGED, stays, Ends::Never);
        check(&json!("deploy"), nothing, UNCHANGED, stays, Ends::Never);
        let goes_on = "AWS goes on with deployment ecs-svc/2";
        check(&json!("follow"), deployed, goes_on, stays, Ends::ByItself);
        let decided = format!("going back was decided and is not ordered yet: {goes_on}");
        let begun = "going back has begun, and AWS goes on with it";
        let ours = back("stand_down", "ecsdeploy");
        // What was ordered there was the canary's.
        for change in [deployed, deployed_and_ordered] {
            check(&ours, change, &decided, later, Ends::ByItself);
        }
        let ecs = back("stand_down", "ecs");
        check(&ecs, deployed, begun, later, Ends::GoingBack);
        let ours = back("undo", "ecsdeploy");
        check(&ours, deployed_and_ordered, begun, later, Ends::GoingBack);
    }

    #[test]
    fn task_sets_that_are_left_say_what_has_the_traffic() {
        let sets = json!({"task_sets": {
            "rule": "r", "test_rule": null, "blue": "b", "green": "g", "steps": [10, 50, 100],
            "hold": {"secs": 300, "nanos": 0}, "drain": {"secs": 0, "nanos": 0}, "old": "ecs-svc/1", "members": {},
        }});
        let old = "the old task set has all of the traffic; the new one stays beside it";
        let new = "the new task set has all of the traffic; the old one stays beside it";
        let since = "2026-01-01T00:00:00Z";
        let check = |stage: Value, change, says, ends| {
            check(&sets, &json!({"task_sets": stage}), change, says, ends);
        };
        let shift =
            |step: usize, since: Option<&str>| json!({"shift": {"step": step, "since": since}});
        let back = |since: Option<&str>| {
            let cause = json!({"cause": "cancelled", "by": "anna"});
            json!({"back": {"cause": cause, "since": since}})
        };
        check(json!("raise"), nothing, UNCHANGED, Ends::NotBegun);
        let perhaps =
            "the old task set has all of the traffic; a new one may have been made beside it";
        check(json!("raise"), ordered, perhaps, Ends::Never);
        check(json!("raise"), deployed_and_ordered, old, Ends::Never);
        check(shift(0, None), deployed, old, Ends::Never);
        let half = "the new task set has 50 % of the traffic and the old one the rest; both stay";
        let perhaps = "the new task set was given 50 % of the traffic after 10 %, which was not read back yet; both stay";
        check(shift(1, None), deployed_and_ordered, perhaps, Ends::Never);
        check(
            shift(1, Some(since)),
            deployed_and_ordered,
            half,
            Ends::Never,
        );
        check(shift(2, Some(since)), deployed, new, Ends::Never);
        check(json!("promote"), deployed, new, Ends::Never);
        check(
            json!({"drain": {"since": since}}),
            deployed,
            new,
            Ends::Never,
        );
        check(json!("remove"), deployed_and_ordered, new, Ends::Settled);
        let perhaps = "going back has begun, and the new task set may still have traffic";
        check(back(None), deployed, perhaps, Ends::Settled);
        let given = "going back has begun: the old task set was given all of the traffic, which was not read back yet";
        check(back(None), deployed_and_ordered, given, Ends::Settled);
        let again = "the old task set has all of the traffic again; the new one is not removed yet";
        check(back(Some(since)), deployed, again, Ends::Settled);
    }
}
