//! Kinds, names and ranges: what holds for single values wherever the task runs.
//!
//! Kinds matter because the document is sent as it stands: AWS refuses a number where its model has a string, as a
//! YAML definition easily writes one.

use super::finding::{Finding, Subject};
use super::seek::seek;
use crate::core::taskdef::document::{is_reserved_tag, kind_of};
use crate::core::taskdef::{Container, ImageRef, cpu_units, memory_mib};
use serde_json::Value;

/// Most characters of a family and of a container's name (`RegisterTaskDefinition$family`, `ContainerDefinition$name`).
const LONGEST_NAME: usize = 255;

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Number,
    Flag,
}

/// Members whose kind is easily mistaken (the Amazon ECS API model).
const KINDS: &[(&str, Kind)] = &[
    ("cpu", Kind::Text),
    ("memory", Kind::Text),
    ("containerDefinitions[].cpu", Kind::Number),
    ("containerDefinitions[].memory", Kind::Number),
    ("containerDefinitions[].memoryReservation", Kind::Number),
    ("containerDefinitions[].essential", Kind::Flag),
    (
        "containerDefinitions[].portMappings[].containerPort",
        Kind::Number,
    ),
    (
        "containerDefinitions[].portMappings[].hostPort",
        Kind::Number,
    ),
    ("containerDefinitions[].environment[].name", Kind::Text),
    ("containerDefinitions[].environment[].value", Kind::Text),
    ("containerDefinitions[].secrets[].valueFrom", Kind::Text),
    ("containerDefinitions[].command[]", Kind::Text),
    ("containerDefinitions[].entryPoint[]", Kind::Text),
    ("containerDefinitions[].user", Kind::Text),
    ("containerDefinitions[].dockerLabels{}", Kind::Text),
    (
        "containerDefinitions[].logConfiguration.options{}",
        Kind::Text,
    ),
    ("containerDefinitions[].systemControls[].value", Kind::Text),
    ("tags[].value", Kind::Text),
];

/// Least and most (the Amazon ECS API model's documentation of each shape).
const RANGES: &[(&str, u64, u64)] = &[
    (
        "containerDefinitions[].portMappings[].containerPort",
        1,
        65535,
    ),
    ("containerDefinitions[].portMappings[].hostPort", 0, 65535),
    ("containerDefinitions[].healthCheck.interval", 5, 300),
    ("containerDefinitions[].healthCheck.timeout", 2, 60),
    ("containerDefinitions[].healthCheck.retries", 1, 10),
    ("containerDefinitions[].healthCheck.startPeriod", 0, 300),
    (
        "containerDefinitions[].restartPolicy.restartAttemptPeriod",
        60,
        1800,
    ),
];

/// Most items.
const LENGTHS: &[(&str, usize)] = &[
    ("placementConstraints", 10),
    ("containerDefinitions[].environmentFiles", 10),
    ("containerDefinitions[].restartPolicy.ignoredExitCodes", 50),
    ("containerDefinitions[].credentialSpecs", 1),
];

pub(super) fn check(subject: &Subject<'_>) -> Vec<Finding> {
    [
        kinds, nulls, names, images, task_size, ranges, lengths, tags,
    ]
    .iter()
    .flat_map(|rule| rule(subject))
    .collect()
}

fn kinds(subject: &Subject<'_>) -> Vec<Finding> {
    let wrong = |&(place, kind): &(&str, Kind)| {
        let found = seek(subject.definition.as_map(), place).into_iter();
        found
            .filter_map(move |(path, value)| wrong_kind(&path, kind, value))
            .collect::<Vec<_>>()
    };
    KINDS.iter().flat_map(wrong).collect()
}

fn wrong_kind(path: &str, kind: Kind, value: &Value) -> Option<Finding> {
    let (is_right, expected) = match kind {
        Kind::Text => (value.is_string(), "a string"),
        Kind::Number => (value.is_number(), "a number"),
        Kind::Flag => (value.is_boolean(), "true or false"),
    };
    // A null in a list has a rule of its own.
    if is_right || value.is_null() {
        return None;
    }
    let finding = Finding::error(
        path,
        format!("must be {expected}, found {}", kind_of(value)),
    );
    Some(match (kind, value) {
        (Kind::Text, Value::Number(_) | Value::Bool(_)) => {
            finding.hint(format!("write \"{value}\""))
        }
        (Kind::Number | Kind::Flag, Value::String(text)) => finding.hint(format!("write {text}")),
        _ => finding,
    })
}

