//! What each check has to see, and what a sample of it says.
//!
//! **Invariant:** a sample of another kind than the one asked for is a failure to measure, never a pass.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::errors::{MINUTE, read as errors, requests_and_errors};
use super::gate::{Approval, Check, Gate, OneOff, Quiet};
use super::metric::{Bounds, MetricQuery, MetricsRequest, PUBLICATION_DELAY, Window};
use super::need::{Ask, Need, Run, Sample, Says, Word};
use super::progress::{GateProgress, Tally};
use super::reading::{Reading, Readings};
use super::serving::{healthy_in, named};
use super::subject::{Side, Subject};
use super::tasks::{TaskFailure, failures_of, first_permanent};
use crate::core::id::TargetGroupArn;
use crate::core::live::{Alarm, AlarmState, Target, Task};

/// What `gate` has to see now; `None` while there is nothing yet that could be seen.
pub(super) fn need(
    gate: &Gate,
    tally: &Tally,
    progress: &GateProgress,
    subject: &Subject,
    now: Timestamp,
) -> Option<Need> {
    Some(match &gate.check {
        Check::Tasks { .. } => Need::Tasks,
        Check::Targets if subject.new.places.is_empty() => {
            let why = "no target group of the new revision is known";
            Need::Impossible(why.to_owned())
        }
        Check::Targets => Need::Targets,
        Check::Alarms { names, .. } => Need::Alarms(names.clone()),
        Check::Http(check) => Need::Http(check.probe.clone()),
        Check::Approval(how) => Need::Approval(Ask {
            gate: gate.name.clone(),
            how: how.clone(),
            since: progress.began,
        }),
        Check::Task(task) => match &tally.task {
            Some(arn) => Need::Task(arn.clone()),
            None => Need::Run(Run {
                token: token(subject, gate, tally),
                task: task.clone(),
            }),
        },
        Check::Metric(check) => {
            let window = Window::published(progress.began, now, check.period, check.delay)?;
            let old = matches!(check.bounds, Bounds::NewOverOld { .. });
            metrics(&check.queries, window, subject, Sides::of(old))
        }
        Check::Errors(_) => {
            let since = progress.compared_since;
            let window = Window::published(since, now, MINUTE, PUBLICATION_DELAY)?;
            metrics(&requests_and_errors(), window, subject, Sides::Both)
        }
    })
}

/// When a metric's first whole period is there to be asked for; `began` for other checks.
pub(super) fn first_sight(gate: &Gate, progress: &GateProgress) -> Timestamp {
    match &gate.check {
        Check::Metric(check) => Window::first_published(progress.began, check.period, check.delay),
        Check::Errors(_) => Window::first_published(progress.began, MINUTE, PUBLICATION_DELAY),
        _ => progress.began,
    }
}

/// What the answer says. Takes note of one-off tasks in the tally.
pub(super) fn read(
    gate: &Gate,
    tally: &mut Tally,
    progress: &GateProgress,
    subject: &Subject,
    sample: &Sample,
) -> Readings {
    let reading = match (&gate.check, sample) {
        (_, Sample::Unreadable(why)) => Reading::Error(why.clone()),
        (Check::Tasks { max_restarts }, Sample::Tasks { running, stopped }) => {
            tasks(running, stopped, &subject.new, *max_restarts)
        }
        (Check::Targets, Sample::Targets { running, groups }) => {
            targets(running, groups, &subject.new, tally.passed)
        }
        (Check::Alarms { names, quiet }, Sample::Alarms(alarms)) => {
            self::alarms(names, *quiet, alarms)
        }
        (Check::Metric(check), Sample::Metrics(metrics)) => return check.read(metrics),
        (Check::Errors(comparison), Sample::Metrics(metrics)) => {
            return errors(comparison, metrics, progress.began);
        }
        (Check::Http(check), Sample::Http(reply)) => check.read(reply),
        (Check::Task(_), Sample::Started(arn)) => {
            tally.task = Some(arn.clone());
            Reading::Wait(format!("task {} was started", arn.short()))
        }
        (Check::Task(task), Sample::Task(seen)) => {
            let reading = ended(task, seen.as_ref());
            if matches!(reading, Reading::Fail(_) | Reading::Error(_)) {
                tally.task = None;
                tally.attempts += 1;
            }
            reading
        }
        (Check::Approval(how), Sample::Approval(word)) => approval(how, word.as_ref()),
        _ => Reading::Error("the answer is not to what was asked".to_owned()),
    };
    Readings::One(reading)
}

/// RunTask's client token: the same for every repetition of one attempt, another for each further attempt.
/// `ecsdeploy-<12 of the rollout>-<gate>-<attempt>`, 64 characters at most.
fn token(subject: &Subject, gate: &Gate, tally: &Tally) -> String {
    let rollout: String = subject
        .rollout
        .trim_start_matches("sha256:")
        .chars()
        .take(12)
        .collect();
    let name: String = gate
        .name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(32)
        .collect();
    format!("ecsdeploy-{rollout}-{name}-{}", tally.attempts)
}

#[derive(Clone, Copy)]
enum Sides {
    New,
    Both,
}

impl Sides {
    fn of(old: bool) -> Self {
        if old { Self::Both } else { Self::New }
    }
}

