//! PAUSE hooks in a native shift: the one that ecsdeploy lays, those that the service has of its own, and which of them
//! it is that waits.
//!
//! ECS tells of a pause that waits an id, an expiry and the deployment's stage, but not whose hook it is
//! (`DescribeServiceDeployments`: `lifecycleHookDetails`, `lifecycleStage`). The stage tells, unless both have a hook there.
//! **Invariant:** a pause that may be somebody else's is never opened.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::live::{Service, ServiceDeployment, list, text};
use super::plan::{Native, Plan, Strategy};
use super::service::Detach;

pub const HOOKS: &str = "lifecycleHooks";
const ROLLBACK: &str = "ROLLBACK";

/// One PAUSE hook, as far as one differs from another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pause {
    pub stages: BTreeSet<String>,
    pub minutes: u64,
    on_timeout: String,
}

impl Pause {
    /// ECS API reference, `TimeoutConfiguration`: a hook that does not say otherwise waits for a day, then goes back.
    fn read(hook: &Value) -> Option<Self> {
        if text(hook, "targetType") != "PAUSE" {
            return None;
        }
        let stages = list(hook, "lifecycleStages").iter();
        let minutes = hook.pointer("/timeoutConfiguration/timeoutInMinutes");
        let action = hook.pointer("/timeoutConfiguration/action");
        Some(Self {
            stages: stages
                .filter_map(|it| it.as_str().map(str::to_owned))
                .collect(),
            minutes: minutes.and_then(Value::as_u64).unwrap_or(1440),
            on_timeout: action
                .and_then(Value::as_str)
                .unwrap_or(ROLLBACK)
                .to_owned(),
        })
    }

    fn is_at(&self, stage: &str) -> bool {
        self.stages.contains(stage)
    }
}

/// All in a `deploymentConfiguration`.
pub fn pauses(configuration: &Map<String, Value>) -> Vec<Pause> {
    let hooks = configuration.get(HOOKS).and_then(Value::as_array);
    hooks
        .into_iter()
        .flatten()
        .filter_map(Pause::read)
        .collect()
}

/// Lays our pause into `during`, beside the service's own hooks. One that is exactly like it was left by a rollout of ours
/// whose record is lost: it is taken over, so that it is on the service no more once `after` is put back.
fn lay(
    during: &mut Map<String, Value>,
    after: &mut Map<String, Value>,
    stages: &[&str],
    minutes: u64,
) {
    let pause = json!({
        "targetType": "PAUSE",
        "lifecycleStages": stages,
        "timeoutConfiguration": { "timeoutInMinutes": minutes, "action": ROLLBACK },
    });
    let ours = Pause::read(&pause);
    for configuration in [&mut *during, after] {
        hooks_of(configuration)
            .retain(|hook| Pause::read(hook).is_none() || Pause::read(hook) != ours);
    }
    hooks_of(during).push(pause);
}

/// What is left out of an update stays as it is, so that "none" has to be said.
fn hooks_of(configuration: &mut Map<String, Value>) -> &mut Vec<Value> {
    let hooks = configuration
        .entry(HOOKS)
        .and_modify(|hooks| {
            if !hooks.is_array() {
                *hooks = json!([]);
            }
        })
        .or_insert_with(|| json!([]));
    hooks
        .as_array_mut()
        .expect("whatever was no list is one now")
}

impl Plan {
    /// Lays our pauses into a native shift. Should this program die, each runs out and ECS rolls back.
    pub fn lay_pauses(&mut self, service: &Service) {
        let minutes = self.minutes_of_pauses();
        let Strategy::Native(native) = &mut self.strategy else {
            return;
        };
        let strategy = native.during.get("strategy").and_then(Value::as_str);
        let stages = stages(strategy.unwrap_or_default(), service);
        lay(&mut native.during, &mut native.after, &stages, minutes);
        // Handed over to finish by itself, nobody would be there to let it go on.
        if self.intent.detach == Detach::Finish {
            hooks_of(&mut native.during).pop();
        }
    }
}

/// Where a shift is to wait for the gates: before any production traffic, before each step, and before the bake.
fn stages(strategy: &str, service: &Service) -> Vec<&'static str> {
    let before = if service.has_test_rule() {
        "POST_TEST_TRAFFIC_SHIFT"
    } else {
        "POST_SCALE_UP"
    };
    match strategy {
        "CANARY" | "LINEAR" => vec![
            before,
            "PRE_PRODUCTION_TRAFFIC_SHIFT",
            "POST_PRODUCTION_TRAFFIC_SHIFT",
        ],
        _ => vec![before, "POST_PRODUCTION_TRAFFIC_SHIFT"],
    }
}

impl Native {
    /// Our pause; none where the shift was handed over to finish by itself.
    pub fn laid(&self) -> Vec<Pause> {
        let own = pauses(&self.after);
        let mut laid = pauses(&self.during);
        laid.retain(|pause| !own.contains(pause));
        laid
    }

