//! CreateService.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::answer::Tags;
use super::rules;
use super::state::{Service, Status};
use crate::sandbox::ApiError;
use crate::sandbox::ecs::capacity;
use crate::sandbox::ecs::daemon;
use crate::sandbox::ecs::document::{
    Document, default_to, filled, list, member, text, texts, without_nulls,
};
use crate::sandbox::ecs::events::Events;
use crate::sandbox::ecs::images;
use crate::sandbox::ecs::native::{self, Strategy};
use crate::sandbox::ecs::placement::check_placement;
use crate::sandbox::ecs::quiet::Rest;
use crate::sandbox::ecs::refuse;
use crate::sandbox::ecs::state::{Ecs, Ground};
use crate::sandbox::ecs::tags;
use crate::sandbox::ecs::task_set::{self, Controller};
use crate::sandbox::ids;

/// Members that steer the call and are not part of the service's document.
const STEERING: [&str; 6] = [
    "cluster",
    "serviceName",
    "desiredCount",
    "clientToken",
    "tags",
    "role",
];

pub fn create(ecs: &mut Ecs, input: &Document, ground: &mut Ground<'_>) -> Result<Value, ApiError> {
    let name = filled(input, "serviceName")
        .ok_or_else(|| refuse::invalid("Service name should not be null or empty."))?;
    if let Some(existing) = repeated(ecs, name, input)? {
        return Ok(json!({ "service": existing }));
    }
    create_in(ecs, input, ground)?;
    let cluster = ecs.cluster(input)?;
    let service = &cluster.services[name];
    Ok(json!({ "service": service.answer(&cluster.tasks, Tags::Shown) }))
}

/// A service of that name that is there already: the same call again answers it, any other is refused.
fn repeated(ecs: &mut Ecs, name: &str, input: &Document) -> Result<Option<Value>, ApiError> {
    let cluster = ecs.cluster(input)?;
    let Some(service) = cluster.services.get(name) else {
        return Ok(None);
    };
    match service.status {
        Status::Inactive => Ok(None),
        Status::Draining => Err(refuse::invalid(
            "Unable to Start a service that is still Draining.",
        )),
        Status::Active if service.request == without_nulls(&Value::Object(input.clone())) => {
            Ok(Some(service.answer(&cluster.tasks, Tags::Shown)))
        }
        Status::Active => Err(refuse::invalid("Creation of service was not idempotent.")),
    }
}

/// Creates the service. With the controller ECS it has its first deployment, with CODE_DEPLOY its first task set, which
/// the scheduler will carry out; with EXTERNAL it has nothing to run yet.
pub fn create_in(ecs: &mut Ecs, input: &Document, ground: &mut Ground<'_>) -> Result<(), ApiError> {
    let name = filled(input, "serviceName").unwrap_or_default();
    check_name(name)?;
    if text(input, "clientToken").is_some_and(|token| token.len() > 36) {
        return Err(refuse::invalid(
            "clientToken can have at most 36 characters.",
        ));
    }
    let controller = Controller::of(input)?;
    task_set::check_service(controller, input)?;
    check_placement(input, "CreateService")?;
    let service = if controller == Controller::External {
        let desired = desired_count(input)?.unwrap_or(0);
        let document = with_defaults(ecs, input, ground)?;
        blank(ecs, input, document, desired, ground)?
    } else {
        with_tasks(ecs, input, controller, ground)?
    };
    ecs.cluster(input)?
        .services
        .insert(name.to_owned(), service);
    Ok(())
}

/// A service that knows from the start what it is to run.
fn with_tasks(
    ecs: &mut Ecs,
    input: &Document,
    controller: Controller,
    ground: &mut Ground<'_>,
) -> Result<Service, ApiError> {
    let named = filled(input, "taskDefinition")
        .ok_or_else(|| refuse::invalid("TaskDefinition can not be blank."))?;
    let mut document = with_defaults(ecs, input, ground)?;
    daemon::check(&document, input)?;
    // The scheduler counts the instances of a DAEMON service.
    let desired = match desired_count(input)? {
        Some(desired) => desired,
        None if daemon::is_daemon(&document) => 0,
        None => return Err(refuse::invalid("desiredCount should not be null.")),
    };
    let definition = ecs.definition_to_run(named)?;
    document.insert("taskDefinition".into(), json!(definition.arn));
    rules::check(&document, definition, ground)?;
    let resolved = images::resolve(definition, ground);
    let mut service = blank(ecs, input, document, desired, ground)?;
    if controller == Controller::CodeDeploy {
        task_set::create_first(&mut service, resolved, ground);
    } else {
        service.deploy(resolved, ground);
    }
    Ok(service)
}

fn blank(
    ecs: &mut Ecs,
    input: &Document,
    document: Document,
    desired: u32,
    ground: &Ground<'_>,
) -> Result<Service, ApiError> {
    let name = filled(input, "serviceName").unwrap_or_default();
    let cluster = ecs.cluster(input)?;
    Ok(Service {
        name: name.to_owned(),
        arn: ground.arn(&format!("service/{}/{name}", cluster.name)),
        cluster: cluster.name.clone(),
        cluster_arn: cluster.arn.clone(),
        status: Status::Active,
        document,
        desired,
        tags: tags::read(input)?,
        created_at: ground.now,
        created_by: ground.caller(),
        deployments: Vec::new(),
        task_sets: Vec::new(),
        revisions: BTreeMap::new(),
        rollouts: Vec::new(),
        events: Events::default(),
        live: Vec::new(),
        last_completed: None,
        request: without_nulls(&Value::Object(input.clone())),
        owed: 0,
        rest: Rest::default(),
    })
}

