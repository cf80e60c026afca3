//! Container instances: their capacity, and which of them takes a task.
//!
//! Source: ECS developer guide, "task placement"; the events' reasons are those of published event dumps.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::sandbox::ecs::document::{Document, list, object, objects, text, texts, whole};
use crate::sandbox::ecs::paging;
use crate::sandbox::ecs::refuse;
use crate::sandbox::ecs::state::{Cluster, Ecs};
use crate::sandbox::ecs::task::{Step, Task};
use crate::sandbox::ecs::task_definition::Revision;
use crate::sandbox::{ApiError, Time};

/// An EC2 instance that has joined a cluster.
#[derive(Clone, Debug)]
pub struct Instance {
    /// 32 hexadecimal digits.
    pub id: String,
    pub arn: String,
    pub ec2_id: String,
    pub instance_type: String,
    pub zone: String,
    /// CPU units.
    pub cpu: u64,
    /// MiB.
    pub memory: u64,
    pub status: InstanceStatus,
    pub registered_at: Time,
    pub tags: Vec<Value>,
    /// The last dynamic host port given out.
    pub last_port: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstanceStatus {
    Active,
    Draining,
}

impl InstanceStatus {
    fn text(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Draining => "DRAINING",
        }
    }
}

/// What a task takes from an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    pub cpu: u64,
    pub memory: u64,
    /// Fixed host ports.
    pub ports: Vec<u16>,
}

/// Why no instance took a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unplaced {
    /// RunTask's `failures[].reason`.
    pub code: &'static str,
    /// The middle of the service event.
    pub closest: String,
}

/// The placement members of a service, or of RunTask.
#[derive(Clone, Debug, Default)]
pub struct Placement {
    pub is_distinct: bool,
    /// `(type, field)`, in order.
    pub strategy: Vec<(String, String)>,
}

impl Placement {
    /// Reads `placementConstraints` and `placementStrategy`.
    pub fn read(of: &Document) -> Self {
        let of_type = |item: &Document| text(item, "type").unwrap_or_default().to_owned();
        let field = |item: &Document| text(item, "field").unwrap_or_default().to_ascii_lowercase();
        Self {
            is_distinct: objects(of, "placementConstraints")
                .any(|item| of_type(item) == "distinctInstance"),
            strategy: objects(of, "placementStrategy")
                .map(|item| (of_type(item), field(item)))
                .collect(),
        }
    }
}

impl Needs {
    /// Task-level sizes, or the sum over the containers (reservation before limit).
    pub fn of(definition: &Revision) -> Self {
        let sum = |key: &str, instead: &str| -> u64 {
            let of = |container: &Document| {
                whole(container, key)
                    .or_else(|| whole(container, instead))
                    .unwrap_or(0)
            };
            definition
                .containers()
                .map(of)
                .filter_map(|n| u64::try_from(n).ok())
                .sum()
        };
        let task = |key: &str| text(&definition.document, key).and_then(|size| size.parse().ok());
        let fixed = |container: &Document| -> Vec<u16> {
            objects(container, "portMappings")
                .filter_map(|port| {
                    whole(port, "hostPort").and_then(|port| u16::try_from(port).ok())
                })
                .filter(|&port| port != 0)
                .collect()
        };
        let has_own_interface = definition.network_mode() == "awsvpc";
        Self {
            cpu: task("cpu").unwrap_or_else(|| sum("cpu", "cpu")),
            memory: task("memory").unwrap_or_else(|| sum("memoryReservation", "memory")),
            ports: if has_own_interface {
                Vec::new()
            } else {
                definition.containers().flat_map(fixed).collect()
            },
        }
    }
}

/// What the tasks on one instance hold.
#[derive(Clone, Debug, Default)]
struct Load {
    cpu: u64,
    memory: u64,
    ports: Vec<u16>,
    running: usize,
    pending: usize,
    /// Tasks of the group that is being placed.
    of_group: usize,
}