fn nulls(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, value) in subject.definition.as_map() {
        nulls_in_lists(name, value, &mut findings);
    }
    findings
}

fn nulls_in_lists(path: &str, value: &Value, findings: &mut Vec<Finding>) {
    match value {
        Value::Null => findings.push(Finding::error(path, "null is not an item of a list")),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| {
                nulls_in_lists(&format!("{path}[{index}]"), item, findings);
            });
        }
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| {
                nulls_in_lists(&format!("{path}.{name}"), member, findings);
            });
        }
        _ => {}
    }
}

fn names(subject: &Subject<'_>) -> Vec<Finding> {
    let document = subject.definition.as_map();
    let named = seek(document, "family")
        .into_iter()
        .chain(seek(document, "containerDefinitions[].name"));
    let wrong = named.filter(|(_, name)| !name.as_str().is_some_and(is_name));
    let message = "must be up to 255 letters, digits, hyphens and underscores";
    wrong
        .map(|(path, name)| Finding::error(path, format!("{name} {message}")))
        .collect()
}

fn is_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    name.len() <= LONGEST_NAME && name.bytes().all(is_allowed)
}

fn images(subject: &Subject<'_>) -> Vec<Finding> {
    let check = |(index, image): (usize, Option<&str>)| {
        let path = format!("containerDefinitions[{index}].image");
        match image.map(str::parse::<ImageRef>) {
            None => {
                Some(Finding::error(path, "is missing").hint("name one with --image CONTAINER=REF"))
            }
            Some(Err(error)) => Some(Finding::warning(path, error.to_string())),
            Some(Ok(_)) => None,
        }
    };
    subject
        .definition
        .containers()
        .map(Container::image)
        .enumerate()
        .filter_map(check)
        .collect()
}

fn task_size(subject: &Subject<'_>) -> Vec<Finding> {
    let cpu = unreadable(
        subject,
        "cpu",
        cpu_units,
        "write CPU units (\"512\") or vCPUs (\"0.5 vCPU\")",
    );
    let memory = unreadable(
        subject,
        "memory",
        memory_mib,
        "write MiB (\"1024\") or GB (\"1 GB\")",
    );
    cpu.into_iter().chain(memory).collect()
}

fn unreadable(
    subject: &Subject<'_>,
    member: &str,
    read: fn(&str) -> Option<u64>,
    hint: &str,
) -> Option<Finding> {
    let text = subject
        .definition
        .text(member)
        .filter(|text| read(text).is_none())?;
    Some(Finding::error(member, format!("{text:?} is not a size")).hint(hint))
}

fn ranges(subject: &Subject<'_>) -> Vec<Finding> {
    let document = subject.definition.as_map();
    RANGES
        .iter()
        .flat_map(|&(place, least, most)| out_of_range(seek(document, place), least, most))
        .collect()
}

/// Numbers that are below `least` or above `most`; what is no number has a rule of its own.
pub(super) fn out_of_range(found: Vec<(String, &Value)>, least: u64, most: u64) -> Vec<Finding> {
    let is_out = |value: &Value| {
        value
            .as_f64()
            .is_some_and(|it| it < least as f64 || it > most as f64)
    };
    let wrong = found.into_iter().filter(|(_, value)| is_out(value));
    wrong
        .map(|(path, value)| {
            Finding::error(path, format!("must be {least} to {most}, found {value}"))
        })
        .collect()
}

fn lengths(subject: &Subject<'_>) -> Vec<Finding> {
    let document = subject.definition.as_map();
    let too_long = |&(place, most): &(&str, usize)| {
        let lists = seek(document, place)
            .into_iter()
            .filter_map(|(path, list)| Some((path, list.as_array()?.len())));
        let wrong = lists.filter(move |(_, length)| *length > most);
        wrong.map(move |(path, length)| {
            Finding::error(
                path,
                format!("must have at most {most} items, found {length}"),
            )
        })
    };
    LENGTHS.iter().flat_map(too_long).collect()
}

fn tags(subject: &Subject<'_>) -> Vec<Finding> {
    let reserved = seek(subject.definition.as_map(), "tags[]")
        .into_iter()
        .filter(|(_, tag)| is_reserved_tag(tag));
    reserved
        .map(|(path, _)| Finding::error(path, "tag keys that start with aws: belong to AWS"))
        .collect()
}
