//! Which strategy a deployment configuration asks for, and the defaults of its members.

use serde_json::json;

use crate::sandbox::ecs::document::{Document, default_to, member, text};

/// `strategy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    Rolling,
    BlueGreen,
    Linear,
    Canary,
}

/// The members that belong to one strategy alone.
pub const OWN_MEMBERS: [(Strategy, &str); 2] = [
    (Strategy::Linear, "linearConfiguration"),
    (Strategy::Canary, "canaryConfiguration"),
];

impl Strategy {
    /// A strategy that ECS does not know is refused before this is asked.
    pub fn of(configuration: &Document) -> Self {
        match text(configuration, "strategy") {
            Some("BLUE_GREEN") => Self::BlueGreen,
            Some("LINEAR") => Self::Linear,
            Some("CANARY") => Self::Canary,
            _ => Self::Rolling,
        }
    }

    pub fn is_native(self) -> bool {
        self != Self::Rolling
    }
}

/// Fills in what a configuration leaves out, once a call has been merged into it. `given` is the call's own
/// configuration: a member of a strategy that the call leaves behind goes with it.
pub fn fill(configuration: &mut Document, given: &Document) {
    let strategy = Strategy::of(configuration);
    for (owner, key) in OWN_MEMBERS {
        if owner != strategy && member(given, key).is_none() {
            configuration.shift_remove(key);
        }
    }
    let (key, defaults) = match strategy {
        Strategy::Linear => (
            "linearConfiguration",
            [
                ("stepPercent", json!(10.0)),
                ("stepBakeTimeInMinutes", json!(6)),
            ],
        ),
        Strategy::Canary => (
            "canaryConfiguration",
            [
                ("canaryPercent", json!(5.0)),
                ("canaryBakeTimeInMinutes", json!(10)),
            ],
        ),
        Strategy::Rolling | Strategy::BlueGreen => return,
    };
    default_to(configuration, key, || json!({}));
    if let Some(own) = configuration
        .get_mut(key)
        .and_then(|own| own.as_object_mut())
    {
        for (key, value) in defaults {
            default_to(own, key, || value);
        }
    }
}
