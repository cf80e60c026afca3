//! A deployment in time: each second it goes as far as it can.
//!
//! **Invariant:** whatever goes wrong ends the deployment once, with its error, and begins a rollback if that is wanted.

use serde_json::json;

use crate::sandbox::cloudwatch::AlarmState;
use crate::sandbox::codedeploy::model::{Deployment, Phase, Status};
use crate::sandbox::codedeploy::rollback;
use crate::sandbox::ecs::task_sets;
use crate::sandbox::elb::{Action, WeightedGroup};
use crate::sandbox::lambdas::HookStatus;
use crate::sandbox::{ApiError, Duration, Time, World};

/// Green has so long to become steady, and a hook so long to answer (CodeDeploy user guide).
const PATIENCE: Duration = Duration::from_secs(3600);

/// Whether a step ended or has to wait.
pub enum Step {
    Done,
    Waits,
}

/// Why a deployment ends before its time: how, `ErrorCode` and message, and which automatic rollback it sets off.
struct Problem {
    status: Status,
    code: &'static str,
    message: String,
    trigger: &'static str,
}

impl Problem {
    fn failure(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: Status::Failed,
            code,
            message: message.into(),
            trigger: "DEPLOYMENT_FAILURE",
        }
    }
}

impl From<ApiError> for Problem {
    fn from(error: ApiError) -> Self {
        Self::failure("ECS_UPDATE_ERROR", error.message)
    }
}

/// One second has passed.
pub fn tick(world: &mut World) {
    if world
        .code_deploy
        .deployments
        .iter()
        .all(Deployment::is_over)
    {
        return;
    }
    let mut all = std::mem::take(&mut world.code_deploy.deployments);
    let mut rollbacks = vec![];
    for deployment in all.iter_mut().filter(|one| !one.is_over()) {
        rollbacks.extend(second(world, deployment));
    }
    world.code_deploy.deployments = all;
    for one in rollbacks {
        world.code_deploy.add(one);
    }
}

/// Lets a deployment live one second; its rollback, if one begins.
fn second(world: &mut World, deployment: &mut Deployment) -> Option<Deployment> {
    if deployment.status == Status::Created {
        deployment.status = Status::InProgress;
        deployment.started = Some(world.now);
        deployment.since = world.now;
        return None;
    }
    match go(world, deployment) {
        Ok(()) => None,
        Err(problem) => {
            let error = (problem.code, problem.message);
            end(deployment, world.now, problem.status, Some(error));
            let goes_back = deployment.rolls_back_on(problem.trigger);
            let is_rollback = deployment.rollback.undoes.is_some();
            (goes_back && !is_rollback).then(|| rollback::of(world, deployment))
        }
    }
}

fn go(world: &mut World, deployment: &mut Deployment) -> Result<(), Problem> {
    // What rings while it goes back is why it goes back.
    if deployment.rollback.undoes.is_none() {
        listen(world, deployment)?;
    }
    while !deployment.is_over() {
        if let Step::Waits = step(world, deployment)? {
            return Ok(());
        }
    }
    Ok(())
}

fn step(world: &mut World, deployment: &mut Deployment) -> Result<Step, Problem> {
    let passed = world.now.since(deployment.since);
    match deployment.phase {
        Phase::Event(at) => event(world, deployment, at),
        Phase::Ready(at) if deployment.continued => {
            deployment.continued = false;
            deployment.status = Status::InProgress;
            enter(deployment, Phase::Event(at), world.now);
            Ok(Step::Done)
        }
        Phase::Ready(_) if deployment.ready_wait().is_some_and(|wait| passed >= wait) => {
            Err(Problem {
                status: Status::Stopped,
                ..Problem::failure(
                    "TIMEOUT",
                    "The deployment was not continued within its wait time.",
                )
            })
        }
        Phase::Terminating if deployment.continued || passed >= deployment.termination_wait() => {
            // A rollback keeps blue; it is what it went back to.
            let is_rollback = deployment.rollback.undoes.is_some();
            if let Some(blue) = deployment.sets.blue.filter(|_| !is_rollback) {
                task_sets::delete(world, &deployment.service, blue)?;
            }
            end(deployment, world.now, Status::Succeeded, None);
            Ok(Step::Done)
        }
        Phase::Ready(_) | Phase::Terminating | Phase::Ended => Ok(Step::Waits),
    }
}

