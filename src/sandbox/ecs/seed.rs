//! The ECS part of a world file: clusters, container instances, task definitions, and services that start steady.
//!
//! **Invariant:** a seeded service is what the scheduler itself would have made of it, hours ago: its tasks run, its
//! targets are healthy, its one deployment is COMPLETED or its task sets are in STEADY_STATE; the first second after the start changes nothing.

use serde_json::Value;

use crate::sandbox::ecs::deployment::RolloutState;
use crate::sandbox::ecs::document::{Document, text};
use crate::sandbox::ecs::events;
use crate::sandbox::ecs::instances::{Instance, InstanceStatus};
use crate::sandbox::ecs::native;
use crate::sandbox::ecs::service::{self, Service};
use crate::sandbox::ecs::service_deployment::RolloutStatus;
use crate::sandbox::ecs::state::{Ecs, Ground, split};
use crate::sandbox::ecs::task::{Standing, Step, Task};
use crate::sandbox::ecs::{cluster, daemon, task_definition, task_set};
use crate::sandbox::seed::{ContainerInstanceSeed, EcsSeed};
use crate::sandbox::{Duration, Time, World, WorldError, ids};

/// How long a seeded service has been steady.
const STEADY_FOR: Duration = Duration::from_secs(3 * 3600);

/// Takes over the world file's ECS part.
pub fn seed(world: &mut World, seed: EcsSeed) -> Result<(), WorldError> {
    // What is seeded draws from a stream of its own, so that the world's stream starts the same with or without it.
    let stream = world.named("ecs", "seed");
    let (ecs, mut ground) = split(world);
    let usual = std::mem::replace(ground.rng, stream);
    let outcome = seed_all(ecs, seed, &mut ground);
    *ground.rng = usual;
    outcome
}

fn seed_all(ecs: &mut Ecs, seed: EcsSeed, ground: &mut Ground<'_>) -> Result<(), WorldError> {
    let now = ground.now;
    for input in &seed.clusters {
        cluster::create(ecs, members(input, "cluster")?, ground)
            .map_err(|error| refused("cluster", input, &error))?;
    }
    for instance in seed.container_instances {
        join(ecs, instance, ground)?;
    }
    ground.now = now - STEADY_FOR;
    for input in &seed.task_definitions {
        let mut document = members(input, "task definition")?.clone();
        if let Some(number) = document.shift_remove("revision") {
            skip_to(ecs, &document, &number)?;
        }
        task_definition::register(ecs, &document, ground)
            .map_err(|error| refused("task definition", input, &error))?;
    }
    for input in &seed.services {
        let mut document = members(input, "service")?.clone();
        let sets = document.shift_remove("taskSets");
        let name = text(&document, "serviceName")
            .unwrap_or_default()
            .to_owned();
        let cluster = ecs
            .cluster(&document)
            .map_err(|error| refused("service", input, &error))?
            .name
            .clone();
        service::create_in(ecs, &document, ground)
            .and_then(|()| task_set::seed::add(ecs, &document, sets.as_ref(), ground))
            .map_err(|error| refused("service", input, &error))?;
        settle(ecs, &cluster, &name, now, ground)?;
    }
    ground.now = now;
    Ok(())
}

/// Lets the family go on with this revision number.
fn skip_to(ecs: &mut Ecs, document: &Document, number: &Value) -> Result<(), WorldError> {
    let name = text(document, "family").unwrap_or_default();
    let family = ecs.families.entry(name.to_owned()).or_default();
    let number = number.as_u64().and_then(|number| u32::try_from(number).ok());
    match number {
        Some(number) if number > family.last_number => {
            family.last_number = number - 1;
            Ok(())
        }
        _ => Err(WorldError::Invalid(format!(
            "task definition {name}: its revision must be a number above {}",
            family.last_number
        ))),
    }
}

fn members<'a>(input: &'a Value, what: &str) -> Result<&'a Document, WorldError> {
    input
        .as_object()
        .ok_or_else(|| WorldError::Invalid(format!("a {what} must be a mapping, not {input}")))
}

fn refused(what: &str, input: &Value, error: &crate::sandbox::ApiError) -> WorldError {
    let name = ["serviceName", "family", "clusterName"]
        .iter()
        .find_map(|key| input[key].as_str())
        .unwrap_or("without a name");
    WorldError::Invalid(format!("{what} {name}: {error}"))
}

