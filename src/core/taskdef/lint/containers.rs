//! How containers stand to each other and to the volumes: names, essentials, dependencies, memory.

use super::finding::{Finding, Subject};
use super::seek::seek;
use crate::core::taskdef::{Container, memory_mib};
use serde_json::Value;
use std::collections::BTreeSet;

/// References from a container to something that must be there: place, what it is, where those are declared.
const REFERENCES: &[(&str, &str, &str)] = &[
    (
        "containerDefinitions[].dependsOn[].containerName",
        "container",
        "containerDefinitions[].name",
    ),
    (
        "containerDefinitions[].volumesFrom[].sourceContainer",
        "container",
        "containerDefinitions[].name",
    ),
    (
        "containerDefinitions[].mountPoints[].sourceVolume",
        "volume",
        "volumes[].name",
    ),
    (
        "proxyConfiguration.containerName",
        "container",
        "containerDefinitions[].name",
    ),
];

/// Names that must be told apart: place, what they name.
const UNIQUE: &[(&str, &str)] = &[
    ("containerDefinitions[].name", "container"),
    ("volumes[].name", "volume"),
    ("tags[].key", "tag"),
    ("containerDefinitions[].portMappings[].name", "port mapping"),
];

pub(super) fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let rules = [
        unique_names,
        references,
        essentials,
        dependencies,
        variables,
        memory,
        reservations,
        log_router,
    ];
    rules.iter().flat_map(|rule| rule(subject)).collect()
}

fn unique_names(subject: &Subject<'_>) -> Vec<Finding> {
    let document = subject.definition.as_map();
    UNIQUE
        .iter()
        .flat_map(|(place, what)| repeated(seek(document, place), what))
        .collect()
}

fn repeated(found: Vec<(String, &Value)>, what: &str) -> Vec<Finding> {
    let mut seen = BTreeSet::new();
    let again = found
        .into_iter()
        .filter(|(_, name)| !seen.insert(name.to_string()));
    again
        .map(|(path, name)| Finding::error(path, format!("another {what} is named {name}")))
        .collect()
}

fn references(subject: &Subject<'_>) -> Vec<Finding> {
    let document = subject.definition.as_map();
    let dangling = |&(place, what, declared): &(&str, &'static str, &str)| {
        let declared: Vec<&Value> = seek(document, declared)
            .into_iter()
            .map(|(_, name)| name)
            .collect();
        let lost = seek(document, place)
            .into_iter()
            .filter(move |(_, name)| !declared.contains(name));
        lost.map(move |(path, name)| Finding::error(path, format!("no {what} is named {name}")))
    };
    REFERENCES.iter().flat_map(dangling).collect()
}

fn essentials(subject: &Subject<'_>) -> Vec<Finding> {
    if subject.definition.containers().any(Container::essential) {
        return Vec::new();
    }
    let finding = Finding::error(
        "containerDefinitions",
        "no container is essential, and a task needs one",
    );
    vec![finding.hint("leave out \"essential\": false of the container that the task is about")]
}

/// `ContainerDependency$condition`: who waits for a container to end cannot wait for an essential one; who waits for
/// health waits for a health check.
fn dependencies(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, container) in subject.definition.containers().enumerate() {
        let list = container.get("dependsOn").and_then(Value::as_array);
        for (at, dependency) in list.into_iter().flatten().enumerate() {
            let path = format!("containerDefinitions[{index}].dependsOn[{at}]");
            findings.extend(wrong_dependency(
                subject,
                container.name(),
                dependency,
                path,
            ));
        }
    }
    findings
}

fn wrong_dependency(
    subject: &Subject<'_>,
    waiting: &str,
    dependency: &Value,
    path: String,
) -> Option<Finding> {
    let text = |member: &str| dependency.get(member).and_then(Value::as_str);
    let name = text("containerName")?;
    if name == waiting {
        return Some(Finding::error(
            path,
            format!("container {name:?} waits for itself"),
        ));
    }
    let target = subject
        .definition
        .containers()
        .find(|it| it.name() == name)?;
    match text("condition")? {
        "COMPLETE" | "SUCCESS" if target.essential() => {
            let finding = Finding::error(
                path,
                format!("container {name:?} is essential: the task ends when it does"),
            );
            Some(finding.hint(format!("set \"essential\": false on {name:?}")))
        }
        "HEALTHY" if target.get("healthCheck").is_none() => Some(Finding::warning(
            path,
            format!("container {name:?} has no healthCheck in this definition"),
        )),
        _ => None,
    }
}

