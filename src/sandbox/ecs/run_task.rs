//! RunTask: tasks without a service, and the client token that makes the call repeatable.
//!
//! Source: ECS API reference, `RunTask`; ECS developer guide, "idempotency": a token holds for 24 hours in a cluster.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::sandbox::ecs::capacity;
use crate::sandbox::ecs::document::{Document, default_to, filled, object, text, whole};
use crate::sandbox::ecs::images;
use crate::sandbox::ecs::launch::{Order, launch_document};
use crate::sandbox::ecs::placement::{self, Placement};
use crate::sandbox::ecs::refuse;
use crate::sandbox::ecs::state::{Ecs, Ground};
use crate::sandbox::ecs::tags;
use crate::sandbox::ecs::task::Origin;
use crate::sandbox::ecs::task_definition::Revision;
use crate::sandbox::{ApiError, Duration, Time};

const TOKEN_HOLDS: Duration = Duration::from_secs(24 * 3600);

/// What a client token was used for.
#[derive(Clone, Debug)]
pub struct Receipt {
    at: Time,
    input: Document,
    answer: Value,
}

pub fn run(ecs: &mut Ecs, input: &Document, ground: &mut Ground<'_>) -> Result<Value, ApiError> {
    let named = filled(input, "taskDefinition")
        .ok_or_else(|| refuse::invalid("TaskDefinition can not be blank."))?;
    let count = match whole(input, "count") {
        None => 1,
        Some(count @ 1..=10) => count as usize,
        Some(_) => return Err(refuse::invalid("Count must be between 1 and 10.")),
    };
    check_lengths(input)?;
    let cluster = ecs.cluster(input)?.name.clone();
    if let Some(answer) = repeated(ecs, input, ground.now)? {
        return Ok(answer);
    }
    placement::check_placement(input, "RunTask")?;
    let definition = ecs.definition_to_run(named)?.clone();
    let launch_type = launch_type(input);
    check(input, &definition, launch_type)?;
    let answer = launch(
        ecs,
        &cluster,
        input,
        &definition,
        (launch_type, count),
        ground,
    )?;
    if let Some(token) = filled(input, "clientToken") {
        let receipt = Receipt {
            at: ground.now,
            input: input.clone(),
            answer: answer.clone(),
        };
        ecs.cluster(input)?
            .receipts
            .insert(token.to_owned(), receipt);
    }
    Ok(answer)
}

fn repeated(ecs: &mut Ecs, input: &Document, now: Time) -> Result<Option<Value>, ApiError> {
    let Some(token) = filled(input, "clientToken") else {
        return Ok(None);
    };
    let receipts = &mut ecs.cluster(input)?.receipts;
    receipts.retain(|_, receipt| now.since(receipt.at) < TOKEN_HOLDS);
    let Some(receipt) = receipts.get(token) else {
        return Ok(None);
    };
    if receipt.input == *input {
        return Ok(Some(receipt.answer.clone()));
    }
    let tasks = receipt.answer["tasks"].as_array().into_iter().flatten();
    let arns: Vec<Value> = tasks.map(|task| task["taskArn"].clone()).collect();
    // The code and its member are modelled; the sentence is ours.
    Err(ApiError::client(
        "ConflictException",
        "The client token was used with other parameters.",
    )
    .with("resourceIds", arns))
}

fn launch_type(input: &Document) -> &str {
    let provider = crate::sandbox::ecs::document::objects(input, "capacityProviderStrategy").next();
    let on_fargate = provider
        .and_then(|one| text(one, "capacityProvider"))
        .is_some_and(|name| name.starts_with("FARGATE"));
    text(input, "launchType").unwrap_or(if on_fargate { "FARGATE" } else { "EC2" })
}

/// ECS API reference, `RunTask`: the limits are documented, the words are ours.
fn check_lengths(input: &Document) -> Result<(), ApiError> {
    let length = |key: &str| text(input, key).map_or(0, str::len);
    let overrides = object(input, "overrides").map_or(0, |one| json!(one).to_string().len());
    for (what, length, most) in [
        ("overrides", overrides, 8192),
        ("startedBy", length("startedBy"), 128),
        ("clientToken", length("clientToken"), 64),
    ] {
        if length > most {
            return Err(refuse::invalid(format!(
                "{what} can have at most {most} characters."
            )));
        }
    }
    Ok(())
}

fn check(input: &Document, definition: &Revision, launch_type: &str) -> Result<(), ApiError> {
    if !definition.is_compatible(launch_type) {
        return Err(refuse::invalid(format!(
            "Task definition does not support launch_type {launch_type}."
        )));
    }
    match (
        definition.network_mode(),
        object(input, "networkConfiguration").is_some(),
    ) {
        ("awsvpc", false) => Err(refuse::invalid(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        )),
        ("awsvpc", true) if !placement::has_subnets(input) => {
            Err(refuse::invalid("subnets can not be empty."))
        }
        ("awsvpc", true) | (_, false) => Ok(()),
        (_, true) => Err(refuse::invalid(
            "Network Configuration is not valid for the given networkMode of this task definition.",
        )),
    }
}

fn launch(
    ecs: &mut Ecs,
    cluster: &str,
    input: &Document,
    definition: &Revision,
    (launch_type, count): (&str, usize),
    ground: &mut Ground<'_>,
) -> Result<Value, ApiError> {
    let images = images::resolve(definition, ground);
    let tags = tags::read(input)?;
    let group = filled(input, "group")
        .map_or_else(|| format!("family:{}", definition.family), str::to_owned);
    let mut settings = input.clone();
    settings.shift_remove("loadBalancers"); // only services have them
    let (_, mut fleet) = ecs.fleet(cluster).ok_or_else(refuse::no_cluster)?;
    let (mut tasks, mut failures) = (Vec::new(), Vec::new());
    let mut placed: BTreeMap<String, u64> = BTreeMap::new();
    for _ in 0..count {
        let mut document = launch_document(&overrides(input), input);
        let on = |name: &str| placed.get(name).copied().unwrap_or(0);
        if let Some(provider) = capacity::choose(input, on).map(str::to_owned) {
            document.insert("capacityProviderName".into(), json!(provider));
            *placed.entry(provider).or_default() += 1;
        }
        let order = Order {
            definition,
            images: &images,
            launch_type,
            origin: Origin::RunTask,
            group: group.clone(),
            started_by: filled(input, "startedBy").map(str::to_owned),
            placement: Placement::read(input, &definition.document),
            settings: &settings,
            document,
            tags: tags.clone(),
        };
        match fleet.launch(order, ground) {
            Ok(id) => tasks.push(fleet.tasks[&id].answer(ground.now)),
            Err(unplaced) if unplaced.code == "EMPTY" => {
                return Err(refuse::invalid(
                    "No Container Instances were found in your cluster.",
                ));
            }
            Err(unplaced) => {
                failures.push(json!({ "arn": fleet.cluster_arn, "reason": unplaced.code }));
            }
        }
    }
    Ok(json!({ "tasks": tasks, "failures": failures }))
}

fn overrides(input: &Document) -> Value {
    let mut overrides = object(input, "overrides").cloned().unwrap_or_default();
    default_to(&mut overrides, "containerOverrides", || json!([]));
    default_to(
        &mut overrides,
        "inferenceAcceleratorOverrides",
        || json!([]),
    );
    Value::Object(overrides)
}
