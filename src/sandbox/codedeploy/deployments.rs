//! Deployments: making, stopping and continuing them, and looking at them.

use serde_json::{Value, json};

use crate::sandbox::codedeploy::api::{fail, need, page};
use crate::sandbox::codedeploy::appspec::AppSpec;
use crate::sandbox::codedeploy::model::{
    CodeDeploy, Deployment, Event, Group, Phase, Rollback, Sets, Status,
};
use crate::sandbox::codedeploy::{rollback, run, show};
use crate::sandbox::input::Input;
use crate::sandbox::{ApiError, Rng, World};

const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const BATCH: usize = 25;
const SETTINGS: [&str; 2] = ["autoRollbackConfiguration", "overrideAlarmConfiguration"];

pub fn create(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&[
        "applicationName",
        "deploymentGroupName",
        "revision",
        "deploymentConfigName",
        "description",
        "autoRollbackConfiguration",
        "overrideAlarmConfiguration",
    ])?;
    let application = need(input, "applicationName", "ApplicationNameRequiredException")?;
    let group_name = need(
        input,
        "deploymentGroupName",
        "DeploymentGroupNameRequiredException",
    )?;
    let group = world.code_deploy.group(application, group_name)?.clone();
    let Some(revision) = input.at("revision") else {
        return fail("RevisionRequiredException", "revision is required");
    };
    let spec = AppSpec::read(revision)?;
    let running = world
        .code_deploy
        .of_group(application, group_name)
        .find(|one| !one.is_over());
    if let Some(running) = running {
        let text = format!(
            "The Deployment Group '{group_name}' already has an active Deployment '{}'",
            running.id
        );
        return fail("DeploymentLimitExceededException", &text);
    }
    let of_group = group.document["deploymentConfigName"]
        .as_str()
        .unwrap_or_default();
    let config = input.text("deploymentConfigName").unwrap_or(of_group);
    let mut deployment = begin(world, application, group_name, &group);
    deployment.shift = world.code_deploy.shift(config)?;
    config.clone_into(&mut deployment.config);
    deployment.description = input.text("description").map(str::to_owned);
    deployment.previous = last_good(&world.code_deploy, application, group_name);
    deployment.spec = Some(spec);
    for name in SETTINGS {
        if let Some(value) = input.get(name) {
            deployment.settings[name] = value.clone();
        }
    }
    let id = deployment.id.clone();
    world.code_deploy.add(deployment);
    Ok(json!({"deploymentId": id}))
}

/// The AppSpec of the group's last deployment that succeeded.
pub fn last_good(code_deploy: &CodeDeploy, application: &str, group: &str) -> Option<AppSpec> {
    let good = code_deploy
        .of_group(application, group)
        .filter(|one| one.status == Status::Succeeded);
    good.last().and_then(|one| one.spec.clone())
}

/// A deployment that has not begun.
fn begin(world: &mut World, application: &str, name: &str, group: &Group) -> Deployment {
    let config = group.document["deploymentConfigName"]
        .as_str()
        .unwrap_or_default();
    Deployment {
        id: new_id(&mut world.rng),
        application: application.to_owned(),
        group: name.to_owned(),
        config: config.to_owned(),
        shift: super::shift::Shift::AllAtOnce,
        description: None,
        creator: "user",
        spec: None,
        previous: None,
        settings: group.document.clone(),
        service: group.service.clone(),
        pair: group.pair.clone(),
        status: Status::Created,
        error: None,
        created: world.now,
        started: None,
        completed: None,
        events: events(group.pair.test.is_some()),
        phase: Phase::Event(0),
        since: world.now,
        continued: false,
        sets: Sets::default(),
        rollback: Rollback::default(),
    }
}

/// `d-` and nine capital letters or digits.
pub fn new_id(rng: &mut Rng) -> String {
    format!("d-{}", rng.text(LETTERS, 9))
}

fn events(with_test_traffic: bool) -> Vec<Event> {
    let test: &[&'static str] = if with_test_traffic {
        &["AllowTestTraffic", "AfterAllowTestTraffic"]
    } else {
        &[]
    };
    let before = ["BeforeInstall", "Install", "AfterInstall"];
    let after = ["BeforeAllowTraffic", "AllowTraffic", "AfterAllowTraffic"];
    let all = before.iter().chain(test).chain(&after);
    all.map(|name| Event::pending(name)).collect()
}

fn id(input: Input<'_>) -> Result<&str, ApiError> {
    need(input, "deploymentId", "DeploymentIdRequiredException")
}

pub fn get(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["deploymentId"])?;
    let deployment = world.code_deploy.deployment(id(input)?)?;
    Ok(json!({"deploymentInfo": show::deployment(deployment)}))
}

pub fn batch_get(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["deploymentIds"])?;
    let ids = input.texts("deploymentIds");
    if ids.len() > BATCH {
        return fail(
            "BatchLimitExceededException",
            "The maximum number of deployments is 25.",
        );
    }
    let found = ids.iter().filter_map(|id| {
        world
            .code_deploy
            .deployment(id)
            .ok()
            .map(|one| show::deployment(one))
    });
    Ok(json!({"deploymentsInfo": found.collect::<Vec<_>>()}))
}