/// `ContainerDefinition$secrets`: a secret's name is shared with no variable of the container.
fn variables(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, container) in subject.definition.containers().enumerate() {
        let mut seen = BTreeSet::new();
        for (list, again) in [
            (
                "environment",
                Finding::warning as fn(String, String) -> Finding,
            ),
            ("secrets", Finding::error),
        ] {
            let items = container
                .get(list)
                .and_then(Value::as_array)
                .into_iter()
                .flatten();
            for (at, name) in items
                .enumerate()
                .filter_map(|(at, item)| Some((at, item.get("name")?)))
            {
                if !seen.insert(name.to_string()) {
                    let path = format!("containerDefinitions[{index}].{list}[{at}].name");
                    findings.push(again(
                        path,
                        format!("another variable or secret is named {name}"),
                    ));
                }
            }
        }
    }
    findings
}

/// `ContainerDefinition$memoryReservation`: without task memory, each container needs one of the two.
fn memory(subject: &Subject<'_>) -> Vec<Finding> {
    if subject.fargate || subject.definition.as_map().contains_key("memory") {
        return Vec::new();
    }
    let needy = subject
        .definition
        .containers()
        .enumerate()
        .filter(|(_, container)| reserved(*container).is_none());
    let finding = |(index, container): (usize, Container<'_>)| {
        let message = format!(
            "container {:?} has no memory, and neither has the task",
            container.name()
        );
        Finding::error(format!("containerDefinitions[{index}]"), message)
            .hint("set memory or memoryReservation in MiB, or memory of the task")
    };
    needy.map(finding).collect()
}

/// What a container takes from the instance: its reservation, or without one its limit.
fn reserved(container: Container<'_>) -> Option<u64> {
    let number = |member: &str| {
        container
            .get(member)
            .and_then(Value::as_u64)
            .filter(|&it| it > 0)
    };
    number("memoryReservation").or_else(|| number("memory"))
}

/// `ContainerDefinition$memory`: a limit is not below its reservation, and all reservations together fit in the task.
/// The second is documented as a must, but not established as what registration checks: a warning.
fn reservations(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, container) in subject.definition.containers().enumerate() {
        let number = |member: &str| container.get(member).and_then(Value::as_u64);
        let (limit, reservation) = (number("memory"), number("memoryReservation"));
        if limit
            .zip(reservation)
            .is_some_and(|(limit, reservation)| limit < reservation)
        {
            let path = format!("containerDefinitions[{index}].memory");
            findings.push(Finding::error(path, "must not be below memoryReservation"));
        }
    }
    let whole = subject.definition.text("memory").and_then(memory_mib);
    let parts: u64 = subject
        .definition
        .containers()
        .filter_map(reserved)
        .fold(0, u64::saturating_add);
    if let Some(whole) = whole.filter(|&whole| parts > whole) {
        let message =
            format!("the containers reserve {parts} MiB together, and the task has {whole}");
        findings.push(Finding::warning("memory", message));
    }
    findings
}

/// Amazon ECS developer guide, `FireLens`: `awsfirelens` needs a container with a `firelensConfiguration`.
fn log_router(subject: &Subject<'_>) -> Vec<Finding> {
    if subject
        .definition
        .containers()
        .any(|it| it.get("firelensConfiguration").is_some())
    {
        return Vec::new();
    }
    let drivers = seek(
        subject.definition.as_map(),
        "containerDefinitions[].logConfiguration.logDriver",
    );
    let lost = drivers
        .into_iter()
        .filter(|(_, driver)| *driver == "awsfirelens");
    lost.map(|(path, _)| {
        Finding::error(
            path,
            "awsfirelens needs a container with a firelensConfiguration",
        )
    })
    .collect()
}
