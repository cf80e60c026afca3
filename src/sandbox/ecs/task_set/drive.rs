//! What CodeDeploy does to the task sets of a CODE_DEPLOY service: functions over the world, for the room that plays it.
//!
//! The API refuses its callers all of this on such a service; CodeDeploy works through ECS's own side door.
//! **Invariant:** traffic is no business of these; whoever drives shifts the listener's weights.

use serde_json::Value;

use super::create::{Maker, create_in};
use super::operations::managed;
use super::state::{Stability, no_task_set};
use super::{Controller, schedule};
use crate::sandbox::ecs::document::Document;
use crate::sandbox::ecs::refuse;
use crate::sandbox::ecs::service::{Service, Tags};
use crate::sandbox::ecs::state::split;
use crate::sandbox::{ApiError, World};

/// The number of a task set, as in `ecs-svc/NUMBER`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SetNumber(pub u64);

/// A service that is driven: the names of its cluster and of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Driven {
    pub cluster: String,
    pub service: String,
}

impl Driven {
    /// `cluster` and `service` as an ECS call would name them.
    fn input(&self) -> Document {
        let mut input = Document::new();
        input.insert("cluster".to_owned(), self.cluster.as_str().into());
        input.insert("service".to_owned(), self.service.as_str().into());
        input
    }
}

/// Makes a task set from `members` (`taskDefinition`, `loadBalancers`, `externalId`, `scale` and the like, as
/// CreateTaskSet takes them). What they leave out of launch type, platform and network is the primary set's.
pub fn create(world: &mut World, of: &Driven, members: &Document) -> Result<SetNumber, ApiError> {
    const INHERITED: [&str; 5] = [
        "launchType",
        "capacityProviderStrategy",
        "platformVersion",
        "platformFamily",
        "networkConfiguration",
    ];
    let (ecs, mut ground) = split(world);
    let mut input = of.input();
    let service = managed(ecs, &input, Controller::CodeDeploy)?;
    if let Some(primary) = service.primary_set() {
        let of_primary = primary.revision.document.iter();
        let inherited = of_primary.filter(|(key, _)| INHERITED.contains(&key.as_str()));
        input.extend(inherited.map(|(key, value)| (key.clone(), value.clone())));
    }
    input.extend(members.clone());
    create_in(ecs, &input, Maker::CodeDeploy, &mut ground).map(SetNumber)
}

/// Scales a task set to `percent` (0 to 100) of the service's desired count.
pub fn scale(world: &mut World, of: &Driven, set: SetNumber, percent: f64) -> Result<(), ApiError> {
    let (ecs, ground) = split(world);
    let service = managed(ecs, &of.input(), Controller::CodeDeploy)?;
    let set = service.set_numbered(set.0).ok_or_else(no_task_set)?;
    set.set_scale(percent, ground.now);
    Ok(())
}

/// Makes a task set PRIMARY; the one that was becomes ACTIVE.
pub fn promote(world: &mut World, of: &Driven, set: SetNumber) -> Result<(), ApiError> {
    let (ecs, ground) = split(world);
    let service = managed(ecs, &of.input(), Controller::CodeDeploy)?;
    service.set_numbered(set.0).ok_or_else(no_task_set)?;
    service.promote(set.0, ground.now);
    Ok(())
}

/// Deletes a task set, whatever its scale: its tasks stop.
pub fn delete(world: &mut World, of: &Driven, set: SetNumber) -> Result<(), ApiError> {
    let (ecs, mut ground) = split(world);
    let service = managed(ecs, &of.input(), Controller::CodeDeploy)?;
    service.set_numbered(set.0).ok_or_else(no_task_set)?;
    let name = service.name.clone();
    let cluster = ecs.cluster(&of.input())?.name.clone();
    let (services, mut fleet) = ecs.fleet(&cluster).ok_or_else(refuse::no_cluster)?;
    let service = services.get_mut(&name).ok_or_else(refuse::no_service)?;
    schedule::drain(service, set.0, &mut fleet, &mut ground);
    Ok(())
}

/// Whether a task set has reached STEADY_STATE.
pub fn stable(world: &mut World, of: &Driven, set: SetNumber) -> Result<bool, ApiError> {
    let service = managed(&mut world.ecs, &of.input(), Controller::CodeDeploy)?;
    let set = service.set_numbered(set.0).ok_or_else(no_task_set)?;
    Ok(set.stability == Stability::SteadyState)
}

/// The PRIMARY task set, if there is one.
pub fn primary(world: &mut World, of: &Driven) -> Result<Option<SetNumber>, ApiError> {
    let service = managed(&mut world.ecs, &of.input(), Controller::CodeDeploy)?;
    Ok(service.primary_set().map(|set| SetNumber(set.number())))
}

/// A task set as DescribeTaskSets shows it.
pub fn describe(world: &mut World, of: &Driven, set: SetNumber) -> Result<Value, ApiError> {
    let name = managed(&mut world.ecs, &of.input(), Controller::CodeDeploy)?
        .name
        .clone();
    let cluster = world.ecs.cluster(&of.input())?;
    let service: &Service = &cluster.services[&name];
    let found = service.task_sets.iter().find(|one| one.number() == set.0);
    let found = found.ok_or_else(no_task_set)?;
    Ok(found.answer(service, &cluster.tasks, Tags::Hidden))
}

/// The service's desired count.
pub fn desired(world: &mut World, of: &Driven) -> Result<u32, ApiError> {
    managed(&mut world.ecs, &of.input(), Controller::CodeDeploy).map(|service| service.desired)
}
