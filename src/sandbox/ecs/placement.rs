//! Placement: which container instance takes a task, and what is lacking if none does.
//!
//! Source: ECS developer guide, "task placement"; the events' reasons are those of published event dumps.
//! **Invariant:** the same cluster and the same task always give the same instance.

use std::collections::BTreeMap;

use crate::sandbox::ApiError;
use crate::sandbox::ecs::daemon;
use crate::sandbox::ecs::document::{Document, list, object, objects, text, whole};
use crate::sandbox::ecs::instances::{Instance, InstanceStatus};
use crate::sandbox::ecs::query::{self, Expression, Facts, Unreadable};
use crate::sandbox::ecs::refuse;
use crate::sandbox::ecs::task::{Step, Task};
use crate::sandbox::ecs::task_definition::Revision;

/// What a task takes from an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    pub cpu: u64,
    pub memory: u64,
    /// Fixed host ports.
    pub ports: Vec<u16>,
}

/// Why no instance took a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unplaced {
    /// RunTask's `failures[].reason`.
    pub code: &'static str,
    /// The middle of the service event.
    pub closest: String,
}

/// The placement members of a service, or of RunTask.
#[derive(Clone, Debug, Default)]
pub struct Placement {
    pub is_distinct: bool,
    /// At most one task of the group on an instance, even while it stops: the DAEMON strategy.
    pub is_daemon: bool,
    /// `memberOf`: each must hold.
    pub members: Vec<Expression>,
    /// `(type, field)`, in order.
    pub strategy: Vec<(String, String)>,
}

impl Placement {
    /// Reads `placementConstraints` and `placementStrategy`, and the constraints of the task definition. Constraints that
    /// cannot be read were refused when they came.
    pub fn read(of: &Document, definition: &Document) -> Self {
        let of_type = |item: &Document| text(item, "type").unwrap_or_default().to_owned();
        let field = |item: &Document| text(item, "field").unwrap_or_default().to_ascii_lowercase();
        let constraints = objects(of, "placementConstraints")
            .chain(objects(definition, "placementConstraints"))
            .filter(|item| text(item, "type") == Some("memberOf"));
        Self {
            is_daemon: daemon::is_daemon(of),
            members: constraints
                .filter_map(|item| query::read(text(item, "expression")?).ok())
                .collect(),
            is_distinct: objects(of, "placementConstraints")
                .any(|item| of_type(item) == "distinctInstance"),
            strategy: objects(of, "placementStrategy")
                .map(|item| (of_type(item), field(item)))
                .collect(),
        }
    }
}

impl Needs {
    /// Task-level sizes, or the sum over the containers (reservation before limit).
    pub fn of(definition: &Revision) -> Self {
        let sum = |key: &str, instead: &str| -> u64 {
            let of = |container: &Document| {
                whole(container, key)
                    .or_else(|| whole(container, instead))
                    .unwrap_or(0)
            };
            definition
                .containers()
                .map(of)
                .filter_map(|n| u64::try_from(n).ok())
                .sum()
        };
        let task = |key: &str| text(&definition.document, key).and_then(|size| size.parse().ok());
        let fixed = |container: &Document| -> Vec<u16> {
            objects(container, "portMappings")
                .filter_map(|port| {
                    whole(port, "hostPort").and_then(|port| u16::try_from(port).ok())
                })
                .filter(|&port| port != 0)
                .collect()
        };
        let has_own_interface = definition.network_mode() == "awsvpc";
        Self {
            cpu: task("cpu").unwrap_or_else(|| sum("cpu", "cpu")),
            memory: task("memory").unwrap_or_else(|| sum("memoryReservation", "memory")),
            ports: if has_own_interface {
                Vec::new()
            } else {
                definition.containers().flat_map(fixed).collect()
            },
        }
    }
}

/// What the tasks on one instance hold.
#[derive(Clone, Debug, Default)]
pub struct Load {
    pub cpu: u64,
    pub memory: u64,
    pub ports: Vec<u16>,
    pub running: usize,
    pub pending: usize,
    /// Tasks of the group that is being placed.
    of_group: usize,
    /// The same with those that are stopping.
    standing: usize,
}

/// What the tasks on an instance hold.
pub fn load(instance: &Instance, tasks: &BTreeMap<String, Task>, group: &str) -> Load {
    let mut load = Load::default();
    for task in tasks
        .values()
        .filter(|task| task.instance.as_deref() == Some(&instance.id))
    {
        if !task.holds_resources() {
            continue;
        }
        load.cpu += task.holds.cpu;
        load.memory += task.holds.memory;
        load.ports.extend(&task.holds.ports);
        load.running += usize::from(task.step >= Step::Running);
        load.pending += usize::from(task.step < Step::Running);
        let of_group = text(&task.document, "group") == Some(group);
        load.of_group += usize::from(of_group && task.is_wanted());
        load.standing += usize::from(of_group);
    }
    load
}

