//! Container instances: what they have, and the operations that show and drain them.

use serde_json::{Value, json};

use crate::sandbox::ecs::document::{Document, filled, last_part, text, texts};
use crate::sandbox::ecs::paging;
use crate::sandbox::ecs::placement::{load, read_query};
use crate::sandbox::ecs::query::Facts;
use crate::sandbox::ecs::refuse;
use crate::sandbox::ecs::state::{Cluster, Ecs};
use crate::sandbox::{ApiError, Time};

/// An EC2 instance that has joined a cluster.
#[derive(Clone, Debug)]
pub struct Instance {
    /// 32 hexadecimal digits.
    pub id: String,
    pub arn: String,
    pub ec2_id: String,
    pub kind: String,
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

impl Instance {
    /// Its attributes, by name.
    pub fn attributes(&self) -> [(&str, String); 4] {
        [
            ("ecs.availability-zone", self.zone.clone()),
            ("ecs.instance-type", self.kind.clone()),
            ("ecs.os-type", "linux".to_owned()),
            ("ecs.cpu-architecture", "x86_64".to_owned()),
        ]
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
    let attributes: Vec<Value> = instance
        .attributes()
        .into_iter()
        .map(|(name, value)| json!({ "name": name, "value": value }))
        .collect();
    json!({
        "containerInstanceArn": instance.arn,
        "ec2InstanceId": instance.ec2_id,
        "version": 1,
        "versionInfo": { "agentVersion": "1.98.0", "agentHash": "00000000", "dockerVersion": "DockerVersion: 25.0.8" },
        "remainingResources": resources(instance.cpu.saturating_sub(load.cpu), instance.memory.saturating_sub(load.memory), &load.ports),
        "registeredResources": resources(instance.cpu, instance.memory, &[]),
        "status": instance.status.text(),
        "agentConnected": true,
        "runningTasksCount": load.running,
        "pendingTasksCount": load.pending,
        "attributes": attributes,
        "registeredAt": instance.registered_at.epoch_seconds(),
        "attachments": [],
        "tags": [],
    })
}

/// ListContainerInstances.
pub fn list_instances(ecs: &mut Ecs, input: &Document) -> Result<Value, ApiError> {
    let filter = filled(input, "filter").map(|text| read_query(text, "ListContainerInstances"));
    let filter = filter.transpose()?;
    let wanted = text(input, "status");
    let cluster = ecs.cluster(input)?;
    let chosen = cluster
        .instances
        .values()
        .filter(|instance| wanted.is_none_or(|status| status == instance.status.text()))
        .filter(|instance| {
            let tasks = &cluster.tasks;
            let facts = Facts { instance, tasks };
            filter.as_ref().is_none_or(|filter| filter.holds(facts))
        });
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
        let Some(instance) = cluster.instances.get(last_part(name)) else {
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

/// UpdateContainerInstancesState: at most 10. The services' schedulers move the tasks off an instance that drains.
pub fn update_state(ecs: &mut Ecs, input: &Document) -> Result<Value, ApiError> {
    let names: Vec<&str> = texts(input, "containerInstances").collect();
    if names.is_empty() || names.len() > 10 {
        return Err(refuse::invalid(
            "Container instances must have between 1 and 10 items.",
        ));
    }
    let status = match text(input, "status") {
        Some("ACTIVE") => InstanceStatus::Active,
        Some("DRAINING") => InstanceStatus::Draining,
        _ => {
            return Err(refuse::invalid(
                "Container instance status must be one of [ACTIVE, DRAINING].",
            ));
        }
    };
    let cluster = ecs.cluster(input)?;
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for name in names {
        let id = last_part(name);
        if let Some(instance) = cluster.instances.get_mut(id) {
            instance.status = status;
            found.push(answer(&cluster.instances[id], cluster));
        } else {
            failures.push(json!({ "arn": name, "reason": "MISSING" }));
        }
    }
    Ok(json!({ "containerInstances": found, "failures": failures }))
}