fn load(instance: &Instance, tasks: &BTreeMap<String, Task>, group: &str) -> Load {
    let mut load = Load::default();
    for task in tasks
        .values()
        .filter(|task| task.instance.as_deref() == Some(&instance.id))
    {
        if !task.holds_resources() {
            continue;
        }
        load.cpu += task.holds.cpu;
        load.memory += task.holds.memory;
        load.ports.extend(&task.holds.ports);
        load.running += usize::from(task.step >= Step::Running);
        load.pending += usize::from(task.step < Step::Running);
        load.of_group +=
            usize::from(task.is_wanted() && text(&task.document, "group") == Some(group));
    }
    load
}

/// The instance for one more task of `group`.
pub fn place(
    instances: &BTreeMap<String, Instance>,
    tasks: &BTreeMap<String, Task>,
    group: &str,
    needs: &Needs,
    placement: &Placement,
) -> Result<String, Unplaced> {
    let active = instances
        .values()
        .filter(|instance| instance.status == InstanceStatus::Active);
    let loads: Vec<(&Instance, Load)> = active
        .map(|instance| (instance, load(instance, tasks, group)))
        .collect();
    let fits: Vec<&(&Instance, Load)> = loads
        .iter()
        .filter(|(instance, load)| lack(instance, load, needs, placement).is_none())
        .collect();
    let in_zone = |zone: &str| -> usize {
        loads
            .iter()
            .filter(|(instance, _)| instance.zone == zone)
            .map(|(_, load)| load.of_group)
            .sum()
    };
    let rank = |(instance, load): &(&Instance, Load)| -> Vec<u64> {
        let key = |(kind, field): &(String, String)| match (kind.as_str(), field.as_str()) {
            ("binpack", "cpu") => instance.cpu - load.cpu,
            ("binpack", _) => instance.memory - load.memory,
            ("spread", "instanceid" | "host") => load.of_group as u64,
            ("spread", _) => in_zone(&instance.zone) as u64,
            _ => 0,
        };
        // Without a strategy a service spreads over zones; what is left to chance on AWS is evened out here.
        let usual = [in_zone(&instance.zone) as u64, load.of_group as u64];
        placement.strategy.iter().map(key).chain(usual).collect()
    };
    match fits
        .into_iter()
        .min_by_key(|candidate| (rank(candidate), &candidate.0.id))
    {
        Some((instance, _)) => Ok(instance.id.clone()),
        None => Err(closest(&loads, needs, placement)),
    }
}

/// What the instance lacks: RunTask's reason, and the words of the service event.
fn lack(
    instance: &Instance,
    load: &Load,
    needs: &Needs,
    placement: &Placement,
) -> Option<(&'static str, &'static str)> {
    if load.memory + needs.memory > instance.memory {
        Some(("RESOURCE:MEMORY", "has insufficient memory available."))
    } else if load.cpu + needs.cpu > instance.cpu {
        Some(("RESOURCE:CPU", "has insufficient CPU units available."))
    } else if needs.ports.iter().any(|port| load.ports.contains(port)) {
        Some((
            "RESOURCE:PORTS",
            "is already using a port required by your task.",
        ))
    } else if placement.is_distinct && load.of_group > 0 {
        Some(("LOCATION", "does not meet the distinctInstance constraint.")) // the sentence is ours
    } else {
        None
    }
}

fn closest(loads: &[(&Instance, Load)], needs: &Needs, placement: &Placement) -> Unplaced {
    let freest = loads
        .iter()
        .max_by_key(|(instance, load)| instance.memory.saturating_sub(load.memory));
    let Some((instance, load)) = freest else {
        return Unplaced {
            code: "EMPTY",
            closest: "Reason: No Container Instances were found in your cluster.".to_owned(),
        };
    };
    let (code, words) =
        lack(instance, load, needs, placement).unwrap_or(("AGENT", "is not available."));
    Unplaced {
        code,
        closest: format!(
            "The closest matching (container-instance {}) {words}",
            instance.id
        ),
    }
}

