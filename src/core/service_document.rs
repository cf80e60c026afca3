//! The part of a service that a file manages: the members that stand in the file, and no others.
//!
//! Ownership is by mention. What the file does not name is somebody else's (Terraform's, autoscaling's), is never compared
//! and never sent; within a member that it names, the same holds for the members of that.
//! **Invariant:** a member that UpdateService cannot change is refused where it differs, never left out quietly.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::diff::names;
use super::id::ServiceKey;
use super::live::Service;
use super::taskdef::{Finding, unknown};

/// What UpdateService takes, beside what a rollout decides itself (`taskDefinition`, `desiredCount`,
/// `forceNewDeployment`). Source: the ECS API's UpdateServiceRequest.
pub const UPDATABLE: [&str; 16] = [
    "capacityProviderStrategy",
    "deploymentConfiguration",
    "availabilityZoneRebalancing",
    "networkConfiguration",
    "placementConstraints",
    "placementStrategy",
    "platformVersion",
    "healthCheckGracePeriodSeconds",
    "enableExecuteCommand",
    "enableECSManagedTags",
    "loadBalancers",
    "propagateTags",
    "serviceRegistries",
    "serviceConnectConfiguration",
    "volumeConfigurations",
    "vpcLatticeConfigurations",
];

/// May stand in the file, as a statement of what the service is: only a new service could have another value.
const FIXED: [&str; 4] = [
    "launchType",
    "schedulingStrategy",
    "deploymentController",
    "role",
];

/// Stands in files of other tools, and is this tool's or another's to decide.
const LEFT_TO: [(&str, &str); 4] = [
    (
        "taskDefinition",
        "it is the task definition of this rollout",
    ),
    (
        "desiredCount",
        "it is left to autoscaling; --desired-count sets it once",
    ),
    ("tags", "UpdateService does not change a service's tags"),
    ("clientToken", "it belongs to a call, not to a service"),
];

/// What else CreateServiceRequest and UpdateServiceRequest have, by the ECS API.
const ELSE_KNOWN: [&str; 4] = ["cluster", "serviceName", "gatewayConnectors", "monitoring"];

/// A managed service document: CreateService's members, some of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ServiceDocument(Map<String, Value>);

/// Why a document cannot manage a service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceDocumentError {
    #[error("a service document must be an object, not {found}")]
    NotAnObject { found: &'static str },
    #[error("the service document may not say {member}: {why}")]
    NotHere { member: String, why: String },
    #[error("the service document says {member} {wanted}, and the service is {live}")]
    AnotherService {
        member: &'static str,
        wanted: String,
        live: String,
    },
    #[error("{member} of a service cannot be changed from {live} to {wanted}")]
    Fixed {
        member: &'static str,
        live: Box<Value>,
        wanted: Box<Value>,
    },
}

impl ServiceDocument {
    /// Takes a document whose every member can be managed.
    pub fn read(document: Value) -> Result<Self, ServiceDocumentError> {
        let Value::Object(members) = document else {
            let found = kind(&document);
            return Err(ServiceDocumentError::NotAnObject { found });
        };
        for (member, why) in LEFT_TO {
            if members.contains_key(member) {
                return Err(ServiceDocumentError::NotHere {
                    member: member.to_owned(),
                    why: why.to_owned(),
                });
            }
        }
        Ok(Self(members))
    }

    /// Warnings of members that no one knows, which are sent all the same.
    pub fn unknown(&self) -> Vec<Finding> {
        let known: Vec<&str> = UPDATABLE
            .iter()
            .chain(&FIXED)
            .chain(&ELSE_KNOWN)
            .copied()
            .collect();
        unknown(&self.0, "service.", &known)
    }

    /// What is there and what is wanted, each with just the members that the document names.
    pub fn compared(&self, service: &Service) -> (Value, Value) {
        let (mut live, mut wanted) = (Map::new(), Map::new());
        for (name, value) in self.managed() {
            let there = project(name, live_member(service, name), value);
            if !there.is_null() {
                live.insert(name.to_owned(), there);
            }
            wanted.insert(name.to_owned(), value.clone());
        }
        (Value::Object(live), Value::Object(wanted))
    }

    /// The members that differ: what UpdateService gets, and what the service has in their place. A member of the
    /// service that is absent is put back as its empty form.
    pub fn changes(
        &self,
        target: &ServiceKey,
        service: &Service,
    ) -> Result<Settings, ServiceDocumentError> {
        self.check(target, service)?;
        let mut settings = Settings::default();
        for (name, value) in self.managed() {
            let live = live_member(service, name);
            if project(name, live, value) != *value {
                settings.wanted.insert(name.to_owned(), over(live, value));
                settings
                    .before
                    .insert(name.to_owned(), put_back(live, value));
            }
        }
        Ok(settings)
    }

    /// The members that UpdateService may get, and any that this program has never heard of.
    fn managed(&self) -> impl Iterator<Item = (&str, &Value)> {
        let named = self.0.iter().map(|(name, value)| (name.as_str(), value));
        named
            .filter(|(name, _)| !FIXED.contains(name) && !["cluster", "serviceName"].contains(name))
    }

