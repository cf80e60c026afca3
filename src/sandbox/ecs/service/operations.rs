//! DescribeServices, ListServices and DeleteService.

use serde_json::{Value, json};

use super::answer::Tags;
use super::state::{Service, Status};
use crate::sandbox::ApiError;
use crate::sandbox::ecs::document::{Document, filled, is_true, last_part, text, texts};
use crate::sandbox::ecs::launch::Fleet;
use crate::sandbox::ecs::paging;
use crate::sandbox::ecs::refuse;
use crate::sandbox::ecs::state::{Ecs, Ground};
use crate::sandbox::ecs::task_set::{self, SetStatus, TaskSet};

/// DescribeServices: at most 10.
pub fn describe(ecs: &mut Ecs, input: &Document) -> Result<Value, ApiError> {
    let names: Vec<&str> = texts(input, "services").collect();
    if names.is_empty() {
        return Err(refuse::invalid("Services cannot be empty."));
    }
    if names.len() > 10 {
        return Err(refuse::invalid("Services can have at most 10 items."));
    }
    let tags = if texts(input, "include").any(|one| one == "TAGS") {
        Tags::Shown
    } else {
        Tags::Hidden
    };
    let cluster = ecs.cluster(input)?;
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for name in names {
        match cluster.services.get(last_part(name)) {
            Some(service) => found.push(service.answer(&cluster.tasks, tags)),
            None => {
                failures.push(json!({ "arn": arn_of(&cluster.arn, name), "reason": "MISSING" }));
            }
        }
    }
    Ok(json!({ "services": found, "failures": failures }))
}

fn arn_of(cluster_arn: &str, name: &str) -> String {
    if name.starts_with("arn:") {
        return name.to_owned();
    }
    format!(
        "{}/{name}",
        cluster_arn.replacen(":cluster/", ":service/", 1)
    )
}

/// ListServices: active ones.
pub fn list(ecs: &mut Ecs, input: &Document) -> Result<Value, ApiError> {
    let cluster = ecs.cluster(input)?;
    let chosen = cluster.services.values().filter(|service| {
        let fits = |key| {
            text(input, key).is_none_or(|wanted| text(&service.document, key) == Some(wanted))
        };
        service.status == Status::Active && fits("launchType") && fits("schedulingStrategy")
    });
    let arns: Vec<Value> = chosen.map(|service| json!(service.arn)).collect();
    Ok(paging::page(arns, input, 10)?.answer("serviceArns"))
}

/// DeleteService: the tasks stop, the service drains and becomes inactive.
pub fn delete(ecs: &mut Ecs, input: &Document, ground: &mut Ground<'_>) -> Result<Value, ApiError> {
    let name = filled(input, "service")
        .ok_or_else(|| refuse::invalid("Service should not be null or empty."))?;
    let cluster_name = ecs.cluster(input)?.name.clone();
    let (services, mut fleet) = ecs.fleet(&cluster_name).ok_or_else(refuse::no_cluster)?;
    let service = services
        .get_mut(last_part(name))
        .filter(|service| service.status != Status::Inactive);
    let service = service.ok_or_else(refuse::no_service)?;
    if service.status == Status::Active {
        if service.desired > 0 && !service.is_daemon() && !is_true(input, "force") {
            return Err(refuse::invalid(
                "The service cannot be stopped while it is scaled above 0.",
            ));
        }
        let others = service
            .task_sets
            .iter()
            .filter(|set| set.status != SetStatus::Primary);
        if others.count() > 0 && !is_true(input, "force") {
            return Err(refuse::invalid(
                "The service cannot be stopped while deployments are active.",
            ));
        }
        drain(service, &mut fleet, ground);
    }
    Ok(json!({ "service": service.answer(fleet.tasks, Tags::Hidden) }))
}

/// Stops all that the service runs.
fn drain(service: &mut Service, fleet: &mut Fleet<'_>, ground: &mut Ground<'_>) {
    service.desired = 0;
    service.status = Status::Draining;
    let sets: Vec<u64> = service.task_sets.iter().map(TaskSet::number).collect();
    for number in sets {
        task_set::drain(service, number, fleet, ground);
    }
    let Some(primary) = service.deployments.first_mut() else {
        return;
    };
    primary.desired = 0;
    let reason = format!(
        "Scaling activity initiated by (deployment {})",
        primary.id()
    );
    for id in &service.live {
        fleet.stop(id, "ServiceSchedulerInitiated", &reason, ground);
    }
}
