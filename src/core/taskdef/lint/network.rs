//! Ports and names on the network, by network mode (`PortMapping$hostPort`, `ContainerDefinition$links`, `$hostname`).

use super::finding::{Finding, Subject};
use super::seek::seek;
use serde_json::Value;
use std::collections::BTreeSet;

const MAPPINGS: &str = "containerDefinitions[].portMappings[]";

pub(super) fn check(subject: &Subject<'_>) -> Vec<Finding> {
    [no_ports_without_network, host_ports, taken_ports, names]
        .iter()
        .flat_map(|rule| rule(subject))
        .collect()
}

fn no_ports_without_network(subject: &Subject<'_>) -> Vec<Finding> {
    if subject.network_mode() != Some("none") {
        return Vec::new();
    }
    let mappings = seek(subject.definition.as_map(), MAPPINGS).into_iter();
    mappings
        .map(|(path, _)| Finding::error(path, "network mode none has no ports to map"))
        .collect()
}

/// Whether each container port is the host port too.
fn shares_ports(subject: &Subject<'_>) -> bool {
    matches!(subject.network_mode(), Some("awsvpc" | "host"))
}

fn host_ports(subject: &Subject<'_>) -> Vec<Finding> {
    if !shares_ports(subject) {
        return Vec::new();
    }
    let is_other = |mapping: &Value| {
        let port = mapping.get("hostPort").filter(|port| **port != 0);
        port.is_some() && port != mapping.get("containerPort")
    };
    let wrong = seek(subject.definition.as_map(), MAPPINGS)
        .into_iter()
        .filter(|(_, mapping)| is_other(mapping));
    let finding = |(path, mapping): (String, &Value)| {
        let mode = subject.network_mode().unwrap_or_default();
        let message = format!(
            "must be the containerPort {} under {mode}",
            mapping["containerPort"]
        );
        Finding::error(format!("{path}.hostPort"), message).hint("leave hostPort out")
    };
    wrong.map(finding).collect()
}

/// One port of the host, or of the task's network interface, cannot be mapped twice.
fn taken_ports(subject: &Subject<'_>) -> Vec<Finding> {
    let member = if shares_ports(subject) {
        "containerPort"
    } else {
        "hostPort"
    };
    let mut taken = BTreeSet::new();
    let mut findings = Vec::new();
    for (path, mapping) in seek(subject.definition.as_map(), MAPPINGS) {
        let Some(port) = mapping
            .get(member)
            .and_then(Value::as_u64)
            .filter(|&port| port > 0)
        else {
            continue;
        };
        let protocol = mapping
            .get("protocol")
            .and_then(Value::as_str)
            .unwrap_or("tcp");
        if !taken.insert((port, protocol)) {
            let message = format!("port {port}/{protocol} is mapped already by this definition");
            findings.push(Finding::error(format!("{path}.{member}"), message));
        }
    }
    findings
}

fn names(subject: &Subject<'_>) -> Vec<Finding> {
    let document = subject.definition.as_map();
    let mode = subject.network_mode().unwrap_or("bridge");
    let mut findings = Vec::new();
    if mode == "awsvpc" {
        let hostnames = seek(document, "containerDefinitions[].hostname").into_iter();
        findings.extend(
            hostnames.map(|(path, _)| Finding::error(path, "hostname is not allowed under awsvpc")),
        );
    }
    // On Fargate links have a finding of their own.
    if mode != "bridge" && !subject.fargate {
        let links = seek(document, "containerDefinitions[].links[]").into_iter();
        findings.extend(
            links.map(|(path, _)| Finding::error(path, format!("links need bridge, not {mode}"))),
        );
    }
    findings
}