/// The newest first.
pub fn list(world: &World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&[
        "applicationName",
        "deploymentGroupName",
        "includeOnlyStatuses",
        "createTimeRange",
        "nextToken",
    ])?;
    let (application, group) = (
        input.text("applicationName"),
        input.text("deploymentGroupName"),
    );
    let statuses = input.texts("includeOnlyStatuses");
    let range = input.get("createTimeRange");
    let bound = |end: &str| range.and_then(|range| range[end].as_f64());
    let (start, end) = (bound("start"), bound("end"));
    if let (Some(application), Some(group)) = (application, group) {
        world.code_deploy.group(application, group)?;
    }
    let is_wanted = |one: &&Deployment| {
        application.is_none_or(|name| name == one.application)
            && group.is_none_or(|name| name == one.group)
            && (statuses.is_empty() || statuses.contains(&one.status.as_str()))
            && start.is_none_or(|start| one.created.millis() as f64 >= start * 1000.0)
            && end.is_none_or(|end| one.created.millis() as f64 <= end * 1000.0)
    };
    let found = world.code_deploy.deployments.iter().rev().filter(is_wanted);
    page(
        input,
        "deployments",
        found.map(|one| one.id.clone()).collect(),
    )
}

pub fn list_targets(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["deploymentId", "nextToken"])?;
    let deployment = started(world, id(input)?)?;
    Ok(json!({"targetIds": [show::target_id(&deployment)]}))
}

pub fn get_target(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["deploymentId", "targetId"])?;
    let target = need(input, "targetId", "DeploymentTargetIdRequiredException")?;
    let deployment = started(world, id(input)?)?;
    check_target(&deployment, target)?;
    Ok(json!({"deploymentTarget": show::target(world, &deployment)}))
}

pub fn batch_get_targets(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["deploymentId", "targetIds"])?;
    let deployment = started(world, id(input)?)?;
    let targets = input.texts("targetIds");
    if targets.is_empty() {
        return fail(
            "DeploymentTargetIdRequiredException",
            "targetIds is required",
        );
    }
    if targets.len() > BATCH {
        return fail(
            "DeploymentTargetListSizeExceededException",
            "The maximum number of targets is 25.",
        );
    }
    let mut shown = vec![];
    for target in targets {
        check_target(&deployment, target)?;
        shown.push(show::target(world, &deployment));
    }
    Ok(json!({"deploymentTargets": shown}))
}

fn check_target(deployment: &Deployment, target: &str) -> Result<(), ApiError> {
    if target == show::target_id(deployment) {
        return Ok(());
    }
    fail(
        "DeploymentTargetDoesNotExistException",
        &format!("The deployment {} has no target {target}", deployment.id),
    )
}

fn started(world: &mut World, id: &str) -> Result<Deployment, ApiError> {
    let deployment = world.code_deploy.deployment(id)?;
    if deployment.started.is_none() {
        return fail(
            "DeploymentNotStartedException",
            "The specified deployment has not started.",
        );
    }
    Ok(deployment.clone())
}

pub fn stop(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["deploymentId", "autoRollbackEnabled"])?;
    let asked = input.flag("autoRollbackEnabled")?;
    let deployment = running(world, id(input)?)?;
    let mut stopped = deployment.clone();
    let goes_back = asked.unwrap_or_else(|| stopped.rolls_back_on("DEPLOYMENT_STOP_ON_REQUEST"));
    run::end(
        &mut stopped,
        world.now,
        Status::Stopped,
        Some((
            "MANUAL_STOP",
            "The deployment was stopped by a user.".to_owned(),
        )),
    );
    let undoing =
        (goes_back && stopped.rollback.undoes.is_none()).then(|| rollback::of(world, &mut stopped));
    let place = world.code_deploy.deployment(&stopped.id)?;
    *place = stopped;
    if let Some(undoing) = undoing {
        world.code_deploy.add(undoing);
    }
    Ok(json!({
        "status": "Succeeded",
        "statusMessage": "No more commands will be scheduled for execution in the deployment instances",
    }))
}

pub fn go_on(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["deploymentId", "deploymentWaitType"])?;
    let wait = input.text("deploymentWaitType").unwrap_or("READY_WAIT");
    let deployment = running(world, id(input)?)?;
    match (wait, deployment.phase) {
        ("READY_WAIT", Phase::Ready(_)) | ("TERMINATION_WAIT", Phase::Terminating) => {
            deployment.continued = true;
            Ok(json!({}))
        }
        ("READY_WAIT" | "TERMINATION_WAIT", _) => fail(
            "DeploymentIsNotInReadyStateException",
            &format!("The deployment {} does not wait for {wait}", deployment.id),
        ),
        (other, _) => fail(
            "InvalidDeploymentWaitTypeException",
            &format!("{other} is no wait type"),
        ),
    }
}

fn running<'a>(world: &'a mut World, id: &str) -> Result<&'a mut Deployment, ApiError> {
    let deployment = world.code_deploy.deployment(id)?;
    if deployment.is_over() {
        return fail(
            "DeploymentAlreadyCompletedException",
            &format!("The deployment {id} is already completed"),
        );
    }
    Ok(deployment)
}