fn enter(deployment: &mut Deployment, phase: Phase, now: Time) {
    deployment.phase = phase;
    deployment.since = now;
}

/// Begins an event, or looks whether it is done; then goes on to the next.
fn event(world: &mut World, deployment: &mut Deployment, at: usize) -> Result<Step, Problem> {
    let (name, now) = (deployment.events[at].name, world.now);
    if deployment.events[at].started.is_none() {
        deployment.events[at].started = Some(now);
        deployment.events[at].status = "InProgress";
        deployment.since = now;
        if name == "Install" {
            install(world, deployment)?;
        }
    }
    let step = match name {
        "Install" => steady(world, deployment)?,
        "AllowTestTraffic" => {
            let test = deployment.pair.test.clone().unwrap_or_default();
            point(world, deployment, &test, 100);
            Step::Done
        }
        "AllowTraffic" if deployment.rollback.undoes.is_some() => {
            rollback::undo(world, deployment)?
        }
        "AllowTraffic" => shift(world, deployment)?,
        hook => call_hook(world, deployment, hook)?,
    };
    if let Step::Done = step {
        deployment.events[at].status = "Succeeded";
        deployment.events[at].ended = Some(now);
        next(deployment, at + 1, now);
    }
    Ok(step)
}

fn next(deployment: &mut Deployment, at: usize, now: Time) {
    let Some(event) = deployment.events.get(at) else {
        return enter(deployment, Phase::Terminating, now);
    };
    if event.name == "BeforeAllowTraffic" && deployment.ready_wait().is_some() {
        deployment.status = Status::Ready;
        enter(deployment, Phase::Ready(at), now);
    } else {
        enter(deployment, Phase::Event(at), now);
    }
}

/// Deletes what a failed deployment left behind, and makes the green task set.
fn install(world: &mut World, deployment: &mut Deployment) -> Result<(), Problem> {
    let service = deployment.service.clone();
    let Some(blue) = task_sets::primary(world, &service)? else {
        return Err(Problem::failure(
            "INVALID_ECS_SERVICE",
            "The service has no PRIMARY task set.",
        ));
    };
    let shown = task_sets::describe(world, &service, blue)?;
    let blue_group = shown["loadBalancers"][0]["targetGroupArn"]
        .as_str()
        .unwrap_or_default();
    let other = deployment.pair.groups.iter().find(|arn| *arn != blue_group);
    let green_group = other.cloned().unwrap_or_default();
    for left in rollback::left_behind(world, deployment, blue) {
        task_sets::delete(world, &service, left)?;
    }
    deployment.sets.blue = Some(blue);
    blue_group.clone_into(&mut deployment.sets.blue_group);
    deployment.sets.green_group.clone_from(&green_group);
    // ECS takes no target group, and checks no target, that no listener knows.
    let listener = deployment.pair.production.clone();
    point(world, deployment, &listener, 0);
    let spec = deployment.spec.as_ref();
    let mut members = spec
        .map(|spec| spec.members(&green_group))
        .unwrap_or_default();
    members.insert("externalId".to_owned(), deployment.id.as_str().into());
    members.insert(
        "scale".to_owned(),
        json!({"value": 100.0, "unit": "PERCENT"}),
    );
    let green = task_sets::create(world, &service, &members)?;
    deployment.sets.green = Some(green);
    Ok(())
}

fn steady(world: &mut World, deployment: &Deployment) -> Result<Step, Problem> {
    let Some(green) = deployment.sets.green else {
        return Ok(Step::Waits);
    };
    if task_sets::stable(world, &deployment.service, green)? {
        return Ok(Step::Done);
    }
    if world.now.since(deployment.since) > PATIENCE {
        return Err(Problem::failure(
            "TIMEOUT",
            "The deployment timed out while waiting for the replacement task set to become healthy. This time out period is 60 minutes.",
        ));
    }
    Ok(Step::Waits)
}

