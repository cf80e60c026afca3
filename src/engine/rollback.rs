//! Going back on request: a rollout that runs is turned back; otherwise the revision before, or a named one, is rolled
//! out and watched like any other.
//!
//! **Invariant:** the revision before is one that completed, as ECS remembers it; never a guess from revision numbers.

use super::desk::{Desk, held};
use super::drive::Means;
use super::rollout::{Ran, roll_out};
use super::spectate::{at_follow, following, service_of, spectate};
use super::survey::{Pinning, Request, SurveyError, Wanted};
use crate::core::id::{ServiceKey, TaskDefinitionArn};
use crate::core::journal::{Goal, Record};
use crate::core::live::{RolloutState, Service};
use crate::core::rollout::Wish;
use crate::core::service::{Contest, Intent};
use crate::core::taskdef::Overrides;
use crate::ports::{Audience, Clock, Cloud, History, Journal};

/// What to go back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    Previous,
    /// An ARN, `FAMILY:REVISION`, or a revision number of the running family.
    Revision(String),
}

/// Goes back, or tells whoever drives a rollout to go back and watches that it does. `means.wish` is the wish to go back.
pub async fn roll_back<C: Cloud + History, K: Clock, J: Journal>(
    target: ServiceKey,
    to: To,
    intent: Intent,
    means: &Means<'_, C, K, J>,
    audience: &mut impl Audience,
) -> Result<Ran, SurveyError> {
    if let To::Revision(name) = to {
        let service = service_of(&target, means.cloud).await?;
        let name = full_name(&name, &service);
        return Box::pin(roll_out_revision(target, name, intent, means, audience)).await;
    }
    let mut desk = Desk::new(target.clone(), means, audience);
    let record = desk.load().await;
    if let Some(record) = record.filter(|record| record.unfinished().is_some()) {
        return Box::pin(turn_back(record, target, intent, means, desk)).await;
    }
    let service = service_of(&target, means.cloud).await?;
    if let Some(running) = service.primary().filter(|d| {
        d.rollout_state() == RolloutState::InProgress && service.last_completed().is_some()
    }) {
        let plan = following(&target, &service, running, intent);
        let state = at_follow(&plan, running.id(), means.clock);
        let goal = Goal::of_revision(&target, &plan);
        return Box::pin(desk.drive(plan, state, goal, None)).await;
    }
    let previous = Box::pin(previous(&target, &service, means.cloud)).await?;
    drop(desk);
    Box::pin(roll_out_revision(
        target,
        previous.to_string(),
        intent,
        means,
        audience,
    ))
    .await
}

/// A rollout of ours runs, or its run died: it is undone.
async fn turn_back<C: Cloud, K: Clock, J: Journal, A: Audience>(
    record: Record,
    target: ServiceKey,
    intent: Intent,
    means: &Means<'_, C, K, J>,
    mut desk: Desk<'_, C, K, J, A>,
) -> Result<Ran, SurveyError> {
    if record.is_live(means.clock.now()) {
        let by = means.owner.to_string();
        let wish = Wish::Undo { by };
        let told = means.journal.wish(&target, record.fence, &wish).await;
        if told.is_err() {
            return Ok(held(&record));
        }
        let timeout = intent.limits.timeout;
        let (cloud, clock, journal) = (means.cloud, means.clock, means.journal);
        let watched = spectate(&target, timeout, cloud, clock, journal, desk.audience());
        return match Box::pin(watched).await {
            // Nobody but its driver can see how it goes, and it goes back all the same.
            Err(SurveyError::Refused(_)) => Err(SurveyError::Told {
                owner: record.owner,
            }),
            watched => watched,
        };
    }
    let mut keeper = match desk.take(&record).await {
        Ok(keeper) => keeper,
        Err(other) => return Ok(held(&other)),
    };
    let work = record
        .unfinished()
        .expect("only such records are turned back");
    let driven = desk.take_up(&record, work, &mut keeper).await;
    Ok(desk.close(work.plan.clone(), driven, keeper).await)
}

async fn roll_out_revision<C: Cloud, K: Clock, J: Journal>(
    target: ServiceKey,
    name: String,
    intent: Intent,
    means: &Means<'_, C, K, J>,
    audience: &mut impl Audience,
) -> Result<Ran, SurveyError> {
    let request = Request {
        target,
        wanted: Wanted::Revision(name, Overrides::default()),
        pinning: Pinning::Keep,
        intent: Intent {
            contest: Contest::Supersede,
            ..intent
        },
    };
    let means = Means {
        cloud: means.cloud,
        clock: means.clock,
        journal: means.journal,
        owner: means.owner.clone(),
        on_cancel: means.on_cancel,
        wish: None,
    };
    Box::pin(roll_out(request, &means, audience)).await
}

/// ECS's records of service deployments; without the right to read them, what the service itself still lists.
async fn previous(
    target: &ServiceKey,
    service: &Service,
    history: &impl History,
) -> Result<TaskDefinitionArn, SurveyError> {
    let running = service.running_task_definition();
    // A task set that was removed leaves no trace, and service deployments are of the ECS controller.
    if service.controller() == "EXTERNAL" {
        return Err(SurveyError::NoHistory { serving: running });
    }
    let recorded = history.completed(target, service).await.unwrap_or_default();
    let listed = service
        .deployments()
        .filter(|deployment| service.has_completed(*deployment))
        .map(|deployment| deployment.task_definition());
    recorded
        .into_iter()
        .chain(listed)
        .find(|revision| *revision != running)
        .ok_or_else(|| SurveyError::NoPrevious(target.clone()))
}

/// `7` -> `FAMILY:7`, of the family that runs.
fn full_name(name: &str, service: &Service) -> String {
    if !name.bytes().all(|byte| byte.is_ascii_digit()) {
        return name.to_owned();
    }
    let running = service.running_task_definition();
    let family = running.short().rsplit_once(':').map_or("", |(f, _)| f);
    format!("{family}:{name}")
}
