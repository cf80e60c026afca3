//! The strategy of a plan, as its readers need it.
//!
//! **Invariant:** what is set for the time of a rollout alone is told, with what stands there now and is put back.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::core::id::RuleArn;
use crate::core::pauses::{HOOKS, Pause};
use crate::core::plan::{Native, Strategy};

/// The strategy as readers need it, without the documents that carry it out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Way {
    Rolling,
    /// ECS's own shift, by its name: `BLUE_GREEN`, `CANARY`, `LINEAR`.
    Shift {
        name: String,
        /// Members of `deploymentConfiguration` that are other ones for this deployment; `null` where one is left out.
        #[serde(default)]
        sets: Map<String, Value>,
        /// The service's own in their place.
        #[serde(default)]
        own: Map<String, Value>,
        /// Laid into the deployment beside the service's own hooks.
        #[serde(default)]
        pauses: Vec<Pause>,
    },
    /// The rule's traffic moved to a new task set, at these percentages one after the other, each held for so long;
    /// then the old set removed, when it has had no traffic for so long.
    TaskSets {
        rule: RuleArn,
        percents: Vec<u32>,
        hold_seconds: u64,
        drain_seconds: u64,
    },
    /// By CodeDeploy's deployment group, as this deployment configuration says (the group's own where it is absent).
    CodeDeploy {
        application: String,
        group: String,
        config: Option<String>,
    },
    /// So many tasks in a second service first, watched for so long.
    Beside {
        service: String,
        tasks: u32,
        seconds: u64,
    },
}

impl Way {
    pub fn of(strategy: &Strategy) -> Self {
        match strategy {
            Strategy::Rolling => Self::Rolling,
            Strategy::Native(native) => {
                let name = native.during.get("strategy").and_then(Value::as_str);
                let name = name.unwrap_or("BLUE_GREEN").to_owned();
                let (sets, own) = differing(native);
                let pauses = native.laid();
                Self::Shift {
                    name,
                    sets,
                    own,
                    pauses,
                }
            }
            Strategy::TaskSets(sets) => Self::TaskSets {
                rule: sets.rule.clone(),
                percents: sets.steps.clone(),
                hold_seconds: sets.hold.as_secs(),
                drain_seconds: sets.drain.as_secs(),
            },
            Strategy::CodeDeploy(way) => Self::CodeDeploy {
                application: way.group.application.clone(),
                group: way.group.group.clone(),
                config: way.config.clone(),
            },
            Strategy::Beside(beside) => Self::Beside {
                service: beside.key.service.to_string(),
                tasks: beside.tasks,
                seconds: beside.bake.as_secs(),
            },
        }
    }
}

/// What the deployment gets and what the service has in its place; hooks are told of as pauses.
fn differing(native: &Native) -> (Map<String, Value>, Map<String, Value>) {
    let (during, after) = (&native.during, &native.after);
    let names = during.keys().chain(after.keys());
    let differs = |name: &&String| during.get(*name) != after.get(*name);
    let names: Vec<_> = names
        .filter(differs)
        .filter(|name| *name != HOOKS)
        .collect();
    let of = |configuration: &Map<String, Value>| {
        let value = |name: &String| configuration.get(name).cloned().unwrap_or_default();
        names
            .iter()
            .map(|name| ((*name).clone(), value(name)))
            .collect()
    };
    (of(during), of(after))
}