fn answer(instance: &Instance, cluster: &Cluster) -> Value {
    let load = load(instance, &cluster.tasks, "");
    let resources = |cpu: u64, memory: u64, ports: &[u16]| {
        let used: Vec<String> = [22, 2375, 2376, 51678, 51679]
            .iter()
            .chain(ports)
            .map(u16::to_string)
            .collect();
        json!([
            { "name": "CPU", "type": "INTEGER", "doubleValue": 0.0, "longValue": 0, "integerValue": cpu },
            { "name": "MEMORY", "type": "INTEGER", "doubleValue": 0.0, "longValue": 0, "integerValue": memory },
            { "name": "PORTS", "type": "STRINGSET", "doubleValue": 0.0, "longValue": 0, "integerValue": 0, "stringSetValue": used },
            { "name": "PORTS_UDP", "type": "STRINGSET", "doubleValue": 0.0, "longValue": 0, "integerValue": 0, "stringSetValue": [] },
        ])
    };
    json!({
        "containerInstanceArn": instance.arn,
        "ec2InstanceId": instance.ec2_id,
        "version": 1,
        "versionInfo": { "agentVersion": "1.98.0", "agentHash": "00000000", "dockerVersion": "DockerVersion: 25.0.8" },
        "remainingResources": resources(instance.cpu - load.cpu, instance.memory - load.memory, &load.ports),
        "registeredResources": resources(instance.cpu, instance.memory, &[]),
        "status": instance.status.text(),
        "agentConnected": true,
        "runningTasksCount": load.running,
        "pendingTasksCount": load.pending,
        "attributes": [
            { "name": "ecs.availability-zone", "value": instance.zone },
            { "name": "ecs.instance-type", "value": instance.instance_type },
            { "name": "ecs.os-type", "value": "linux" },
            { "name": "ecs.cpu-architecture", "value": "x86_64" },
        ],
        "registeredAt": instance.registered_at.epoch_seconds(),
        "attachments": [],
        "tags": [],
    })
}

/// ListContainerInstances.
pub fn list_instances(ecs: &mut Ecs, input: &Document) -> Result<Value, ApiError> {
    if text(input, "filter").is_some() {
        return Err(ApiError::part_not_modelled(
            "ecs",
            "ListContainerInstances",
            "member filter",
        ));
    }
    let wanted = text(input, "status");
    let cluster = ecs.cluster(input)?;
    let chosen = cluster
        .instances
        .values()
        .filter(|instance| wanted.is_none_or(|status| status == instance.status.text()));
    let arns: Vec<Value> = chosen.map(|instance| json!(instance.arn)).collect();
    Ok(paging::page(arns, input, 100)?.answer("containerInstanceArns"))
}

/// DescribeContainerInstances: at most 100.
pub fn describe_instances(ecs: &mut Ecs, input: &Document) -> Result<Value, ApiError> {
    let names: Vec<&str> = texts(input, "containerInstances").collect();
    if names.is_empty() {
        return Err(refuse::invalid("Container instances cannot be empty."));
    }
    if names.len() > 100 {
        return Err(refuse::invalid(
            "Container instances can have at most 100 items.",
        ));
    }
    let shows_tags = texts(input, "include").any(|one| one == "TAGS");
    let cluster = ecs.cluster(input)?;
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for name in names {
        let Some(instance) = cluster
            .instances
            .get(crate::sandbox::ecs::document::last_part(name))
        else {
            failures.push(json!({ "arn": name, "reason": "MISSING" }));
            continue;
        };
        let mut one = answer(instance, cluster);
        if shows_tags {
            one["tags"] = json!(instance.tags);
        }
        found.push(one);
    }
    Ok(json!({ "containerInstances": found, "failures": failures }))
}

/// Refuses constraints that the sandbox cannot judge, rather than ignoring them.
pub fn check_placement(of: &Document, operation: &str) -> Result<(), ApiError> {
    let is_known = |item: &Document| text(item, "type") == Some("distinctInstance");
    if objects(of, "placementConstraints").all(|item| is_known(item)) {
        return Ok(());
    }
    Err(ApiError::part_not_modelled(
        "ecs",
        operation,
        "placementConstraints other than distinctInstance",
    ))
}

/// Whether a network configuration names subnets.
pub fn has_subnets(of: &Document) -> bool {
    object(of, "networkConfiguration")
        .and_then(|network| object(network, "awsvpcConfiguration"))
        .is_some_and(|awsvpc| !list(awsvpc, "subnets").is_empty())
}
