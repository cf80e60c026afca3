//! From the live service to a world file in which it stands again.
//!
//! **Invariants:** only reads. Whatever could not be read or carried over is named among the assumptions; nothing is
//! quietly left out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::code_deploy;
use super::images::{self, Pace};
use super::service::service_entry;
use super::traffic::traffic;
use crate::adapters::aws::{Aws, Routing};
use crate::core::id::{ServiceKey, TargetGroupArn};
use crate::core::live::{Service, Task};
use crate::core::plan::Survey;
use crate::core::rollout::{Facet, Fault, Seen, Watch};
use crate::core::taskdef::{Described, TaskDefinition};
use crate::ports::Cloud as _;

/// A world file, and what it takes for granted.
#[derive(Clone, Debug, PartialEq)]
pub struct Copy {
    pub world: Map<String, Value>,
    pub assumed: Vec<String>,
}

/// Copies what a rollout of the service meets.
pub async fn copy(
    target: &ServiceKey,
    wanted: &TaskDefinition,
    survey: &Survey,
    aws: &Aws,
) -> Result<Copy, Fault> {
    let service = &survey.service;
    let mut groups = target_groups(service);
    if let Some(found) = &survey.code_deploy {
        groups.extend(aws.groups_named(&found.group.target_groups()).await?);
    }
    let routing = aws.routing(&groups).await?;
    let mut assumed: Vec<String> = Vec::new();
    assumed.extend(
        routing
            .left_out
            .iter()
            .map(|what| format!("left out: {what}")),
    );
    let tasks = running_tasks(target, aws, &mut assumed).await;
    let pace = Pace::measured(&tasks);
    assumed.push(pace.assumption());
    let arn = service.arn().splitn(6, ':').collect::<Vec<_>>();
    let part = |at: usize| arn.get(at).copied().unwrap_or_default();
    let (region, account) = (part(3), part(4));
    let documents: Vec<&TaskDefinition> = std::iter::once(&survey.running)
        .chain(&survey.latest)
        .map(|known| &known.definition)
        .chain([wanted])
        .collect();
    let mut world = Map::new();
    let mut put = |section: &str, value: Value| world.insert(section.to_owned(), value);
    put("account", json!(account));
    put("region", json!(region));
    put("subnets", subnets(&routing, &tasks));
    put("targetGroups", json!(routing.target_groups));
    put("loadBalancers", json!(routing.load_balancers));
    put("listeners", json!(routing.listeners));
    put("rules", json!(routing.rules));
    let (repositories, others) = images::sections(&documents, account, region, &pace);
    put("repositories", repositories);
    put("images", others);
    let cluster = target.cluster.short();
    put("clusters", json!([{ "clusterName": cluster }]));
    put(
        "containerInstances",
        instances(target, service, &tasks, aws, &mut assumed).await,
    );
    put("taskDefinitions", task_definitions(survey));
    put(
        "services",
        json!([service_entry(cluster, service, &mut assumed)]),
    );
    if let Some(found) = &survey.code_deploy {
        put(
            "codeDeploy",
            code_deploy::section(&found.group, &mut assumed),
        );
    }
    put("traffic", traffic(&routing, service, &mut assumed));
    Ok(Copy { world, assumed })
}

/// The service's target groups, of its task sets and of its other revision too.
fn target_groups(service: &Service) -> Vec<TargetGroupArn> {
    let mut found: BTreeSet<TargetGroupArn> = service.target_groups().into_iter().collect();
    found.extend(service.alternate_target_groups());
    let sets = service.as_value()["taskSets"]
        .as_array()
        .into_iter()
        .flatten();
    let balancers = sets.flat_map(|set| set["loadBalancers"].as_array().into_iter().flatten());
    found.extend(
        balancers
            .filter_map(|balancer| balancer["targetGroupArn"].as_str())
            .map(TargetGroupArn::new),
    );
    found.into_iter().collect()
}