/// The instance for one more task of `group`.
pub fn place(
    instances: &BTreeMap<String, Instance>,
    tasks: &BTreeMap<String, Task>,
    group: &str,
    needs: &Needs,
    placement: &Placement,
) -> Result<String, Unplaced> {
    let active = instances
        .values()
        .filter(|instance| instance.status == InstanceStatus::Active);
    let loads: Vec<(&Instance, Load)> = active
        .map(|instance| (instance, load(instance, tasks, group)))
        .collect();
    let fits: Vec<&(&Instance, Load)> = loads
        .iter()
        .filter(|(instance, load)| {
            let facts = Facts { instance, tasks };
            lack(facts, load, needs, placement).is_none()
        })
        .collect();
    let in_zone = |zone: &str| -> usize {
        loads
            .iter()
            .filter(|(instance, _)| instance.zone == zone)
            .map(|(_, load)| load.of_group)
            .sum()
    };
    let rank = |(instance, load): &(&Instance, Load)| -> Vec<u64> {
        let key = |(kind, field): &(String, String)| match (kind.as_str(), field.as_str()) {
            ("binpack", "cpu") => instance.cpu - load.cpu,
            ("binpack", _) => instance.memory - load.memory,
            ("spread", "instanceid" | "host") => load.of_group as u64,
            ("spread", _) => in_zone(&instance.zone) as u64,
            _ => 0,
        };
        // Without a strategy a service spreads over zones; what is left to chance on AWS is evened out here.
        let usual = [in_zone(&instance.zone) as u64, load.of_group as u64];
        placement.strategy.iter().map(key).chain(usual).collect()
    };
    match fits
        .into_iter()
        .min_by_key(|candidate| (rank(candidate), &candidate.0.id))
    {
        Some((instance, _)) => Ok(instance.id.clone()),
        None => Err(closest(&loads, tasks, needs, placement)),
    }
}

/// What the instance lacks: RunTask's reason, and the words of the service event.
fn lack(
    facts: Facts<'_>,
    load: &Load,
    needs: &Needs,
    placement: &Placement,
) -> Option<(&'static str, &'static str)> {
    let instance = facts.instance;
    if !placement.members.iter().all(|one| one.holds(facts)) {
        Some((
            "MemberOf placement constraint unsatisfied.",
            "encountered error \"MemberOf placement constraint unsatisfied.\".",
        ))
    } else if load.memory + needs.memory > instance.memory {
        Some(("RESOURCE:MEMORY", "has insufficient memory available."))
    } else if load.cpu + needs.cpu > instance.cpu {
        Some(("RESOURCE:CPU", "has insufficient CPU units available."))
    } else if needs.ports.iter().any(|port| load.ports.contains(port)) {
        Some((
            "RESOURCE:PORTS",
            "is already using a port required by your task.",
        ))
    } else if placement.is_distinct && load.of_group > 0 {
        Some((
            "DistinctInstance placement constraint unsatisfied.",
            "encountered error \"DistinctInstance placement constraint unsatisfied.\".",
        ))
    } else if placement.is_daemon && load.standing > 0 {
        Some(("LOCATION", "already has a task of the service.")) // ours; the scheduler never asks for it
    } else {
        None
    }
}

fn closest(
    loads: &[(&Instance, Load)],
    tasks: &BTreeMap<String, Task>,
    needs: &Needs,
    placement: &Placement,
) -> Unplaced {
    let freest = loads
        .iter()
        .max_by_key(|(instance, load)| instance.memory.saturating_sub(load.memory));
    let Some((instance, load)) = freest else {
        return Unplaced {
            code: "EMPTY",
            closest: "Reason: No Container Instances were found in your cluster.".to_owned(),
        };
    };
    let facts = Facts { instance, tasks };
    let (code, words) =
        lack(facts, load, needs, placement).unwrap_or(("AGENT", "is not available."));
    Unplaced {
        code,
        closest: format!(
            "The closest matching (container-instance {}) {words}",
            instance.id
        ),
    }
}

/// Refuses constraints that are none, and those that the sandbox cannot judge, rather than ignoring them.
pub fn check_placement(of: &Document, operation: &str) -> Result<(), ApiError> {
    for item in objects(of, "placementConstraints") {
        match text(item, "type") {
            Some("distinctInstance") => {}
            Some("memberOf") => {
                read_query(text(item, "expression").unwrap_or_default(), operation)?;
            }
            other => {
                let kind = other.unwrap_or("no type");
                return Err(refuse::invalid(format!(
                    "Invalid placement constraint type: {kind}." // ours
                )));
            }
        }
    }
    Ok(())
}

/// Reads an expression of the cluster query language, or refuses it as AWS, or the sandbox, does.
pub fn read_query(text: &str, operation: &str) -> Result<Expression, ApiError> {
    query::read(text).map_err(|error| match error {
        // The sentence is ours.
        Unreadable::Malformed(why) => {
            refuse::invalid(format!("Invalid expression '{text}': {why}."))
        }
        Unreadable::NotModelled(part) => ApiError::part_not_modelled("ecs", operation, &part),
    })
}

/// Whether a network configuration names subnets.
pub fn has_subnets(of: &Document) -> bool {
    object(of, "networkConfiguration")
        .and_then(|network| object(network, "awsvpcConfiguration"))
        .is_some_and(|awsvpc| !list(awsvpc, "subnets").is_empty())
}
