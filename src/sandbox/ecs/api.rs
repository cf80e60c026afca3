//! The operations of ECS, by name, and the passing of time.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::sandbox::apps::Apps;
use crate::sandbox::ecs::document::Document;
use crate::sandbox::ecs::hearing::Heard;
use crate::sandbox::ecs::scheduler;
use crate::sandbox::ecs::service::Status;
use crate::sandbox::ecs::state::{Ecs, split, untouched};
use crate::sandbox::ecs::task::{Container, Step, Task};
use crate::sandbox::ecs::{
    capacity, cluster, defaults, instances, native, protection, refuse, run_task, service,
    service_deployment, service_revision, tags, task_definition, task_operations, task_set, types,
};
use crate::sandbox::elb::Probe;
use crate::sandbox::traffic::Reach;
use crate::sandbox::{ApiError, Time, World};

/// Answers one operation; one that is not modelled is refused by name.
pub fn answer(world: &mut World, op: &str, input: &Value) -> Result<Value, ApiError> {
    let empty = Document::new();
    let input = match input {
        Value::Object(members) => members,
        Value::Null => &empty,
        other => return Err(refuse::wrong_type(other, "Structure")),
    };
    types::check(input)?;
    let looks = ["Describe", "List", "Get"]
        .iter()
        .any(|verb| op.starts_with(verb));
    let (ecs, mut ground) = if looks {
        untouched(world)
    } else {
        split(world)
    };
    let ground = &mut ground;
    match op {
        "CreateCluster" => cluster::create(ecs, input, ground),
        "DescribeClusters" => cluster::describe(ecs, input, ground),
        "ListClusters" => cluster::list(ecs, input),
        "UpdateCluster" | "UpdateClusterSettings" => cluster::update(ecs, input),
        "PutClusterCapacityProviders" => capacity::put(ecs, input),
        "DescribeCapacityProviders" => capacity::describe(ecs, input, ground),
        "DeleteCluster" => cluster::delete(ecs, input),
        "RegisterTaskDefinition" => task_definition::register(ecs, input, ground),
        "DescribeTaskDefinition" => task_definition::describe(ecs, input),
        "ListTaskDefinitions" => task_definition::list(ecs, input),
        "ListTaskDefinitionFamilies" => task_definition::families(ecs, input),
        "DeregisterTaskDefinition" => task_definition::deregister(ecs, input, ground),
        "DeleteTaskDefinitions" => task_definition::delete(ecs, input, ground),
        "CreateService" => service::create(ecs, input, ground),
        "UpdateService" => service::update(ecs, input, ground),
        "DescribeServices" => service::describe(ecs, input),
        "ListServices" => service::list(ecs, input),
        "DeleteService" => service::delete(ecs, input, ground),
        "ListServiceDeployments" => service_deployment::list(ecs, input),
        "DescribeServiceDeployments" => service_deployment::describe(ecs, input),
        "DescribeServiceRevisions" => service_revision::describe(ecs, input),
        "ContinueServiceDeployment" => native::resume(ecs, input),
        "StopServiceDeployment" => service_deployment::stop(ecs, input, ground.now),
        "ExecuteCommand" => task_operations::execute(ecs, input),
        "GetTaskProtection" => protection::get(ecs, input, ground),
        "UpdateTaskProtection" => protection::update(ecs, input, ground),
        "CreateTaskSet" => task_set::create(ecs, input, ground),
        "UpdateTaskSet" => task_set::update(ecs, input, ground),
        "DeleteTaskSet" => task_set::delete(ecs, input, ground),
        "DescribeTaskSets" => task_set::describe(ecs, input),
        "UpdateServicePrimaryTaskSet" => task_set::promote(ecs, input, ground),
        "RunTask" => run_task::run(ecs, input, ground),
        "ListTasks" => task_operations::list(ecs, input),
        "DescribeTasks" => task_operations::describe(ecs, input, ground),
        "StopTask" => task_operations::stop(ecs, input, ground),
        "ListContainerInstances" => instances::list_instances(ecs, input),
        "UpdateContainerInstancesState" => instances::update_state(ecs, input),
        "DescribeContainerInstances" => instances::describe_instances(ecs, input),
        "TagResource" => tags::tag(ecs, input),
        "UntagResource" => tags::untag(ecs, input),
        "ListTagsForResource" => tags::list(ecs, input),
        _ => Err(ApiError::not_modelled("ecs", op)),
    }
}

