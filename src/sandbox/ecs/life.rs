//! The life of a task, from PROVISIONING to STOPPED: what happens when a step ends, and what a stop sets off.
//!
//! Source: ECS developer guide, "task lifecycle", and "stopped task error codes" for the texts.
//! **Invariant:** a task only moves forward, and every task that is told to stop reaches STOPPED.

use crate::sandbox::Time;
use crate::sandbox::apps::Pull;
use crate::sandbox::ecs::defaults;
use crate::sandbox::ecs::state::Ground;
use crate::sandbox::ecs::task::{Container, Exit, Standing, Step, Stop, Task};
use crate::sandbox::elb::TargetState;

/// What a service hears of its tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Registered in this target group.
    Registered(String),
    /// A target group refused the task: the group's ARN and the error.
    NotRegistered(String, String),
    /// Deregistered from this target group.
    Deregistered(String),
    /// Its connections are being drained.
    Draining,
    Running,
    /// Stopped before RUNNING, for this reason.
    FailedToStart(String),
    /// An essential container exited; whether the task had counted as healthy by then.
    Exited(Standing),
    Stopped,
}

/// The exit code of a process that was killed. What kills a container that nobody stopped is want of memory.
const KILLED: i64 = 137;

/// Lets the task live up to the present second; `tell` hears what its service should know.
pub fn live(task: &mut Task, ground: &mut Ground<'_>, tell: &mut impl FnMut(News)) {
    if task.step == Step::Running {
        exits(task, ground, tell);
    }
    // A step that takes no time ends in the second in which it began.
    while task.due.is_some_and(|due| due <= ground.now) {
        task.due = None;
        end_step(task, ground, tell);
    }
}

fn end_step(task: &mut Task, ground: &mut Ground<'_>, tell: &mut impl FnMut(News)) {
    let now = ground.now;
    match task.step {
        Step::Provisioning => {
            task.times.connected = Some(now);
            let due = now + ground.draw(defaults::AGENT_PICK_UP);
            task.enter(Step::PickUp, Some(due));
        }
        Step::PickUp => {
            task.times.connected.get_or_insert(now);
            task.times.pull_started = Some(now);
            task.enter(
                Step::Pulling,
                Some(now + longest(task, |container| container.behaviour.pull_time)),
            );
        }
        Step::Pulling => end_pull(task, ground, tell),
        Step::Starting if task.targets.is_empty() => run(task, now, tell),
        Step::Starting => {
            let due = now + ground.draw(defaults::REGISTER_TARGETS);
            task.enter(Step::Activating, Some(due));
        }
        Step::Activating => {
            register(task, ground, tell);
            run(task, now, tell);
        }
        Step::Deactivating => {
            deregister(task, ground, tell);
            tell(News::Draining);
            task.enter(Step::Draining, Some(now));
        }
        Step::Draining if is_draining(task, ground) => task.due = Some(now.next_second()),
        Step::Draining => terminate(task, ground),
        Step::Stopping => end_execution(task, ground),
        Step::Deprovisioning => {
            task.times.stopped = Some(now);
            task.enter(Step::Stopped, None);
            tell(News::Stopped);
        }
        Step::Running | Step::Stopped => {}
    }
}

fn longest(
    task: &Task,
    of: impl Fn(&Container) -> crate::sandbox::Duration,
) -> crate::sandbox::Duration {
    task.containers.iter().map(of).max().unwrap_or_default()
}

fn end_pull(task: &mut Task, ground: &mut Ground<'_>, tell: &mut impl FnMut(News)) {
    let failure = task.containers.iter_mut().find_map(|container| {
        let reason = pull_failure(container)?;
        container.exit = Some(Exit {
            code: None,
            reason: Some(reason.clone()),
        });
        Some(reason)
    });
    if let Some(reason) = failure {
        let stop = Stop {
            code: "TaskFailedToStart",
            reason: reason.clone(),
        };
        tell(News::FailedToStart(reason));
        return begin_stop(task, stop, ground);
    }
    task.times.pull_stopped = Some(ground.now);
    let due = ground.now + longest(task, |container| container.behaviour.start_time);
    task.enter(Step::Starting, Some(due));
}

fn pull_failure(container: &Container) -> Option<String> {
    let image = &container.image;
    match container.behaviour.pull {
        Pull::Ok => None,
        Pull::NotFound => Some(format!(
            "CannotPullContainerError: pull image manifest has been retried 7 time(s): failed to resolve ref {image}: {image}: not found"
        )),
        Pull::WrongPlatform => Some(
            "CannotPullContainerError: pull image manifest has been retried 7 time(s): image Manifest does not contain descriptor matching platform 'linux/amd64'"
                .to_owned(),
        ),
        Pull::Denied => Some(format!(
            "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve ecr registry auth for {image}"
        )),
    }
}

