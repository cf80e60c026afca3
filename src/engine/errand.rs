//! Runs one task and follows it to its end.
//!
//! **Invariant:** the task is made once: its client token goes with every repetition of RunTask.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::core::errand::{Ending, Errand};
use crate::core::id::TaskArn;
use crate::core::rollout::{Action, Facet, Fault, Receipt, Seen, Watch};
use crate::ports::{Clock, Cloud, Wake};

const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Looks and calls in a row that may go wrong; ECS may also not show a new task at once.
const PATIENCE: u32 = 12;

/// How it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ran {
    /// Started, and not waited for.
    Started,
    Succeeded,
    Failed(Vec<String>),
    /// It still runs.
    Deadline,
    /// Told to stop; the task goes on, if it was started.
    Interrupted,
}

/// Whether, and for how long, the end is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    Started,
    Ended { within: Duration },
}

/// Starts the task, tells of it, and follows it.
pub async fn run_errand(
    errand: &Errand,
    patience: Patience,
    cloud: &impl Cloud,
    clock: &impl Clock,
    mut tell: impl FnMut(&TaskArn, &str),
) -> Result<Ran, Fault> {
    let Some(task) = start(errand, cloud, clock).await? else {
        return Ok(Ran::Interrupted);
    };
    tell(&task, "started");
    match patience {
        Patience::Started => Ok(Ran::Started),
        Patience::Ended { within } => {
            let within = SignedDuration::try_from(within).unwrap_or(SignedDuration::MAX);
            let until = clock.now().saturating_add(within).unwrap_or(Timestamp::MAX);
            follow(errand, &task, until, cloud, clock, &mut tell).await
        }
    }
}

async fn start(
    errand: &Errand,
    cloud: &impl Cloud,
    clock: &impl Clock,
) -> Result<Option<TaskArn>, Fault> {
    let members = errand.request();
    let action = Action::RunTask { members };
    let mut left = PATIENCE;
    loop {
        let Some(performed) = clock.attend(cloud.perform(&action)).await else {
            return Ok(None);
        };
        match performed {
            Ok(Receipt::Started { task, .. }) => return Ok(Some(task)),
            Ok(_) => unreachable!("RunTask is answered by a task"),
            Err(fault) if fault.is_unanswered() && left > 0 => left -= 1,
            Err(fault) => return Err(fault),
        }
        if clock.sleep_until(clock.now() + LOOK_AGAIN).await == Wake::Interrupted {
            return Ok(None);
        }
    }
}

async fn follow(
    errand: &Errand,
    task: &TaskArn,
    until: Timestamp,
    cloud: &impl Cloud,
    clock: &impl Clock,
    tell: &mut impl FnMut(&TaskArn, &str),
) -> Result<Ran, Fault> {
    let watch = Watch::from([Facet::OneOffTask(errand.cluster.clone(), task.clone())]);
    let mut last = String::new();
    let mut left = PATIENCE;
    loop {
        let Some(mut seen) = clock.attend(cloud.observe(&watch)).await else {
            return Ok(Ran::Interrupted);
        };
        match seen.one_off_tasks.remove(task) {
            Some(Seen::Is(seen)) => {
                left = PATIENCE;
                match errand.ending(&seen) {
                    Ending::Pending(status) if status != last => {
                        tell(task, &status.to_lowercase());
                        last = status;
                    }
                    Ending::Pending(_) => {}
                    Ending::Succeeded => return Ok(Ran::Succeeded),
                    Ending::Failed(reasons) => return Ok(Ran::Failed(reasons)),
                }
            }
            Some(Seen::Unreadable(fault)) if left == 0 => return Err(fault),
            _ if left == 0 => {
                let gone = format!("ECS knows the task {} no more", task.short());
                return Ok(Ran::Failed(vec![gone]));
            }
            _ => left -= 1,
        }
        if clock.now() >= until {
            return Ok(Ran::Deadline);
        }
        if clock.sleep_until(clock.now() + LOOK_AGAIN).await == Wake::Interrupted {
            return Ok(Ran::Interrupted);
        }
    }
}