/// One second has passed: tasks live, services are scheduled, and once a minute what is old is forgotten.
pub fn tick(world: &mut World) {
    let (ecs, mut ground) = untouched(world);
    let touched = ecs.touched;
    let names: Vec<String> = ecs.clusters.keys().cloned().collect();
    for name in &names {
        let Some((services, mut fleet)) = ecs.fleet(name) else {
            continue;
        };
        let mut news: BTreeMap<String, Vec<Heard>> = BTreeMap::new();
        fleet.live(&mut ground, |id, task, item| {
            if let Some((service, deployment)) = task.service() {
                news.entry(service.to_owned())
                    .or_default()
                    .push((id.to_owned(), deployment, item));
            }
        });
        for (name, service) in services
            .iter_mut()
            .filter(|(_, service)| service.status != Status::Inactive)
        {
            let heard = news.remove(name).unwrap_or_default();
            if heard.is_empty() && service.rest.lasts(touched, &ground) {
                continue;
            }
            scheduler::pass(service, heard, &mut fleet, &mut ground);
            service.rest(touched, &fleet, &ground);
        }
    }
    if ground.now.since(Time::default()).millis() % 60_000 == 0 {
        forget(ecs, ground.now);
    }
}

fn forget(ecs: &mut Ecs, now: Time) {
    let is_kept = |stopped: Option<Time>| {
        stopped.is_none_or(|at| now.since(at) <= defaults::STOPPED_TASKS_VISIBLE)
    };
    for cluster in ecs.clusters.values_mut() {
        cluster.tasks.retain(|_, task| is_kept(task.times.stopped));
    }
    ecs.purge_definitions();
}

/// What a health check of this target gets: `id` is an address, or an EC2 instance; `port` is where the check goes.
pub fn probe(ecs: &Ecs, _apps: &Apps, now: Time, id: &str, port: u16) -> Probe {
    match reach(ecs, now, id, port) {
        Reach::App(app) => Probe::Answered(app.health_status),
        Reach::Refused => Probe::Refused,
        Reach::Hangs => Probe::TimedOut,
    }
}

/// What a request to this target meets.
pub fn reach<'a>(ecs: &'a Ecs, now: Time, id: &str, port: u16) -> Reach<'a> {
    let Some(task) = task_at(ecs, id, port) else {
        return Reach::Refused;
    };
    let listens = |container: &&Container| container.ports.iter().any(|found| found.host == port);
    let by_port = task.containers.iter().find(listens);
    let app = by_port.or_else(|| task.containers.iter().find(|container| container.essential));
    let is_up = (Step::Running..=Step::Stopping).contains(&task.step);
    let (Some(container), Some(up), true) = (app, task.up(now), is_up) else {
        return Reach::Refused;
    };
    let app = &container.behaviour;
    if container.exit.is_some() || up < app.ready_after {
        Reach::Refused
    } else if app.hang_after.is_some_and(|after| after <= up) {
        Reach::Hangs
    } else {
        Reach::App(app)
    }
}

/// The task behind a target. One with an address of its own may listen on ports that its definition does not map.
fn task_at<'a>(ecs: &'a Ecs, id: &str, port: u16) -> Option<&'a Task> {
    let exact = ecs.endpoints.get(&(id.to_owned(), port));
    let ports = (id.to_owned(), 0)..=(id.to_owned(), u16::MAX);
    let any = || ecs.endpoints.range(ports).map(|(_, place)| place).next();
    let (cluster, task) = match exact {
        Some(place) => place,
        None if id.starts_with("i-") => return None,
        None => any()?,
    };
    ecs.clusters.get(cluster)?.tasks.get(task)
}