fn check_name(name: &str) -> Result<(), ApiError> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    if name.len() <= 255 && name.chars().all(legal) {
        Ok(())
    } else {
        Err(refuse::invalid(format!("Invalid service name '{name}'.")))
    }
}

/// ECS's quota of tasks in one service. What it does beyond is not documented, and would fill the memory here.
const MOST_TASKS: u32 = 5000;

/// `desiredCount`, if it is given.
pub fn desired_count(input: &Document) -> Result<Option<u32>, ApiError> {
    let Some(given) = member(input, "desiredCount") else {
        return Ok(None);
    };
    let count = given.as_u64().and_then(|count| u32::try_from(count).ok());
    match count {
        Some(count) if count > MOST_TASKS => {
            let part = format!("a desiredCount above {MOST_TASKS}");
            Err(ApiError::part_not_modelled("ecs", "CreateService", &part))
        }
        Some(count) => Ok(Some(count)),
        None => Err(refuse::invalid(
            "desiredCount must be a non-negative integer.",
        )),
    }
}

fn with_defaults(
    ecs: &mut Ecs,
    input: &Document,
    ground: &Ground<'_>,
) -> Result<Document, ApiError> {
    let cluster = ecs.cluster(input)?;
    let usual_strategy = list(&cluster.document, "defaultCapacityProviderStrategy");
    let mut document = match without_nulls(&Value::Object(input.clone())) {
        Value::Object(members) => members,
        _ => Document::new(),
    };
    for key in STEERING {
        document.shift_remove(key);
    }
    choose_launch_type(&mut document, usual_strategy);
    let providers: Vec<&str> = texts(&cluster.document, "capacityProviders").collect();
    let strategy = list(&document, "capacityProviderStrategy");
    capacity::check_strategy(strategy, &providers)?;
    for key in [
        "loadBalancers",
        "serviceRegistries",
        "placementConstraints",
        "placementStrategy",
    ] {
        default_to(&mut document, key, || json!([]));
    }
    default_to(&mut document, "schedulingStrategy", || json!("REPLICA"));
    default_to(
        &mut document,
        "deploymentController",
        || json!({ "type": "ECS" }),
    );
    default_to(&mut document, "enableECSManagedTags", || json!(false));
    default_to(&mut document, "propagateTags", || json!("NONE"));
    default_to(&mut document, "enableExecuteCommand", || json!(false));
    // Not for DAEMON services; stored only, tasks are never moved for it.
    let rebalancing = if daemon::is_daemon(&document) {
        "DISABLED"
    } else {
        "ENABLED"
    };
    default_to(&mut document, "availabilityZoneRebalancing", || {
        json!(rebalancing)
    });
    default_to(&mut document, "resourceManagementType", || {
        json!("CUSTOMER")
    });
    if !list(&document, "loadBalancers").is_empty() {
        default_to(&mut document, "healthCheckGracePeriodSeconds", || json!(0));
    }
    let linked = "role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS";
    default_to(&mut document, "roleArn", || {
        json!(ids::arn("iam", "", ground.account, linked))
    });
    fill_configuration(&mut document);
    fill_network(&mut document);
    for key in ["vpcLatticeConfigurations", "volumeConfigurations"] {
        if list(&document, key).is_empty() {
            document.shift_remove(key);
        }
    }
    Ok(document)
}

/// The launch type of a service or task set that names none: the cluster's default strategy, or EC2.
pub fn choose_launch_type(document: &mut Document, usual_strategy: &[Value]) {
    if list(document, "capacityProviderStrategy").is_empty() {
        document.shift_remove("capacityProviderStrategy");
        if text(document, "launchType").is_none() {
            if usual_strategy.is_empty() {
                document.insert("launchType".into(), json!("EC2"));
            } else {
                document.insert("capacityProviderStrategy".into(), json!(usual_strategy));
            }
        }
    }
    let first = list(document, "capacityProviderStrategy").first();
    let on_fargate = text(document, "launchType") == Some("FARGATE")
        || first
            .and_then(|one| one["capacityProvider"].as_str())
            .is_some_and(|name| name.starts_with("FARGATE"));
    if on_fargate {
        default_to(document, "platformVersion", || json!("LATEST"));
        default_to(document, "platformFamily", || json!("Linux"));
    }
}

fn fill_configuration(document: &mut Document) {
    let (maximum, minimum) = daemon::usual_percents(document);
    let has_task_sets = Controller::of(document).is_ok_and(Controller::has_task_sets);
    default_to(document, "deploymentConfiguration", || json!({}));
    let Some(configuration) = document
        .get_mut("deploymentConfiguration")
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    default_to(configuration, "maximumPercent", || maximum);
    default_to(configuration, "minimumHealthyPercent", || minimum);
    if has_task_sets {
        return;
    }
    default_to(
        configuration,
        "deploymentCircuitBreaker",
        || json!({ "enable": false, "rollback": false }),
    );
    default_to(configuration, "strategy", || json!("ROLLING"));
    let given = configuration.clone();
    native::fill(configuration, &given);
    if Strategy::of(configuration) != Strategy::BlueGreen {
        default_to(configuration, "bakeTimeInMinutes", || json!(0));
    }
}

/// `securityGroups` and `assignPublicIp` when they are absent.
pub fn fill_network(document: &mut Document) {
    let Some(awsvpc) = document
        .get_mut("networkConfiguration")
        .and_then(|network| network.get_mut("awsvpcConfiguration"))
    else {
        return;
    };
    if let Some(awsvpc) = awsvpc.as_object_mut() {
        default_to(awsvpc, "securityGroups", || json!([]));
        default_to(awsvpc, "assignPublicIp", || json!("DISABLED"));
    }
}
