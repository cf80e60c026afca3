//! Clusters: CreateCluster, DescribeClusters, ListClusters, DeleteCluster.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::sandbox::ApiError;
use crate::sandbox::ecs::document::{
    Document, default_to, filled, last_part, text, texts, without_nulls,
};
use crate::sandbox::ecs::paging;
use crate::sandbox::ecs::refuse;
use crate::sandbox::ecs::service::Status;
use crate::sandbox::ecs::state::{Cluster, Ecs, Ground};
use crate::sandbox::ecs::tags;
use crate::sandbox::ecs::task::Step;

/// Members that DescribeClusters shows only where `include` asks for them, and the name that it asks by.
const ON_REQUEST: [(&str, &str); 4] = [
    ("settings", "SETTINGS"),
    ("configuration", "CONFIGURATIONS"),
    ("attachments", "ATTACHMENTS"),
    ("statistics", "STATISTICS"),
];

/// CreateCluster. A cluster that is there already is answered as it is.
pub fn create(ecs: &mut Ecs, input: &Document, ground: &Ground<'_>) -> Result<Value, ApiError> {
    let name = filled(input, "clusterName").unwrap_or("default").to_owned();
    let legal = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    if name.len() > 255 || !name.chars().all(legal) {
        return Err(refuse::invalid(format!("Invalid cluster name '{name}'.")));
    }
    let tags = tags::read(input)?;
    if !ecs
        .clusters
        .get(&name)
        .is_some_and(|cluster| cluster.active)
    {
        let cluster = Cluster {
            arn: ground.arn(&format!("cluster/{name}")),
            name: name.clone(),
            active: true,
            document: with_defaults(input),
            tags,
            services: BTreeMap::new(),
            tasks: BTreeMap::new(),
            groups: BTreeMap::new(),
            instances: BTreeMap::new(),
            receipts: BTreeMap::new(),
        };
        ecs.clusters.insert(name.clone(), cluster);
    }
    Ok(json!({ "cluster": ecs.clusters[&name].answer(&["SETTINGS", "CONFIGURATIONS", "TAGS"]) }))
}

fn with_defaults(input: &Document) -> Document {
    let mut document = match without_nulls(&Value::Object(input.clone())) {
        Value::Object(members) => members,
        _ => Document::new(),
    };
    for key in ["clusterName", "tags"] {
        document.shift_remove(key);
    }
    default_to(
        &mut document,
        "settings",
        || json!([{ "name": "containerInsights", "value": "disabled" }]),
    );
    default_to(&mut document, "capacityProviders", || json!([]));
    default_to(&mut document, "defaultCapacityProviderStrategy", || {
        json!([])
    });
    document
}

impl Cluster {
    pub fn answer(&self, include: &[&str]) -> Value {
        let mut answer = self.document.clone();
        for (key, asked) in ON_REQUEST {
            if !include.contains(&asked) {
                answer.shift_remove(key);
            }
        }
        let mut put = |key: &str, value: Value| answer.insert(key.to_owned(), value);
        let tasks = |test: &dyn Fn(Step) -> bool| {
            self.tasks.values().filter(|task| test(task.step)).count()
        };
        put("clusterArn", json!(self.arn));
        put("clusterName", json!(self.name));
        put(
            "status",
            json!(if self.active { "ACTIVE" } else { "INACTIVE" }),
        );
        put(
            "registeredContainerInstancesCount",
            json!(self.instances.len()),
        );
        put(
            "runningTasksCount",
            json!(tasks(&|step| step == Step::Running)),
        );
        put(
            "pendingTasksCount",
            json!(tasks(&|step| step < Step::Running)),
        );
        let active = self
            .services
            .values()
            .filter(|service| service.status == Status::Active)
            .count();
        put("activeServicesCount", json!(active));
        put("statistics", json!([]));
        put(
            "tags",
            if include.contains(&"TAGS") {
                json!(self.tags)
            } else {
                json!([])
            },
        );
        if !include.contains(&"SETTINGS") {
            put("settings", json!([]));
        }
        Value::Object(answer)
    }
}

/// DescribeClusters: at most 100; `default` if none is named.
pub fn describe(ecs: &mut Ecs, input: &Document, ground: &Ground<'_>) -> Result<Value, ApiError> {
    let mut names: Vec<&str> = texts(input, "clusters").collect();
    if names.is_empty() {
        names.push("default");
    }
    if names.len() > 100 {
        return Err(refuse::invalid("Clusters can have at most 100 items."));
    }
    let include: Vec<&str> = texts(input, "include").collect();
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for name in names {
        match ecs.clusters.get(last_part(name)) {
            Some(cluster) => found.push(cluster.answer(&include)),
            None => failures.push(json!({ "arn": ground.arn(&format!("cluster/{}", last_part(name))), "reason": "MISSING" })),
        }
    }
    Ok(json!({ "clusters": found, "failures": failures }))
}

/// ListClusters: active ones.
pub fn list(ecs: &mut Ecs, input: &Document) -> Result<Value, ApiError> {
    let active = ecs.clusters.values().filter(|cluster| cluster.active);
    Ok(paging::page(active.map(|cluster| json!(cluster.arn)), input, 100)?.answer("clusterArns"))
}

/// UpdateCluster, and UpdateClusterSettings, which takes only `settings`: members that are given replace what was there.
pub fn update(ecs: &mut Ecs, input: &Document) -> Result<Value, ApiError> {
    if filled(input, "cluster").is_none() {
        return Err(refuse::invalid("Cluster should not be null or empty."));
    }
    let cluster = ecs.cluster(input)?;
    let Value::Object(given) = without_nulls(&Value::Object(input.clone())) else {
        return Err(refuse::invalid("Input should not be null."));
    };
    let changes = given.into_iter().filter(|(key, _)| key != "cluster");
    cluster.document.extend(changes);
    Ok(json!({ "cluster": cluster.answer(&["SETTINGS", "CONFIGURATIONS"]) }))
}

/// DeleteCluster: it must be empty.
pub fn delete(ecs: &mut Ecs, input: &Document) -> Result<Value, ApiError> {
    let name = text(input, "cluster")
        .ok_or_else(|| refuse::invalid("Cluster should not be null or empty."))?;
    let cluster = ecs
        .clusters
        .get_mut(last_part(name))
        .filter(|cluster| cluster.active)
        .ok_or_else(refuse::no_cluster)?;
    let refusal = |code: &str, what: &str| {
        Err(ApiError::client(
            code,
            format!("The Cluster cannot be deleted while {what}."),
        ))
    };
    if cluster
        .services
        .values()
        .any(|service| service.status == Status::Active)
    {
        return refusal("ClusterContainsServicesException", "Services are active");
    }
    if cluster
        .tasks
        .values()
        .any(|task| task.step != Step::Stopped)
    {
        return refusal("ClusterContainsTasksException", "Tasks are active");
    }
    if !cluster.instances.is_empty() {
        return refusal(
            "ClusterContainsContainerInstancesException",
            "Container Instances are active or draining",
        );
    }
    cluster.active = false;
    Ok(json!({ "cluster": cluster.answer(&[]) }))
}
