//! One container of a task definition, as a view.
//!
//! **Invariant:** a view is made only of containers that [`TaskDefinition::from_value`](super::TaskDefinition::from_value)
//! has checked, so each has a name.

use serde_json::{Map, Value};

/// One entry of `containerDefinitions`, seen and not copied.
#[derive(Debug, Clone, Copy)]
pub struct Container<'a> {
    members: &'a Map<String, Value>,
}

impl<'a> Container<'a> {
    pub(super) fn of(members: &'a Map<String, Value>) -> Self {
        Self { members }
    }

    pub fn name(self) -> &'a str {
        self.members
            .get("name")
            .and_then(Value::as_str)
            .expect("from_value checked every name")
    }

    /// The image as written; absent only in a document that still waits for an override.
    pub fn image(self) -> Option<&'a str> {
        self.members.get("image").and_then(Value::as_str)
    }

    /// Whether ECS is to check it. A check of the image's own (Dockerfile HEALTHCHECK) is none to ECS.
    pub fn has_health_check(self) -> bool {
        self.members
            .get("healthCheck")
            .is_some_and(Value::is_object)
    }

    /// A container that does not say is essential (`ContainerDefinition$essential`).
    pub fn essential(self) -> bool {
        self.members
            .get("essential")
            .and_then(Value::as_bool)
            .unwrap_or(true)
    }

    pub fn get(self, member: &str) -> Option<&'a Value> {
        self.members.get(member)
    }
}