    fn check(&self, target: &ServiceKey, service: &Service) -> Result<(), ServiceDocumentError> {
        let names = [
            ("serviceName", target.service.as_str()),
            ("cluster", target.cluster.short()),
        ];
        for (member, live) in names {
            let wanted = self.0.get(member).and_then(Value::as_str);
            if let Some(wanted) = wanted.filter(|wanted| last_part(wanted) != live) {
                let (wanted, live) = (wanted.to_owned(), live.to_owned());
                return Err(ServiceDocumentError::AnotherService {
                    member,
                    wanted,
                    live,
                });
            }
        }
        for member in FIXED {
            let live = live_member(service, member);
            if let Some(wanted) = self.0.get(member)
                && project(member, live, wanted) != *wanted
            {
                let (live, wanted) = (Box::new(live.clone()), Box::new(wanted.clone()));
                return Err(ServiceDocumentError::Fixed {
                    member,
                    live,
                    wanted,
                });
            }
        }
        Ok(())
    }
}

/// Members that differ, as UpdateService gets them, and as they were.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    pub wanted: Map<String, Value>,
    pub before: Map<String, Value>,
}

impl Settings {
    pub fn is_empty(&self) -> bool {
        self.wanted.is_empty()
    }

    /// Whether the service has them.
    pub fn are_there(members: &Map<String, Value>, service: &Service) -> bool {
        members
            .iter()
            .all(|(name, value)| project(name, live_member(service, name), value) == *value)
    }
}

/// A member of the service. DescribeServices answers some for each deployment only.
pub fn live_member<'a>(service: &'a Service, name: &str) -> &'a Value {
    let document = service.as_value();
    let of_service = &document[name];
    if !of_service.is_null() {
        return of_service;
    }
    let deployments = document["deployments"].as_array();
    let primary = deployments
        .into_iter()
        .flatten()
        .find(|deployment| deployment["status"] == "PRIMARY");
    primary.map_or(&Value::Null, |primary| &primary[name])
}

/// The live value, with just those members that the wanted one names and its lists in the wanted order: equal to the
/// wanted value exactly if nothing that it names differs.
fn project(member: &str, live: &Value, wanted: &Value) -> Value {
    match (live, wanted) {
        (Value::Null, wanted) if is_empty(wanted) => wanted.clone(),
        (Value::Object(live), Value::Object(wanted)) => {
            let picked = wanted.iter().filter_map(|(name, value)| {
                let there = project(name, live.get(name).unwrap_or(&Value::Null), value);
                (!there.is_null() || value.is_null()).then(|| (name.clone(), there))
            });
            Value::Object(picked.collect())
        }
        (Value::Array(live), Value::Array(wanted)) => project_list(member, live, wanted),
        _ => live.clone(),
    }
}

/// Items are matched by name where they have one, else by their value: no list of a service's document is a sequence but
/// `placementStrategy`.
fn project_list(member: &str, live: &[Value], wanted: &[Value]) -> Value {
    if let Some((live_names, wanted_names)) = names(Some(member), live, wanted) {
        let mut items = Vec::new();
        for (name, value) in wanted_names.iter().zip(wanted) {
            if let Some(at) = live_names.iter().position(|it| it == name) {
                items.push(project(member, &live[at], value));
            }
        }
        let extra = live_names.iter().zip(live);
        items.extend(
            extra
                .filter(|(name, _)| !wanted_names.contains(name))
                .map(|(_, value)| value.clone()),
        );
        return Value::Array(items);
    }
    if member == "placementStrategy" {
        let pairs = live.iter().enumerate();
        let items = pairs.map(|(at, item)| {
            wanted
                .get(at)
                .map_or(item.clone(), |w| project("", item, w))
        });
        return Value::Array(items.collect());
    }
    let rank = |item: &Value| {
        wanted
            .iter()
            .position(|it| it == item)
            .unwrap_or(usize::MAX)
    };
    let mut items = live.to_vec();
    items.sort_by_key(rank);
    Value::Array(items)
}

/// The wanted value laid over the live one: UpdateService takes a member whole, so what the document does not name within
/// it must be sent as it is.
fn over(live: &Value, wanted: &Value) -> Value {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => {
            let mut merged = live.clone();
            for (name, value) in wanted {
                let there = live.get(name).unwrap_or(&Value::Null);
                merged.insert(name.clone(), over(there, value));
            }
            Value::Object(merged)
        }
        _ => wanted.clone(),
    }
}

fn put_back(live: &Value, wanted: &Value) -> Value {
    match (live, wanted) {
        (Value::Null, Value::Array(_)) => json!([]),
        (Value::Null, Value::Object(_)) => json!({}),
        (Value::Null, Value::Number(_)) => json!(0),
        (Value::Null, Value::Bool(_)) => json!(false),
        _ => live.clone(),
    }
}

/// What AWS does not tell apart from absence.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(is_on) => !is_on,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.values().all(is_empty),
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn last_part(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

#[cfg(test)]
#[path = "service_document_tests.rs"]
mod tests;