fn join(
    ecs: &mut Ecs,
    seed: ContainerInstanceSeed,
    ground: &mut Ground<'_>,
) -> Result<(), WorldError> {
    let name = seed.cluster.unwrap_or_else(|| "default".to_owned());
    let missing = || {
        WorldError::Invalid(format!(
            "a container instance names the cluster {name}, which the file does not have"
        ))
    };
    let id = ids::hex(ground.rng, 32);
    let ec2_id = seed
        .ec2_instance_id
        .unwrap_or_else(|| format!("i-0{}", ids::hex(ground.rng, 16)));
    let arn = ground.arn(&format!("container-instance/{name}/{id}"));
    let instance = Instance {
        id: id.clone(),
        arn,
        ec2_id,
        kind: seed.instance_type,
        zone: seed.availability_zone,
        cpu: seed.cpu,
        memory: seed.memory,
        status: InstanceStatus::Active,
        registered_at: ground.now,
        tags: Vec::new(),
        last_port: 0,
    };
    ecs.clusters
        .get_mut(&name)
        .ok_or_else(missing)?
        .instances
        .insert(id, instance);
    Ok(())
}

/// Makes a service that was just created as steady as if it had been left alone for hours.
fn settle(
    ecs: &mut Ecs,
    cluster: &str,
    name: &str,
    now: Time,
    ground: &mut Ground<'_>,
) -> Result<(), WorldError> {
    let Some((services, mut fleet)) = ecs.fleet(cluster) else {
        return Ok(());
    };
    let Some(service) = services.get_mut(name) else {
        return Ok(());
    };
    if service.is_daemon() {
        service.desired = daemon::reach(service, &fleet).wanted;
    }
    let has_task_sets = service.controller().has_task_sets();
    let shares = if has_task_sets {
        task_set::seed::shares(service)
    } else {
        native::place(service, ground.elb)
            .map_err(|reason| WorldError::Invalid(format!("service {name}: {reason}")))?;
        vec![(service.primary().number, service.desired)]
    };
    let wanted = shares
        .into_iter()
        .flat_map(|(number, count)| (0..count).map(move |_| number));
    for number in wanted {
        let id = service::launch(service, number, &mut fleet, ground).map_err(|closest| {
            WorldError::Invalid(format!(
                "service {name}: no container instance takes its tasks. {closest}"
            ))
        })?;
        let task = fleet
            .tasks
            .get_mut(&id)
            .expect("a task that was just launched is there");
        run_long(task, ground);
        for target in &task.targets {
            let done = ground.elb.register_steady(
                now,
                &target.group_arn,
                &target.id,
                target.port,
                Some(&task.zone),
            );
            done.map_err(|error| WorldError::Invalid(format!("service {name}: {error}")))?;
        }
        service.live.push(id);
    }
    if has_task_sets {
        task_set::seed::settle(service, now, ground);
    } else {
        complete(service, now, ground);
    }
    Ok(())
}

fn run_long(task: &mut Task, ground: &mut Ground<'_>) {
    let at = ground.now;
    task.times.connected = Some(at);
    task.times.pull_started = Some(at);
    task.times.pull_stopped = Some(at + Duration::from_secs(10));
    task.times.started = Some(at + Duration::from_secs(20));
    task.standing = Standing::Proven;
    task.enter(Step::Running, None);
    task.version = 4; // as after PROVISIONING, PENDING, ACTIVATING and RUNNING
}

fn complete(service: &mut Service, now: Time, ground: &mut Ground<'_>) {
    let desired = service.desired;
    service.primary_mut().desired = desired;
    if let Some(rollout) = service.rollouts.first_mut() {
        rollout.begin(ground.now);
        debug_assert_eq!(rollout.status, RolloutStatus::InProgress);
    }
    let created = ground.now;
    ground.now = created + Duration::from_secs(120);
    service.complete(ground);
    let steady = events::steady(&service.name);
    service.events.tell(ground.now, ground.rng, steady.clone());
    service.events.assume_told(now, steady);
    ground.now = created;
    debug_assert_eq!(service.primary().state, RolloutState::Completed);
}