    /// A configuration with its own hooks and none of ours. Hooks that it does not say would stay.
    pub fn without_ours(&self, mut configuration: Map<String, Value>) -> Map<String, Value> {
        let laid = self.laid();
        let is_ours = |hook: &Value| Pause::read(hook).is_some_and(|pause| laid.contains(&pause));
        hooks_of(&mut configuration).retain(|hook| !is_ours(hook));
        configuration
    }

    /// Whether the pause at which this deployment waits is ours to open. ECS may call the wait before a step by the step's
    /// own name, at which there can be no pause (ECS developer guide, pause lifecycle hooks).
    pub fn may_open(&self, record: &ServiceDeployment) -> bool {
        let laid = self.laid();
        let mut others = pauses(record.configuration().unwrap_or(&self.during));
        others.retain(|pause| !laid.contains(pause));
        let stage = match record.stage() {
            "PRODUCTION_TRAFFIC_SHIFT" => "PRE_PRODUCTION_TRAFFIC_SHIFT",
            stage => stage,
        };
        let is_there = |pauses: &[Pause]| pauses.iter().any(|pause| pause.is_at(stage));
        others.is_empty() || is_there(&laid) && !is_there(&others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(stages: &[&str], minutes: u64) -> Value {
        json!({
            "targetType": "PAUSE",
            "lifecycleStages": stages,
            "timeoutConfiguration": { "timeoutInMinutes": minutes, "action": ROLLBACK },
        })
    }

    fn configuration(hooks: Value) -> Map<String, Value> {
        Map::from_iter([(HOOKS.to_owned(), hooks)])
    }

    const OURS: [&str; 3] = [
        "POST_SCALE_UP",
        "PRE_PRODUCTION_TRAFFIC_SHIFT",
        "POST_PRODUCTION_TRAFFIC_SHIFT",
    ];

    /// What the service has, and what is left of it when ours is laid and at the end.
    fn native(own: Value) -> Native {
        let mut during = configuration(own);
        let mut after = during.clone();
        lay(&mut during, &mut after, &OURS, 30);
        Native {
            during,
            after,
            sides: Vec::new(),
        }
    }

    #[test]
    fn a_pause_is_opened_only_where_nobody_elses_can_wait() {
        let lambda =
            json!({"hookTargetArn": "arn", "lifecycleStages": ["PRE_SCALE_UP", "POST_SCALE_UP"]});
        let early = hook(&["PRE_SCALE_UP"], 30);
        let same = hook(&["POST_SCALE_UP"], 30);
        let before_steps = hook(&["PRE_PRODUCTION_TRAFFIC_SHIFT"], 30);
        for (own, stage, opens) in [
            (json!([]), "POST_SCALE_UP", true),
            (json!([]), "A_STAGE_BORN_LATER", true),
            (json!([lambda]), "PRE_SCALE_UP", true),
            (json!([early]), "PRE_SCALE_UP", false),
            (json!([early]), "POST_SCALE_UP", true),
            (json!([early]), "PRODUCTION_TRAFFIC_SHIFT", true),
            (json!([early]), "A_STAGE_BORN_LATER", false),
            (json!([same]), "POST_SCALE_UP", false),
            (json!([same]), "POST_PRODUCTION_TRAFFIC_SHIFT", true),
            (json!([before_steps]), "PRODUCTION_TRAFFIC_SHIFT", false),
        ] {
            let native = native(own.clone());
            let mut record = json!({"lifecycleStage": stage});
            let of_plan = native.may_open(&ServiceDeployment::new(record.clone()));
            record["deploymentConfiguration"] = json!(native.during);
            let of_record = native.may_open(&ServiceDeployment::new(record));
            assert_eq!((of_plan, of_record), (opens, opens), "{own} at {stage}");
        }
    }

    #[test]
    fn a_deployment_that_somebody_started_with_a_pause_at_our_stage_is_theirs() {
        let record = json!({
            "lifecycleStage": "POST_SCALE_UP",
            "deploymentConfiguration": {HOOKS: [hook(&["POST_SCALE_UP"], 60)]},
        });
        assert!(!native(json!([])).may_open(&ServiceDeployment::new(record)));
    }

    #[test]
    fn what_a_lost_run_left_is_taken_over_and_all_else_is_kept() {
        let [first, second, third] = OURS;
        let left = hook(&[third, first, second], 30);
        let own = [hook(&OURS, 60), hook(&[first, third], 30)];
        let native = native(json!([own[0], left, own[1]]));
        assert_eq!(native.after[HOOKS], json!(own));
        assert_eq!(
            native.during[HOOKS],
            json!([own[0], own[1], hook(&OURS, 30)])
        );
        assert_eq!(native.laid(), pauses(&configuration(json!([left]))));
    }
}
