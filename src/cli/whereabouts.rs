//! What a rollout that was told to stop leaves: what goes on without this program, what has the traffic, what to do.
//!
//! **Invariant:** says only what was seen or what AWS was told; what was ordered and not read back is said to be so.

use crate::core::journal::Work;
use crate::core::plan::{Strategy, TaskSets};
use crate::core::rollout::{Phase, Stage, State};

/// Whether what was left comes to an end without this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// There is nothing to end.
    Here,
    ByItself,
    Never,
    /// Nor is it turned back: it is on its last way already.
    NeverAndNeverTurned,
}

impl Ends {
    pub fn hint(self) -> Option<&'static str> {
        match self {
            Self::Here => None,
            Self::ByItself => {
                Some("ecsdeploy watch tells how it ends; ecsdeploy rollback turns it back")
            }
            Self::Never => Some("it stays so until then; ecsdeploy rollback turns it back"),
            Self::NeverAndNeverTurned => Some("it stays so until then"),
        }
    }
}

/// What was left, in words. `None` is what has not come as far as a revision.
pub fn whereabouts(left: Option<&Work>) -> (String, Ends) {
    let unchanged = || ("the service was not changed".to_owned(), Ends::Here);
    let Some(Work { plan, state }) = left else {
        return unchanged();
    };
    let was_ordered = state.ordered.is_some();
    match (&state.phase, &plan.strategy) {
        (Phase::Done(_) | Phase::Register, _) => unchanged(),
        (Phase::TaskSets(Stage::Raise), _) if !was_ordered && state.deployment.is_none() => {
            unchanged()
        }
        (Phase::TaskSets(stage), Strategy::TaskSets(sets)) => of_task_sets(stage, sets, state),
        (Phase::Undo { .. }, _) => {
            let goes_on = "going back has begun, and AWS goes on with it";
            (goes_on.to_owned(), Ends::ByItself)
        }
        (Phase::Canary { .. }, _) if was_ordered && state.deployment.is_none() => {
            let stays = "the service was not changed; its canary stays beside it";
            (stays.to_owned(), Ends::Never)
        }
        (Phase::Restore { .. }, _) => {
            let stays =
                "it has ended, and what was set or started for its time is not put away yet";
            (stays.to_owned(), Ends::NeverAndNeverTurned)
        }
        _ => match &state.deployment {
            Some(deployment) => {
                let goes_on = format!("AWS goes on with deployment {deployment}");
                (goes_on, Ends::ByItself)
            }
            None if was_ordered => {
                let goes_on = "the deployment was ordered, and AWS goes on with it";
                (goes_on.to_owned(), Ends::ByItself)
            }
            None => unchanged(),
        },
    }
}

/// Nobody but this program moves the weights, so that they stay as they are.
fn of_task_sets(stage: &Stage, sets: &TaskSets, state: &State) -> (String, Ends) {
    let was_ordered = state.ordered.is_some();
    match stage {
        Stage::Raise if state.deployment.is_none() => {
            let stays =
                "the old task set has all of the traffic; a new one may have been made beside it";
            (stays.to_owned(), Ends::Never)
        }
        Stage::Raise => (shared(0), Ends::Never),
        Stage::Shift { step, since } => {
            let percent = |step: usize| sets.steps.get(step).copied().unwrap_or(100);
            let (before, wanted) = (step.checked_sub(1).map_or(0, percent), percent(*step));
            let stays = match since {
                Some(_) => shared(wanted),
                None if was_ordered => format!(
                    "the new task set was given {wanted} % of the traffic after {before} %, which was not read back yet; \
                     both stay"
                ),
                None => shared(before),
            };
            (stays, Ends::Never)
        }
        Stage::Promote | Stage::Drain { .. } => (shared(100), Ends::Never),
        Stage::Remove => (shared(100), Ends::NeverAndNeverTurned),
        Stage::Back { since, .. } => {
            let stays = match since {
                Some(_) => {
                    "the old task set has all of the traffic again; the new one is not removed yet"
                }
                None if was_ordered => {
                    "going back has begun: the old task set was given all of the traffic, which was not read back yet"
                }
                None => "going back has begun, and the new task set may still have traffic",
            };
            (stays.to_owned(), Ends::NeverAndNeverTurned)
        }
    }
}

