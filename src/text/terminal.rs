//! A rollout's story for people: one event, one line or a few.
//!
//! **Invariant:** text from outside (reasons, service events, container names) is made inert: control characters,
//! terminal escapes among them, never reach a terminal. Meaning is never by colour alone.

mod inert;

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use crate::core::fate::Fate;
use crate::core::gate::{Approval, TaskFailure};
use crate::core::handover::{Handover, LeftBehind};
use crate::core::id::{TargetGroupArn, TaskDefinitionArn};
use crate::core::live::Target;
use crate::core::report::{BackTo, Entry, Event, Outcome, Undoer};
use crate::core::taskdef::Finding;

pub use inert::{harmless, inert};

/// One entry as lines; `since` is the rollout's beginning.
pub fn entry(entry: &Entry, since: Timestamp) -> String {
    let clock = elapsed(entry.at.duration_since(since));
    let text = event(&entry.event);
    format!("{clock}  {}\n", inert(&text).replace('\n', "\n        "))
}

/// The end of a way back that was asked for.
pub fn serves_again(at: Timestamp, since: Timestamp, revision: &TaskDefinitionArn) -> String {
    done(at, since, &format!("{} serves again", revision.short()))
}

/// The end of a watch where nothing ran.
pub fn serves(at: Timestamp, since: Timestamp, revision: &TaskDefinitionArn) -> String {
    done(at, since, &format!("{} serves", revision.short()))
}

fn done(at: Timestamp, since: Timestamp, says: &str) -> String {
    let clock = elapsed(at.duration_since(since));
    format!("{clock}  done            {}\n", inert(says))
}

/// `m:ss`, or `h:mm:ss` from an hour on.
pub fn elapsed(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes:3}:{seconds:02}")
    }
}

fn event(event: &Event) -> String {
    match event {
        Event::Waiting { owner, until } => {
            format!("waiting         whether {owner} is alive: until {until:.0}")
        }
        Event::TakenUp { owner, since, fate } => {
            let began = format!("what {owner} began at {since:.0}");
            let left = format!("{began} and left unfinished");
            match fate {
                Fate::GoesOn => format!("taking up       {left}"),
                Fate::Attached | Fate::Left => {
                    format!("found           {began}: {}", fate.in_words())
                }
                fate => format!("found           {left}: {}", fate.in_words()),
            }
        }
        Event::GoingBack { .. } | Event::Watching { .. } | Event::Idle { .. } => attending(event),
        Event::Unrecorded { deployment } => format!(
            "not ours        no rollout of ecsdeploy is on record; {deployment} is told of as AWS sees it"
        ),
        Event::Finding { finding } => warning(finding),
        Event::Registered { .. }
        | Event::Reused { .. }
        | Event::Deploying { .. }
        | Event::HandedOver { .. } => deploying(event),
        Event::Progress(progress) => format!("tasks           {progress}"),
        Event::Canary { .. }
        | Event::CanaryFailed { .. }
        | Event::CanaryPutAway { .. }
        | Event::CanaryLeft { .. }
        | Event::CanaryPassed { .. }
        | Event::CanaryStandsDown { .. } => canary(event),
        Event::Shifted { percent } => format!("traffic         {percent} % to the new revision"),
        Event::Asking { .. } | Event::Asked { .. } | Event::Gate { .. } => gates(event),
        Event::TaskFailed(failure) => format!("task failed     {}", task_failure(failure)),
        Event::TargetUnhealthy {
            target_group,
            target,
        } => unhealthy(target_group, target),
        Event::Service(event) => format!("service event   {}", brief(&event.message)),
        Event::Trouble { operation, message } => format!("trouble         {operation}: {message}"),
        Event::Undoing {
            cause,
            task_definition,
            by,
        } => {
            let goes = goes_back(*by);
            format!(
                "rolling back    {goes} to {}: {}",
                task_definition.short(),
                cause.brief()
            )
        }
        Event::ByHand { commands } => format!("by hand         {}", commands.join("\n  ")),
        Event::Finished(outcome) => finished(outcome),
    }
}

/// From the document to a deployment.
fn deploying(event: &Event) -> String {
    match event {
        Event::Registered { task_definition } => {
            format!("registered      {}", task_definition.short())
        }
        Event::Reused { task_definition } => {
            format!(
                "unchanged       {} is what is wanted",
                task_definition.short()
            )
        }
        Event::Deploying {
            deployment,
            task_definition,
        } => format!(
            "deploying       {} as {deployment}",
            task_definition.short()
        ),
        Event::HandedOver { deployment, to } => {
            format!("handed over     {deployment}: {}", handed_over(*to))
        }
        _ => String::new(),
    }
}