fn metrics(queries: &[MetricQuery], window: Window, subject: &Subject, sides: Sides) -> Need {
    let request = |side: &Side| {
        let queries = queries.iter().map(|query| query.about(side));
        queries
            .collect::<Result<_, _>>()
            .map(|queries| MetricsRequest {
                queries,
                from: window.from,
                to: window.to,
            })
    };
    let old = match (sides, &subject.old) {
        (Sides::New, _) => None,
        (Sides::Both, Some(old)) => Some(request(old)),
        (Sides::Both, None) => {
            let why = "nothing tells the requests of the two revisions apart";
            return Need::Impossible(why.to_owned());
        }
    };
    match (request(&subject.new), old.transpose()) {
        (Ok(new), Ok(old)) => Need::Metrics { new, old },
        (Err(placeholder), _) => {
            Need::Impossible(format!("the new revision has no {placeholder} of its own"))
        }
        (_, Err(placeholder)) => {
            Need::Impossible(format!("the old revision has no {placeholder} of its own"))
        }
    }
}

fn tasks(running: &[Task], stopped: &[Task], new: &Side, max_restarts: u32) -> Reading {
    let failed = failures_of(stopped.iter().filter(|task| new.owns(task)));
    if let Some(failure) = first_permanent(&failed) {
        return Reading::Fail(format!("a task cannot run: {}", failure.reason));
    }
    if failed.len() > max_restarts as usize {
        let last = failed
            .last()
            .map_or("", |TaskFailure { reason, .. }| reason);
        let count = failed.len();
        return Reading::Fail(format!(
            "{count} tasks failed, at most {max_restarts} may: {last}"
        ));
    }
    let well = running
        .iter()
        .filter(|task| new.owns(task) && task.last_status() == "RUNNING")
        .filter(|task| new.is_well(task))
        .count();
    let said = format!("{well} of {} tasks run and are well", new.tasks);
    if well >= new.tasks as usize {
        Reading::Pass(said)
    } else {
        Reading::Wait(said)
    }
}

/// Before the targets were well for the first time they may be starting; afterwards an ill one is a failure.
fn targets(
    running: &[Task],
    groups: &BTreeMap<TargetGroupArn, Vec<Target>>,
    new: &Side,
    passed: u32,
) -> Reading {
    let ours = || running.iter().filter(|task| new.owns(task));
    let lacking = new.places.iter().find_map(|place| {
        let healthy = healthy_in(place, groups, ours());
        let name = named(place);
        (healthy < new.tasks as usize)
            .then(|| format!("{healthy} of {} targets are healthy in {name}", new.tasks))
    });
    match lacking {
        None => Reading::Pass("all targets are healthy".to_owned()),
        Some(lacking) if passed == 0 => Reading::Wait(lacking),
        Some(lacking) => Reading::Fail(lacking),
    }
}

fn alarms(names: &BTreeSet<String>, quiet: Quiet, alarms: &[Alarm]) -> Reading {
    let in_state = |wanted: fn(&AlarmState) -> bool| -> Vec<&str> {
        let found = alarms.iter().filter(|alarm| names.contains(&alarm.name));
        found
            .filter(|alarm| wanted(&alarm.state))
            .map(|alarm| alarm.name.as_str())
            .collect()
    };
    let firing = in_state(|state| *state == AlarmState::Alarm);
    let silent = in_state(|state| *state == AlarmState::InsufficientData);
    let unknown = in_state(|state| matches!(state, AlarmState::Other(_)));
    let missing = names
        .iter()
        .find(|name| !alarms.iter().any(|alarm| alarm.name == **name));
    if !firing.is_empty() {
        Reading::Fail(format!("in ALARM: {}", firing.join(", ")))
    } else if let Some(missing) = missing {
        Reading::Error(format!("there is no alarm `{missing}`"))
    } else if !unknown.is_empty() {
        Reading::Error(format!(
            "in a state of an unknown name: {}",
            unknown.join(", ")
        ))
    } else if !silent.is_empty() && quiet == Quiet::NoData {
        Reading::NoData(format!("INSUFFICIENT_DATA: {}", silent.join(", ")))
    } else {
        Reading::Pass("no alarm is in ALARM".to_owned())
    }
}

fn ended(task: &OneOff, seen: Option<&Task>) -> Reading {
    let Some(seen) = seen else {
        return Reading::Error("ECS knows the task no more".to_owned());
    };
    let name = seen.arn();
    let name = name.short();
    if seen.last_status() != "STOPPED" {
        return Reading::Wait(format!("task {name} is {}", seen.last_status()));
    }
    if seen.stop_code() == "TaskFailedToStart" {
        return Reading::Error(format!(
            "task {name} did not start: {}",
            seen.stopped_reason()
        ));
    }
    let exits = seen.exits();
    let mut counted = exits
        .iter()
        .filter(|exit| {
            task.container
                .as_ref()
                .is_none_or(|name| *name == exit.container)
        })
        .peekable();
    if counted.peek().is_none() {
        return Reading::Error(format!("task {name} has no such container"));
    }
    match counted.find(|exit| exit.exit_code != Some(0)) {
        None => Reading::Pass(format!("task {name} ended with exit code 0")),
        Some(exit) => {
            let code = exit
                .exit_code
                .map_or("none".to_owned(), |code| code.to_string());
            let (container, reason) = (&exit.container, seen.stopped_reason());
            Reading::Fail(format!(
                "task {name}: exit code {code} of {container}: {reason}"
            ))
        }
    }
}

fn approval(how: &Approval, word: Option<&Word>) -> Reading {
    match word {
        None => Reading::Wait(match &how.label {
            // One that was there before does not count, and whoever sees it there wonders.
            Some(label) => format!("nobody has approved yet, or set the label {label} since"),
            None => "nobody has approved yet".to_owned(),
        }),
        Some(Word {
            says: Says::Yes,
            by,
        }) => Reading::Pass(format!("approved by {by}")),
        Some(Word { says: Says::No, by }) => Reading::Fail(format!("refused by {by}")),
    }
}
