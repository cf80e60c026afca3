//! The canonical form: equal for definitions that ECS would run alike, different for all others.
//!
//! What a definition and `DescribeTaskDefinition`'s answer for it differ in is taken out of both: AWS's defaults, the order
//! of sets, empty lists, spellings of sizes and numbers. Everything else stays, whatever it is.
//!
//! Two things need both sides to be told. A role may be given by name and is answered as an ARN; a name says nothing of
//! the account, so [`compared`] (and [`same`]) put the name in place of the ARN only where the other side gave a name,
//! and two ARNs are compared whole. For one definition alone, [`canonical`] keeps roles as given.
//!
//! **Invariant:** idempotent, and a member that no rule speaks of is kept and makes a difference.

use super::place::{each, each_object};
use super::rules::{DEFAULTS, EMPTY_OBJECTS, SETS, SetRule};
use crate::core::taskdef::{ImageRef, TaskDefinition, cpu_units, memory_mib};
use serde_json::{Map, Value};
use std::fmt;

const ROLES: [&str; 2] = ["taskRoleArn", "executionRoleArn"];
/// Below this, a whole number written as a float is exactly that integer.
const EXACT_FLOAT: f64 = 9_007_199_254_740_992.0;

/// A task definition in normal form. Displayed as indented JSON with sorted members, so equal forms are equal texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canonical(Value);

/// The canonical form of one definition, with its roles as given. To compare two, use [`compared`] or [`same`].
pub fn canonical(definition: &TaskDefinition) -> Canonical {
    let mut form = definition.to_value();
    tidy(&mut form);
    spell_sizes(&mut form);
    each(&mut form, "containerDefinitions[].image", &mut |image| {
        forget_tag_beside_digest(image);
    });
    settle_network(&mut form);
    drop_defaults(&mut form);
    for rule in SETS {
        each(&mut form, rule.at, &mut |list| sort_set(list, rule));
    }
    drop_empty_objects(&mut form);
    sort_members(&mut form);
    Canonical(form)
}

/// Both canonical forms, with a role that one side names and the other gives as an ARN brought to its name.
pub fn compared(left: &TaskDefinition, right: &TaskDefinition) -> (Canonical, Canonical) {
    let (Canonical(mut left), Canonical(mut right)) = (canonical(left), canonical(right));
    for role in ROLES {
        if names_one_and_locates_the_other(left.get(role), right.get(role)) {
            each(&mut left, role, &mut shorten_role);
            each(&mut right, role, &mut shorten_role);
        }
    }
    (Canonical(left), Canonical(right))
}

/// Whether ECS would run both alike, so that registering one after the other would say nothing new.
pub fn same(left: &TaskDefinition, right: &TaskDefinition) -> bool {
    let (left, right) = compared(left, right);
    left == right
}

impl Canonical {
    pub fn value(&self) -> &Value {
        &self.0
    }

    pub fn into_value(self) -> Value {
        self.0
    }
}

impl fmt::Display for Canonical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

/// Drops members that are empty lists (in awsJson, a list without items and no list are the same; AWS answers `[]` for
/// lists that it learned after the definition was written) and writes whole numbers in one way (RFC 8259: `1.0` is `1`).
fn tidy(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.as_array().is_some_and(Vec::is_empty));
            members.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Number(number) => {
            if let Some(whole) = whole_float(number) {
                *value = Value::from(whole);
            }
        }
        _ => {}
    }
}

fn whole_float(number: &serde_json::Number) -> Option<i64> {
    let float = number.as_f64().filter(|_| number.is_f64())?;
    (float.fract() == 0.0 && float.abs() < EXACT_FLOAT).then_some(float as i64)
}

/// `"1 vCPU"` is `"1024"`, `"2 GB"` is `"2048"` (`RegisterTaskDefinition$cpu`, `$memory`: "converted to an integer").
fn spell_sizes(form: &mut Value) {
    let spell = |size: &mut Value, read: fn(&str) -> Option<u64>| {
        if let Some(number) = size.as_str().and_then(read) {
            *size = Value::from(number.to_string());
        }
    };
    each(form, "cpu", &mut |size| spell(size, cpu_units));
    each(form, "memory", &mut |size| spell(size, memory_mib));
}