async fn running_tasks(target: &ServiceKey, aws: &Aws, assumed: &mut Vec<String>) -> Vec<Task> {
    let mut seen = aws
        .observe(&Watch::from([Facet::RunningTasks(target.clone())]))
        .await;
    match std::mem::take(&mut seen.running_tasks) {
        Seen::Is(tasks) => tasks,
        Seen::Unreadable(fault) => {
            assumed.push(format!("the running tasks could not be read ({fault})"));
            Vec::new()
        }
        Seen::Absent | Seen::NotAsked => Vec::new(),
    }
}

fn subnets(routing: &Routing, tasks: &[Task]) -> Value {
    let mut found: BTreeMap<String, Value> = BTreeMap::new();
    for (subnet, zone, vpc) in &routing.subnets {
        found.insert(
            subnet.clone(),
            json!({"AvailabilityZone": zone, "VpcId": vpc}),
        );
    }
    for task in tasks {
        let task = task.as_value();
        let details = task["attachments"].as_array().into_iter().flatten();
        let subnet = details
            .flat_map(|attachment| attachment["details"].as_array().into_iter().flatten())
            .find(|detail| detail["name"] == "subnetId")
            .and_then(|detail| detail["value"].as_str());
        if let (Some(subnet), Some(zone)) = (subnet, task["availabilityZone"].as_str()) {
            found
                .entry(subnet.to_owned())
                .or_insert_with(|| json!({ "AvailabilityZone": zone }));
        }
    }
    json!(found)
}

/// The running revision and, if it is another, the newest of the wanted family, each with its number.
fn task_definitions(survey: &Survey) -> Value {
    let mut known: Vec<&Described> = vec![&survey.running];
    known.extend(
        survey
            .latest
            .iter()
            .filter(|latest| latest.arn != survey.running.arn),
    );
    known.sort_by_key(|described| described.revision);
    let entries: Vec<Value> = known
        .into_iter()
        .map(|described| {
            let mut entry = described.definition.to_value();
            entry["revision"] = json!(described.revision.0);
            entry
        })
        .collect();
    json!(entries)
}

/// The cluster's instances, each as large as what is free on it and what the service has there already.
async fn instances(
    target: &ServiceKey,
    service: &Service,
    tasks: &[Task],
    aws: &Aws,
    assumed: &mut Vec<String>,
) -> Value {
    let on_instances = tasks
        .iter()
        .any(|task| task.as_value()["containerInstanceArn"].is_string());
    if !on_instances && service.launch_type() != "EC2" {
        return json!([]);
    }
    let found = match aws.container_instances(&target.cluster).await {
        Ok(found) => found,
        Err(fault) => {
            assumed.push(format!(
                "the container instances could not be read ({fault})"
            ));
            return json!([]);
        }
    };
    assumed.push(
        "container instances have the room that they have now: nothing scales them".to_owned(),
    );
    let entries: Vec<Value> = found
        .iter()
        .map(|instance| {
            let ours = |member: &str| -> u64 {
                let here = tasks
                    .iter()
                    .map(Task::as_value)
                    .filter(|task| task["containerInstanceArn"] == instance["containerInstanceArn"]);
                here.filter_map(|task| task[member].as_str()?.parse::<u64>().ok()).sum()
            };
            json!({
                "cluster": target.cluster.short(),
                "ec2InstanceId": instance["ec2InstanceId"],
                "instanceType": attribute(instance, "ecs.instance-type").unwrap_or("unknown"),
                "availabilityZone": attribute(instance, "ecs.availability-zone").unwrap_or("unknown"),
                "cpu": remaining(instance, "CPU") + ours("cpu"),
                "memory": remaining(instance, "MEMORY") + ours("memory"),
            })
        })
        .collect();
    json!(entries)
}

fn attribute<'a>(instance: &'a Value, name: &str) -> Option<&'a str> {
    let mut attributes = instance["attributes"].as_array().into_iter().flatten();
    attributes.find(|attribute| attribute["name"] == name)?["value"].as_str()
}

fn remaining(instance: &Value, name: &str) -> u64 {
    let mut resources = instance["remainingResources"]
        .as_array()
        .into_iter()
        .flatten();
    let found = resources.find(|resource| resource["name"] == name);
    found
        .and_then(|resource| resource["integerValue"].as_u64())
        .unwrap_or_default()
}
