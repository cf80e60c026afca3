//! What a definition must and must not say to run on Fargate (Amazon ECS developer guide, "Task definition differences for
//! Fargate", and the notes of each shape of the API model).

use super::finding::{Finding, Subject};
use super::seek::seek;
use super::shape::out_of_range;
use serde_json::Value;

/// Not supported there: any value but an empty list or `false`.
const FORBIDDEN: &[&str] = &[
    "ipcMode",
    "placementConstraints",
    "inferenceAccelerators",
    "volumes[].host.sourcePath",
    "volumes[].dockerVolumeConfiguration",
    "containerDefinitions[].disableNetworking",
    "containerDefinitions[].dnsSearchDomains",
    "containerDefinitions[].dnsServers",
    "containerDefinitions[].dockerSecurityOptions",
    "containerDefinitions[].extraHosts",
    "containerDefinitions[].links",
    "containerDefinitions[].privileged",
    "containerDefinitions[].linuxParameters.devices",
    "containerDefinitions[].linuxParameters.maxSwap",
    "containerDefinitions[].linuxParameters.sharedMemorySize",
    "containerDefinitions[].linuxParameters.swappiness",
    "containerDefinitions[].linuxParameters.tmpfs",
];

/// Only these values are supported there.
const ALLOWED: &[(&str, &[&str])] = &[
    ("networkMode", &["awsvpc"]),
    ("pidMode", &["task"]),
    (
        "containerDefinitions[].linuxParameters.capabilities.add[]",
        &["SYS_PTRACE"],
    ),
    (
        "containerDefinitions[].logConfiguration.logDriver",
        &["awslogs", "splunk", "awsfirelens"],
    ),
];

/// Least and most there; a `nofile` limit is the number of open files.
const RANGES: &[(&str, u64, u64)] = &[
    ("ephemeralStorage.sizeInGiB", 21, 200),
    ("containerDefinitions[].stopTimeout", 2, 120),
];
const MOST_OPEN_FILES: u64 = 1_048_576;

pub(super) fn check(subject: &Subject<'_>) -> Vec<Finding> {
    if !subject.fargate {
        return Vec::new();
    }
    [
        network_mode,
        forbidden,
        allowed,
        ranges,
        accelerators,
        limits,
    ]
    .iter()
    .flat_map(|rule| rule(subject))
    .collect()
}

fn network_mode(subject: &Subject<'_>) -> Vec<Finding> {
    if subject.definition.as_map().contains_key("networkMode") {
        return Vec::new();
    }
    vec![Finding::error("networkMode", "is missing, and Fargate needs it").hint("write \"awsvpc\"")]
}

fn forbidden(subject: &Subject<'_>) -> Vec<Finding> {
    let says_nothing =
        |value: &Value| *value == Value::Bool(false) || value.as_array().is_some_and(Vec::is_empty);
    let found = FORBIDDEN
        .iter()
        .flat_map(|place| seek(subject.definition.as_map(), place));
    found
        .filter(|(_, value)| !says_nothing(value))
        .map(|(path, _)| Finding::error(path, "is not supported on Fargate"))
        .collect()
}

fn allowed(subject: &Subject<'_>) -> Vec<Finding> {
    let wrong = |&(place, allowed): &(&str, &'static [&str])| {
        let found = seek(subject.definition.as_map(), place).into_iter();
        let other =
            found.filter(|(_, value)| !value.as_str().is_some_and(|text| allowed.contains(&text)));
        other.map(|(path, value)| {
            Finding::error(path, format!("{value} is not supported on Fargate"))
                .hint(format!("Fargate takes {}", allowed.join(", ")))
        })
    };
    ALLOWED.iter().flat_map(wrong).collect()
}

fn ranges(subject: &Subject<'_>) -> Vec<Finding> {
    let document = subject.definition.as_map();
    RANGES
        .iter()
        .flat_map(|&(place, least, most)| out_of_range(seek(document, place), least, most))
        .collect()
}

fn accelerators(subject: &Subject<'_>) -> Vec<Finding> {
    let found = seek(
        subject.definition.as_map(),
        "containerDefinitions[].resourceRequirements[].type",
    )
    .into_iter();
    let wrong = found.filter(|(_, kind)| *kind == "GPU");
    wrong
        .map(|(path, _)| Finding::error(path, "Fargate has no GPUs"))
        .collect()
}

fn limits(subject: &Subject<'_>) -> Vec<Finding> {
    let ulimits = seek(
        subject.definition.as_map(),
        "containerDefinitions[].ulimits[]",
    );
    if subject.is_windows() {
        let finding = |(path, _)| Finding::error(path, "Windows tasks on Fargate have no ulimits");
        return ulimits.into_iter().map(finding).collect();
    }
    let files = ulimits
        .into_iter()
        .filter(|(_, it)| it.get("name").is_some_and(|name| name == "nofile"));
    let members = files.flat_map(|(path, it)| {
        ["softLimit", "hardLimit"]
            .into_iter()
            .filter_map(move |at| Some((format!("{path}.{at}"), it.get(at)?)))
    });
    out_of_range(members.collect(), 0, MOST_OPEN_FILES)
}