fn run(task: &mut Task, now: Time, tell: &mut impl FnMut(News)) {
    task.times.started = Some(now);
    task.enter(Step::Running, None);
    tell(News::Running);
}

fn register(task: &Task, ground: &mut Ground<'_>, tell: &mut impl FnMut(News)) {
    for target in &task.targets {
        let done = ground.elb.register(
            ground.now,
            &target.group_arn,
            &target.id,
            target.port,
            Some(&task.zone),
        );
        tell(match done {
            Ok(()) => News::Registered(target.group_arn.clone()),
            Err(error) => News::NotRegistered(target.group_arn.clone(), error.message),
        });
    }
}

fn deregister(task: &Task, ground: &mut Ground<'_>, tell: &mut impl FnMut(News)) {
    for target in &task.targets {
        // A group that is gone has nothing to drain.
        let done = ground
            .elb
            .deregister(ground.now, &target.group_arn, &target.id, target.port);
        if done.is_ok() {
            tell(News::Deregistered(target.group_arn.clone()));
        }
    }
}

fn is_draining(task: &Task, ground: &Ground<'_>) -> bool {
    let state = |target: &super::task::TargetBinding| {
        ground
            .elb
            .target(&target.group_arn, &target.id, target.port)
    };
    task.targets
        .iter()
        .filter_map(state)
        .any(|health| health.state == TargetState::Draining)
}

/// Containers that exit by themselves. The task ends with the first essential one.
fn exits(task: &mut Task, ground: &mut Ground<'_>, tell: &mut impl FnMut(News)) {
    let Some(up) = task.up(ground.now) else {
        return;
    };
    let mut ends = false;
    for container in &mut task.containers {
        let over = container
            .behaviour
            .crash_after
            .is_some_and(|after| after <= up);
        if over && container.exit.is_none() {
            let code = container.behaviour.exit_code;
            let reason = (code == KILLED)
                .then(|| "OutOfMemoryError: Container killed due to memory usage".to_owned());
            container.exit = Some(Exit {
                code: Some(code),
                reason,
            });
            ends |= container.essential;
        }
    }
    if !ends {
        return;
    }
    tell(News::Exited(task.standing));
    // Nothing is left to drain for: the targets leave their groups while the task is torn down.
    deregister(task, ground, tell);
    order_stop(
        task,
        Stop {
            code: "EssentialContainerExited",
            reason: "Essential container in task exited".to_owned(),
        },
        ground.now,
    );
    let due = ground.now + ground.draw(defaults::STOP_CONTAINER);
    task.enter(Step::Stopping, Some(due));
}

fn order_stop(task: &mut Task, stop: Stop, now: Time) {
    task.stop = Some(stop);
    task.times.stopping = Some(now);
    task.version += 1;
}

/// Sets `desiredStatus` to STOPPED; a task that is told twice keeps its first reason.
pub fn begin_stop(task: &mut Task, stop: Stop, ground: &mut Ground<'_>) {
    if !task.is_wanted() || task.step == Step::Stopped {
        return;
    }
    order_stop(task, stop, ground.now);
    match task.step {
        Step::Running if task.targets.is_empty() => terminate(task, ground),
        Step::Running => {
            let due = ground.now + ground.draw(defaults::DEREGISTER_TARGETS);
            task.enter(Step::Deactivating, Some(due));
        }
        Step::Activating => terminate(task, ground),
        _ => deprovision(task, ground),
    }
}

/// SIGTERM; a container that has not left by its `stopTimeout` is killed.
fn terminate(task: &mut Task, ground: &mut Ground<'_>) {
    let patience = longest(task, |container| container.stop_timeout);
    let due = ground.now + ground.draw(defaults::STOP_CONTAINER).min(patience);
    task.enter(Step::Stopping, Some(due));
}

fn end_execution(task: &mut Task, ground: &mut Ground<'_>) {
    for container in &mut task.containers {
        // One that handles SIGTERM leaves with 0.
        container.exit.get_or_insert(Exit {
            code: Some(0),
            reason: None,
        });
    }
    deprovision(task, ground);
}

fn deprovision(task: &mut Task, ground: &mut Ground<'_>) {
    for container in &mut task.containers {
        container.exit.get_or_insert_default();
    }
    task.times.execution_stopped = Some(ground.now);
    let on_fargate = task.instance.is_none();
    let lag = if on_fargate {
        defaults::DEPROVISION_FARGATE
    } else {
        defaults::DEPROVISION_INSTANCE
    };
    let due = ground.now + ground.draw(lag);
    task.enter(Step::Deprovisioning, Some(due));
}
