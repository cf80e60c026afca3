//! Amazon ECS. Nothing is modelled yet: every operation is refused by name.

use serde_json::Value;

use crate::sandbox::apps::Apps;
use crate::sandbox::elb::Probe;
use crate::sandbox::seed::EcsSeed;
use crate::sandbox::{ApiError, Time, World, WorldError};

/// Everything that ECS remembers.
#[derive(Clone, Debug, Default)]
pub struct Ecs {}

/// Answers one operation.
pub fn answer(_world: &mut World, op: &str, _input: &Value) -> Result<Value, ApiError> {
    Err(ApiError::not_modelled("ecs", op))
}

/// One second has passed.
pub fn tick(_world: &mut World) {}

/// Takes over the world file's ECS part.
pub fn seed(_world: &mut World, seed: EcsSeed) -> Result<(), WorldError> {
    if seed == EcsSeed::default() {
        Ok(())
    } else {
        Err(WorldError::Invalid("the world file has an ECS part".into()))
    }
}

/// What a health check of this target gets.
pub fn probe(_ecs: &Ecs, _apps: &Apps, _now: Time, _id: &str, _port: u16) -> Probe {
    Probe::Refused
}