/// What a canary beside the service goes through.
fn canary(event: &Event) -> String {
    match event {
        Event::Canary { service, tasks } => {
            format!("canary          {service}: of the new revision beside the old, tasks: {tasks}")
        }
        Event::CanaryFailed { service, cause } => {
            format!("canary failed   {service}: {cause}\n  the service itself was not touched")
        }
        Event::CanaryPutAway { service } => {
            format!("canary          {service}: to 0 tasks, then deleted")
        }
        Event::CanaryLeft { cluster, service } => format!(
            "canary          {service} is not put away; the next rollout with a canary takes it over or deletes it\n  \
             by hand: aws ecs delete-service --cluster {cluster} --service {service} --force"
        ),
        Event::CanaryPassed { seconds } => {
            format!("canary passed   its tasks ran well for {seconds} s")
        }
        Event::CanaryStandsDown { service } => {
            format!("canary          {service}: to 0 tasks, before the service goes back")
        }
        _ => String::new(),
    }
}

/// What is done about something that others began.
fn attending(event: &Event) -> String {
    match event {
        Event::GoingBack {
            task_definition,
            why,
        } => format!(
            "going back      to {}: {}",
            task_definition.short(),
            back_to(why)
        ),
        Event::Watching { .. } => format!("watching        {}", watched(event)),
        Event::Idle {
            task_definition, ..
        } => {
            let serves = task_definition.short();
            format!("nothing runs    no deployment is under way; {serves} serves")
        }
        _ => String::new(),
    }
}

fn warning(finding: &Finding) -> String {
    let hint = finding.hint.as_ref();
    let hint = hint.map_or_else(String::new, |hint| format!("\n  {hint}"));
    format!("warning         {}{hint}", finding.message)
}

fn back_to(why: &BackTo) -> String {
    match why {
        BackTo::Before(running) => format!("it served before {}", running.short()),
        BackTo::Told(owner) => format!("told {owner}, whose rollout goes back by itself"),
        BackTo::Ended(owner) => {
            format!("once {owner}, whose rollout has ended, has put away what was there for it")
        }
        BackTo::Left(owner) => format!("it served before what {owner} left unfinished"),
        BackTo::TooLate => "the rollout that was told to had ended already".to_owned(),
        BackTo::ByEcs => "ECS goes back to it already, and is watched".to_owned(),
    }
}

fn watched(event: &Event) -> String {
    let Event::Watching {
        deployment,
        task_definition,
        owner,
    } = event
    else {
        return String::new();
    };
    let driven = owner.as_ref().map(ToString::to_string).unwrap_or_default();
    let Some(deployment) = deployment else {
        return format!("the rollout of {driven}, whose deployment has not begun");
    };
    let revision = task_definition.as_ref().map_or("", |arn| arn.short());
    match owner {
        Some(_) => format!("{revision} as {deployment}, driven by {driven}"),
        None => format!("{revision} as {deployment}"),
    }
}

fn goes_back(by: Undoer) -> &'static str {
    match by {
        Undoer::Ecs => "ECS goes back",
        Undoer::CodeDeploy => "CodeDeploy goes back",
        Undoer::Ecsdeploy => "going back",
    }
}

/// What comes of it when nobody returns.
fn handed_over(to: Handover) -> String {
    let ends = "no gates are asked, and only its circuit breaker and the deployment alarms end a bad release";
    match to {
        Handover::EcsFinishes {
            left_behind: LeftBehind::Nothing,
        } => format!("ECS finishes it; {ends}"),
        Handover::EcsFinishes {
            left_behind: LeftBehind::Configuration,
        } => format!(
            "ECS finishes it; {ends}\n  the service keeps this rollout's deployment configuration until the same command is run again"
        ),
        Handover::EcsWaits { minutes } => format!(
            "ECS waits at each pause, and rolls back unless the same command is run again within {minutes} minutes"
        ),
        Handover::CodeDeployFinishes => {
            "CodeDeploy finishes it; no gates are asked, and only its alarms and hooks end a bad release"
                .to_owned()
        }
        Handover::CodeDeployWaits { minutes } => format!(
            "CodeDeploy waits before it moves traffic, and goes back unless the same command is run again, or it is continued, within {minutes} minutes"
        ),
    }
}

fn unhealthy(target_group: &TargetGroupArn, target: &Target) -> String {
    format!(
        "target {}  {}:{} in {}: {}",
        target.state,
        target.id,
        target.port,
        target_group.name(),
        target.description
    )
}

