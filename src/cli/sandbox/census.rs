//! The census in words: services with what they run, then where traffic goes, then what is wrong.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value};

/// For people, on a terminal.
pub fn describe(census: &Value) -> String {
    let mut out = format!(
        "{} {} {}\n",
        text(&census["now"]),
        text(&census["account"]),
        text(&census["region"])
    );
    list(&census["services"]).for_each(|service| describe_service(&mut out, service));
    list(&census["routes"]).for_each(|route| describe_route(&mut out, route));
    list(&census["targetGroups"]).for_each(|group| describe_group(&mut out, group));
    let clients = &census["clients"];
    if clients["served"] != 0 || clients["failed"] != Value::Object(Map::new()) {
        let (served, failed) = (&clients["served"], &clients["failed"]);
        let _ = writeln!(out, "clients          {served} served, failed {failed}");
    }
    for alarm in list(&census["alarms"]) {
        let (name, state) = (text(&alarm["name"]), text(&alarm["state"]));
        let _ = writeln!(out, "alarm            {name} {state}");
    }
    for fault in list(&census["faults"]) {
        let _ = writeln!(
            out,
            "fault            {} fired {}",
            fault["rule"], fault["fired"]
        );
    }
    out
}

fn describe_service(out: &mut String, service: &Value) {
    let _ = writeln!(
        out,
        "service          {}/{} {} {}/{} running, {} pending",
        text(&service["cluster"]),
        text(&service["name"]),
        text(&service["status"]),
        service["running"],
        service["desired"],
        service["pending"],
    );
    for part in list(&service["deployments"]).chain(list(&service["taskSets"])) {
        let state = [&part["status"], &part["rolloutState"], &part["stability"]];
        let state: Vec<&str> = state.into_iter().filter_map(Value::as_str).collect();
        let _ = writeln!(
            out,
            "  {} {} {}/{} running",
            text(&part["taskDefinition"]),
            state.join(" "),
            part["running"],
            part["desired"],
        );
    }
}

fn describe_route(out: &mut String, route: &Value) {
    let forwards: Vec<String> = list(&route["forwards"])
        .map(|f| format!("{} {}", text(&f["targetGroup"]), f["weight"]))
        .collect();
    let priority = route["priority"].as_u64();
    let _ = writeln!(
        out,
        "route            {}:{} {} -> {}",
        text(&route["loadBalancer"]),
        route["port"],
        priority.map_or_else(|| "default".to_owned(), |p| p.to_string()),
        forwards.join(", "),
    );
}

fn describe_group(out: &mut String, group: &Value) {
    let mut states: BTreeMap<&str, u32> = BTreeMap::new();
    for target in list(&group["targets"]) {
        *states.entry(text(&target["state"])).or_default() += 1;
    }
    let states: Vec<String> = states
        .iter()
        .map(|(state, n)| format!("{n} {state}"))
        .collect();
    let _ = writeln!(
        out,
        "target group     {} {}",
        text(&group["name"]),
        states.join(", ")
    );
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}
