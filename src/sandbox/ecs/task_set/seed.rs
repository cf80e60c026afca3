//! Task sets of a world file: those that a service with the controller EXTERNAL begins with.
//!
//! **Invariant:** what is seeded is what CreateTaskSet and the scheduler would have made of it, hours ago.

use serde_json::{Value, json};

use super::create::{Maker, create_in};
use super::state::{Stability, TaskSet};
use crate::sandbox::ecs::document::{Document, default_to, text};
use crate::sandbox::ecs::events;
use crate::sandbox::ecs::refuse;
use crate::sandbox::ecs::service::Service;
use crate::sandbox::ecs::state::{Ecs, Ground};
use crate::sandbox::{ApiError, Duration, Time};

/// Makes the task sets that stand beside the service in the file; the first is PRIMARY. One without `scale` is full.
pub fn add(
    ecs: &mut Ecs,
    service: &Document,
    sets: Option<&Value>,
    ground: &mut Ground<'_>,
) -> Result<(), ApiError> {
    let name = text(service, "serviceName").unwrap_or_default();
    let sets = match sets {
        None => return Ok(()),
        Some(Value::Array(sets)) => sets,
        Some(other) => return Err(refuse::wrong_type(other, "Collection")),
    };
    let mut primary = None;
    for set in sets {
        let Value::Object(mut input) = set.clone() else {
            return Err(refuse::wrong_type(set, "Structure"));
        };
        input.insert("service".into(), json!(name));
        let cluster = text(service, "cluster").unwrap_or("default");
        input.insert("cluster".into(), json!(cluster));
        default_to(
            &mut input,
            "scale",
            || json!({ "value": 100.0, "unit": "PERCENT" }),
        );
        let number = create_in(ecs, &input, Maker::Caller, ground)?;
        primary.get_or_insert(number);
    }
    let service = ecs.cluster(service)?.service(name);
    if let (Some(service), Some(primary)) = (service, primary) {
        service.promote(primary, ground.now);
    }
    Ok(())
}

/// How many tasks each set of the service is to have, by the set's number.
pub fn shares(service: &Service) -> Vec<(u64, u32)> {
    let share = |set: &TaskSet| (set.number(), set.share_of(service.desired));
    service.task_sets.iter().map(share).collect()
}

/// Makes the sets, whose tasks run by now, as steady as if they had been left alone for hours.
pub fn settle(service: &mut Service, now: Time, ground: &mut Ground<'_>) {
    let settled = ground.now + Duration::from_secs(120);
    let mut numbers = Vec::new();
    for set in &mut service.task_sets {
        set.computed = set.share_of(service.desired);
        set.stability = Stability::SteadyState;
        set.stability_at = settled;
        numbers.push(set.number());
    }
    for number in numbers {
        let line = events::turned_steady(&service.voice(number));
        service.events.tell(settled, ground.rng, line);
    }
    if service.task_sets.is_empty() {
        return;
    }
    let steady = events::steady(&service.name);
    service.events.tell(settled, ground.rng, steady.clone());
    service.events.assume_told(now, steady);
}