/// The weights as they were read back.
fn shared(percent: u32) -> String {
    match percent {
        0 => "the old task set has all of the traffic; the new one stays beside it".to_owned(),
        100.. => "the new task set has all of the traffic; the old one stays beside it".to_owned(),
        _ => format!(
            "the new task set has {percent} % of the traffic and the old one the rest; both stay"
        ),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::{Value, json};

    use super::*;
    use crate::core::plan::Plan;
    use crate::core::report::Cause;
    use crate::core::service::Intent;

    fn plan(strategy: &Value) -> Plan {
        let plan = json!({
            "target": {"cluster": "main", "service": "web"},
            "course": "deploy",
            "strategy": strategy,
            "why": "it was asked for",
            "revision": {"existing": "web:2"},
            "before": {"deployment": "ecs-svc/1", "task_definition": "web:1", "serving": "web:1", "desired_count": 2},
            "redeploy": "WhenChanged",
            "intent": Intent::default(),
        });
        serde_json::from_value(plan).unwrap()
    }

    fn sets() -> Plan {
        plan(&json!({"task_sets": {
            "rule": "r", "test_rule": null, "blue": "b", "green": "g", "steps": [10, 50, 100],
            "hold": {"secs": 300, "nanos": 0}, "drain": {"secs": 0, "nanos": 0}, "old": "ecs-svc/1", "members": {},
        }}))
    }

    /// A state that was entered with this phase, and what was ordered or found in it.
    fn check(plan: &Plan, phase: Phase, ordered: bool, set: Option<&str>, says: &str, ends: Ends) {
        let mut state = State::begin(plan, Timestamp::UNIX_EPOCH);
        state.phase = phase;
        state.ordered = ordered.then_some(Timestamp::UNIX_EPOCH);
        state.deployment = set.map(Into::into);
        let work = Work::of(plan, &state).unwrap();
        assert_eq!(whereabouts(Some(&work)), (says.to_owned(), ends));
    }

    #[test]
    fn each_stage_of_task_sets_says_what_has_the_traffic() {
        let plan = sets();
        let at = |stage| Phase::TaskSets(stage);
        let shift = |step, since| Phase::TaskSets(Stage::Shift { step, since });
        let back = |since| {
            let by = "a signal".to_owned();
            let cause = Cause::Cancelled { by };
            Phase::TaskSets(Stage::Back { cause, since })
        };
        let now = Timestamp::UNIX_EPOCH;
        let ours = Some("ecs-svc/2");
        let old = "the old task set has all of the traffic; the new one stays beside it";
        let new = "the new task set has all of the traffic; the old one stays beside it";
        for (phase, ordered, set, says, ends) in [
            (
                at(Stage::Raise),
                false,
                None,
                "the service was not changed",
                Ends::Here,
            ),
            (
                at(Stage::Raise),
                true,
                None,
                "the old task set has all of the traffic; a new one may have been made beside it",
                Ends::Never,
            ),
            (at(Stage::Raise), true, ours, old, Ends::Never),
            (shift(0, None), false, ours, old, Ends::Never),
            (
                shift(1, None),
                true,
                ours,
                "the new task set was given 50 % of the traffic after 10 %, which was not read back yet; both stay",
                Ends::Never,
            ),
            (
                shift(1, Some(now)),
                true,
                ours,
                "the new task set has 50 % of the traffic and the old one the rest; both stay",
                Ends::Never,
            ),
            (shift(2, Some(now)), true, ours, new, Ends::Never),
            (at(Stage::Promote), false, ours, new, Ends::Never),
            (
                at(Stage::Drain { since: now }),
                false,
                ours,
                new,
                Ends::Never,
            ),
            (
                at(Stage::Remove),
                true,
                ours,
                new,
                Ends::NeverAndNeverTurned,
            ),
            (
                back(None),
                false,
                ours,
                "going back has begun, and the new task set may still have traffic",
                Ends::NeverAndNeverTurned,
            ),
            (
                back(None),
                true,
                ours,
                "going back has begun: the old task set was given all of the traffic, which was not read back yet",
                Ends::NeverAndNeverTurned,
            ),
            (
                back(Some(now)),
                true,
                ours,
                "the old task set has all of the traffic again; the new one is not removed yet",
                Ends::NeverAndNeverTurned,
            ),
        ] {
            check(&plan, phase, ordered, set, says, ends);
        }
    }

    #[test]
    fn what_aws_goes_on_with_is_named() {
        let plan = plan(&json!("rolling"));
        let ours = Some("ecs-svc/2");
        let goes_on = "AWS goes on with deployment ecs-svc/2";
        check(&plan, Phase::Follow, false, ours, goes_on, Ends::ByItself);
        let ordered = "the deployment was ordered, and AWS goes on with it";
        check(&plan, Phase::Deploy, true, None, ordered, Ends::ByItself);
        let nothing = "the service was not changed";
        check(&plan, Phase::Deploy, false, None, nothing, Ends::Here);
        assert_eq!(whereabouts(None), (nothing.to_owned(), Ends::Here));
    }
}