fn shift(world: &mut World, deployment: &mut Deployment) -> Result<Step, Problem> {
    let percent = deployment.shift.percent(world.now.since(deployment.since));
    if percent != deployment.sets.percent {
        deployment.sets.percent = percent;
        let listener = deployment.pair.production.clone();
        point(world, deployment, &listener, percent);
    }
    if percent < 100 {
        return Ok(Step::Waits);
    }
    if let Some(green) = deployment.sets.green {
        task_sets::promote(world, &deployment.service, green)?;
    }
    Ok(Step::Done)
}

/// Gives green so many percent in every rule of the listener that forwards to the pair alone.
pub fn point(world: &mut World, deployment: &Deployment, listener: &str, percent: u64) {
    let sets = &deployment.sets;
    let weighted = |arn: &str, weight: u64| WeightedGroup {
        arn: arn.to_owned(),
        weight: weight as u32,
    };
    let both = vec![
        weighted(&sets.blue_group, 100 - percent),
        weighted(&sets.green_group, percent),
    ];
    let rules = world
        .elb
        .rules
        .values_mut()
        .filter(|rule| rule.listener == listener);
    for action in rules.flat_map(|rule| &mut rule.actions) {
        if let Action::Forward { groups, .. } = action
            && groups
                .iter()
                .all(|group| both.iter().any(|one| one.arn == group.arn))
        {
            groups.clone_from(&both);
        }
    }
}

/// A hook's function answers after its time; an event without one is over at once.
fn call_hook(world: &World, deployment: &Deployment, event: &str) -> Result<Step, Problem> {
    let hooks = deployment.spec.as_ref().map(|spec| &spec.hooks);
    let Some(function) = hooks.and_then(|hooks| hooks.get(event)) else {
        return Ok(Step::Done);
    };
    let failure = |text: String| Problem::failure("HOOK_EXECUTION_FAILURE", text);
    if !world.lambdas.has(function) {
        return Err(failure(format!(
            "The Lambda function {function} of the hook {event} does not exist."
        )));
    }
    let answer = world.lambdas.answer(function, event, 0);
    let passed = world.now.since(deployment.since);
    match answer.hook_status {
        Some(HookStatus::Succeeded) if passed >= answer.after => Ok(Step::Done),
        Some(HookStatus::Failed) if passed >= answer.after => {
            Err(failure(format!("The hook {event} did not succeed.")))
        }
        _ if passed > PATIENCE => Err(failure(format!("The hook {event} did not answer."))),
        _ => Ok(Step::Waits),
    }
}

/// Fails if one of the group's alarms rings.
fn listen(world: &World, deployment: &Deployment) -> Result<(), Problem> {
    let overriding = &deployment.settings["overrideAlarmConfiguration"];
    let configuration = if overriding.is_object() {
        overriding
    } else {
        &deployment.settings["alarmConfiguration"]
    };
    let alarms = configuration["alarms"].as_array().into_iter().flatten();
    let mut names = alarms.filter_map(|alarm| alarm["name"].as_str());
    let is_ringing = |name: &&str| world.cloudwatch.alarm_state(name) == Some(AlarmState::Alarm);
    let Some(name) = names
        .find(is_ringing)
        .filter(|_| configuration["enabled"] == true)
    else {
        return Ok(());
    };
    Err(Problem {
        status: Status::Stopped,
        trigger: "DEPLOYMENT_STOP_ON_ALARM",
        ..Problem::failure(
            "ALARM_ACTIVE",
            format!(
                "One or more alarms have been activated according to the Amazon CloudWatch metrics you selected, and the affected deployments have been stopped. Activated alarms: <{name}>"
            ),
        )
    })
}

/// Ends a deployment: what runs has failed, what has not begun is skipped.
pub fn end(
    deployment: &mut Deployment,
    now: Time,
    status: Status,
    error: Option<(&'static str, String)>,
) {
    deployment.status = status;
    deployment.completed = Some(now);
    deployment.phase = Phase::Ended;
    for event in deployment
        .events
        .iter_mut()
        .filter(|event| event.ended.is_none())
    {
        event.status = if event.started.is_some() {
            "Failed"
        } else {
            "Skipped"
        };
        event.ended = event.started.map(|_| now);
        event.problem = error
            .as_ref()
            .filter(|_| event.started.is_some())
            .map(|(_, text)| text.clone());
    }
    deployment.error = error;
}
