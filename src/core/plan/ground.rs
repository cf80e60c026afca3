//! What gates rest on: what was found of the service, and of what it is to run.

use serde::{Deserialize, Serialize};

use crate::core::gate::Health;
use crate::core::live::{Service, TaskSet};
use crate::core::taskdef::{Container, TaskDefinition};

/// What was found that gates rest on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ground {
    /// The service's own deployment alarms.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<String>,
    pub balanced: Balanced,
    #[serde(default, skip_serializing_if = "Health::is_untold")]
    pub health: Health,
}

/// Whether load balancers lead to the service's tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Balanced {
    #[default]
    No,
    Yes,
}

impl Ground {
    pub fn of(service: &Service) -> Self {
        let groups = service.target_groups();
        let of_set = service.primary_task_set().and_then(TaskSet::target_group);
        let is_balanced = !groups.is_empty() || of_set.is_some();
        Self {
            alarms: service.deployment_alarms(),
            balanced: if is_balanced {
                Balanced::Yes
            } else {
                Balanced::No
            },
            health: Health::Untold,
        }
    }

    /// The same, of a service that is to run this.
    #[must_use]
    pub fn to_run(mut self, wanted: &TaskDefinition) -> Self {
        let checked = |it: Container<'_>| it.essential() && it.has_health_check();
        if wanted.containers().any(checked) {
            self.health = Health::Told;
        }
        self
    }
}