/// With both a tag and a digest the digest decides what runs (Docker image reference grammar; Amazon ECR user guide).
fn forget_tag_beside_digest(image: &mut Value) {
    let parsed = image
        .as_str()
        .and_then(|text| text.parse::<ImageRef>().ok());
    if let Some(pinned) = parsed.filter(ImageRef::is_pinned) {
        *image = Value::from(pinned.without_tag().to_string());
    }
}

/// Host ports that say what ECS does anyway (`PortMapping$hostPort`), then the network mode that is the default.
///
/// A host port of 0 is no host port. Under `awsvpc` and `host` the host port can only be the container port; under
/// `bridge` the same number is a reservation, and stays.
fn settle_network(form: &mut Value) {
    let shares_ports = matches!(
        form.get("networkMode").and_then(Value::as_str),
        Some("awsvpc" | "host")
    );
    each_object(
        form,
        "containerDefinitions[].portMappings[]",
        &mut |mapping| {
            let port = mapping.get("hostPort");
            let says_nothing = port == Some(&Value::from(0))
                || (shares_ports && port == mapping.get("containerPort"));
            if says_nothing {
                mapping.shift_remove("hostPort");
            }
        },
    );
    drop_default_network_mode(form);
}

/// `RegisterTaskDefinition$networkMode`: bridge if not specified, but on Windows the default is another.
fn drop_default_network_mode(form: &mut Value) {
    let system = form
        .pointer("/runtimePlatform/operatingSystemFamily")
        .and_then(Value::as_str);
    let is_windows = system.is_some_and(|system| system.starts_with("WINDOWS"));
    each_object(form, "", &mut |members| {
        if !is_windows && members.get("networkMode").and_then(Value::as_str) == Some("bridge") {
            members.shift_remove("networkMode");
        }
    });
}

fn drop_defaults(form: &mut Value) {
    for rule in DEFAULTS {
        let default = rule.value.to_value();
        each_object(form, rule.at, &mut |members| {
            if members.get(rule.member) == Some(&default) {
                members.shift_remove(rule.member);
            }
        });
    }
}

fn drop_empty_objects(form: &mut Value) {
    for rule in EMPTY_OBJECTS {
        each_object(form, rule.at, &mut |members| {
            if members
                .get(rule.member)
                .and_then(Value::as_object)
                .is_some_and(Map::is_empty)
            {
                members.shift_remove(rule.member);
            }
        });
    }
}

fn sort_set(list: &mut Value, rule: &SetRule) {
    let Value::Array(items) = list else { return };
    items.sort_by_cached_key(|item| match rule.by {
        [] => vec![sort_key(Some(item))],
        members => members
            .iter()
            .map(|member| sort_key(item.get(member)))
            .collect(),
    });
}

/// Numbers in their own order, everything else in that of its text.
fn sort_key(value: Option<&Value>) -> (u64, String) {
    (
        value.and_then(Value::as_u64).unwrap_or_default(),
        value.map(Value::to_string).unwrap_or_default(),
    )
}

fn sort_members(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.sort_keys();
            members.values_mut().for_each(sort_members);
        }
        Value::Array(items) => items.iter_mut().for_each(sort_members),
        _ => {}
    }
}

fn names_one_and_locates_the_other(left: Option<&Value>, right: Option<&Value>) -> bool {
    let text = |role: Option<&Value>| {
        role.and_then(Value::as_str)
            .map(|role| role.starts_with("arn:"))
    };
    matches!((text(left), text(right)), (Some(left), Some(right)) if left != right)
}

/// A role's name is what follows its path: `arn:aws:iam::123456789012:role/team/app` is `app` (IAM: names are unique in
/// an account, whatever their path).
fn shorten_role(role: &mut Value) {
    if let Some((_, name)) = role.as_str().and_then(|role| role.rsplit_once('/')) {
        *role = Value::from(name);
    }
}