/// A service event without what every line repeats: `(service NAME) ` in front, and all of an ARN but its name.
pub fn brief(message: &str) -> String {
    let told = message
        .strip_prefix("(service ")
        .and_then(|rest| rest.split_once(") "));
    let told = told.map_or(message, |(_, told)| told);
    told.split_inclusive([' ', ')', '('])
        .map(|word| match word.find(":targetgroup/") {
            Some(at) if word.starts_with("arn:") => {
                let name = word[at..].split('/').nth(1).unwrap_or(word);
                let end = word
                    .strip_suffix([' ', ')'])
                    .map_or("", |arn| &word[arn.len()..]);
                format!("{name}{end}")
            }
            _ => word.to_owned(),
        })
        .collect()
}

/// What the gates of a step are, and what one of them came to.
fn gates(event: &Event) -> String {
    match event {
        Event::Asking {
            step,
            gates,
            left_out,
            seconds,
        } => {
            let mut text = asking(step, gates, *seconds);
            for left_out in left_out {
                let _ = write!(text, "; not {left_out}");
            }
            text
        }
        Event::Asked {
            step, how, until, ..
        } => {
            let ways = ways_to_say_yes(how);
            format!(
                "waiting         for a person at {step}: {ways}, or ecsdeploy abort; until {until:.0}"
            )
        }
        Event::Gate {
            step,
            gate,
            verdict,
            said,
        } => format!("gate            {gate} {verdict} at {step}: {said}"),
        _ => String::new(),
    }
}

pub fn ways_to_say_yes(how: &Approval) -> String {
    let mut ways = "ecsdeploy promote".to_owned();
    if let Some(label) = &how.label {
        let _ = write!(ways, ", the label {label}");
    }
    if let Some(comment) = &how.comment {
        let _ = write!(ways, ", the comment {comment}");
    }
    ways
}

fn asking(step: &str, gates: &[String], seconds: u64) -> String {
    let gates = match gates {
        [] => "none".to_owned(),
        gates => gates.join(", "),
    };
    let mut text = format!("gates           {step}: {gates}");
    if seconds > 0 {
        let _ = write!(text, "; held for {seconds} s");
    }
    text
}

fn task_failure(failure: &TaskFailure) -> String {
    let mut text = format!("{}: {}", failure.task.short(), failure.reason);
    if !failure.stop_code.is_empty() {
        let _ = write!(text, " ({})", failure.stop_code);
    }
    for exit in &failure.containers {
        let code = exit.exit_code.map(|code| format!("exit code {code}"));
        let reason =
            (!exit.reason.is_empty() && exit.reason != failure.reason).then(|| exit.reason.clone());
        let said: Vec<String> = code.into_iter().chain(reason).collect();
        if !said.is_empty() {
            let _ = write!(
                text,
                "\n  container {}: {}",
                exit.container,
                said.join(", ")
            );
        }
    }
    text
}

fn finished(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Unchanged => {
            "done            nothing to do: the service runs this task definition already"
                .to_owned()
        }
        Outcome::Completed => "done            the new revision serves".to_owned(),
        Outcome::RolledBack { .. } => "rolled back     the old revision serves again".to_owned(),
        Outcome::Failed { .. } => "failed          the service was not changed".to_owned(),
        Outcome::Stranded { .. } => "failed          the service needs a hand".to_owned(),
        Outcome::Superseded { by } => format!("superseded      by {by}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::live::ServiceEvent;

    #[test]
    fn escapes_from_outside_do_not_reach_the_terminal() {
        let at = Timestamp::UNIX_EPOCH;
        let message = "bad \u{1b}[2Jnews\r\u{202e}".to_owned();
        let id = String::new();
        let line = entry(
            &Entry {
                at,
                event: Event::Service(ServiceEvent { id, at, message }),
            },
            at,
        );
        assert_eq!(
            line,
            "  0:00  service event   bad \u{fffd}[2Jnews\u{fffd}\u{fffd}\n"
        );
    }

    #[test]
    fn service_events_are_told_without_what_repeats() {
        for (event, told) in [
            (
                "(service web) registered 1 targets in (target-group arn:aws:elasticloadbalancing:r:1:targetgroup/web/0a)",
                "registered 1 targets in (target-group web)",
            ),
            (
                "(service web) has reached a steady state.",
                "has reached a steady state.",
            ),
            ("something else entirely", "something else entirely"),
        ] {
            assert_eq!(brief(event), told);
        }
    }

    #[test]
    fn elapsed_time_reads_as_a_clock() {
        for (seconds, text) in [
            (0, "  0:00"),
            (65, "  1:05"),
            (3661, "1:01:01"),
            (-5, "  0:00"),
        ] {
            assert_eq!(elapsed(SignedDuration::from_secs(seconds)), text);
        }
    }
}
