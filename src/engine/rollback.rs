//! Going back on request: a rollout that runs is turned back; otherwise the revision before ([`way_back`]), or a named
//! one, is rolled out and watched like any other.
//!
//! **Invariant:** where the service goes back by itself already, it is watched to its end, and led no further back.

use super::desk::Desk;
use super::drive::Means;
use super::followed::{at_follow, following};
use super::propose::code_deploy;
use super::rollout::{Ran, roll_out};
use super::spectate::{has_failed, newest, service_of, spectate};
use super::survey::{Pinning, Request, SurveyError, Wanted};
use super::turn_back::{Turned, turn_back};
use crate::core::id::{ServiceKey, TaskDefinitionArn};
use crate::core::journal::Goal;
use crate::core::live::{CodeDeployment, Deployment, RolloutState, Service};
use crate::core::past::{Ended, Past, WayBack, way_back};
use crate::core::report::{BackTo, Event, Outcome};
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
    match Box::pin(turn_back(&target, &intent, &mut desk)).await? {
        Some(Turned::Ended(ran)) => return Ok(ran),
        Some(Turned::RollOut(revision)) => {
            drop(desk);
            let name = revision.to_string();
            return Box::pin(roll_out_revision(target, name, intent, means, audience)).await;
        }
        None => {}
    }
    let service = service_of(&target, means.cloud).await?;
    match Box::pin(under_way(&target, &service, &intent, means.cloud)).await? {
        UnderWay::Nothing => {}
        UnderWay::WayBack(to) => {
            desk.tell(Event::GoingBack {
                task_definition: to,
                why: BackTo::ByEcs,
            });
            drop(desk);
            return Box::pin(watch_back(&target, &intent, means, audience)).await;
        }
        UnderWay::Release => {
            let running = service.primary();
            let running = running.expect("a release is under way as the primary deployment");
            let plan = following(&target, &service, running, intent);
            let state = at_follow(&plan, running.id(), means.clock);
            let goal = Goal::of_revision(&target, &plan);
            return Box::pin(desk.drive(plan, state, goal, None)).await;
        }
    }
    let previous = Box::pin(previous(&target, &service, means.cloud)).await?;
    let why = BackTo::Before(service.running_task_definition());
    desk.tell(Event::GoingBack {
        task_definition: previous.clone(),
        why,
    });
    drop(desk);
    let name = previous.to_string();
    Box::pin(roll_out_revision(target, name, intent, means, audience)).await
}

/// What AWS does with a service that nobody has on record.
enum UnderWay {
    Nothing,
    /// Somebody's deployment, which is to be turned back.
    Release,
    /// ECS goes back to this of its own, or was told to.
    WayBack(TaskDefinitionArn),
}

async fn under_way(
    target: &ServiceKey,
    service: &Service,
    intent: &Intent,
    cloud: &impl Cloud,
) -> Result<UnderWay, SurveyError> {
    if service.controller() == "CODE_DEPLOY" {
        let found = code_deploy(target, intent, service, cloud).await?;
        return unless_code_deploy_moves(service, &found.running);
    }
    let is_moving = |it: &Deployment<'_>| it.rollout_state() == RolloutState::InProgress;
    let Some(primary) = service.primary().filter(is_moving) else {
        return Ok(UnderWay::Nothing);
    };
    if let Some(to) = led_back(target, service, primary, cloud).await {
        return Ok(UnderWay::WayBack(to));
    }
    Ok(match service.last_completed() {
        Some(_) => UnderWay::Release,
        None => UnderWay::Nothing,
    })
}

/// What ECS goes back to, by its own record; without the right to read that, by a failed deployment beside the primary one.
async fn led_back(
    target: &ServiceKey,
    service: &Service,
    primary: Deployment<'_>,
    cloud: &impl Cloud,
) -> Option<TaskDefinitionArn> {
    let Ok(newest) = newest(target, service, cloud).await else {
        let has_failed = service.deployments().any(has_failed);
        return has_failed.then(|| primary.task_definition());
    };
    let taken_back = newest.filter(|it| it.is_stopped() && !it.has_ended())?;
    // Right after it was told to, what is taken back is primary still.
    let others = service.deployments();
    let mut others = others.filter(|it| it.id() != taken_back.deployment());
    Some(others.next().unwrap_or(primary).task_definition())
}

/// A deployment that waits to end the old tasks has moved the traffic: its revision is the running one, and can be gone
/// back from. Before that the running revision is not what is to be turned back.
fn unless_code_deploy_moves(
    service: &Service,
    running: &[CodeDeployment],
) -> Result<UnderWay, SurveyError> {
    let serves = service.running_task_definition();
    let moves = running
        .iter()
        .find(|it| it.task_definition() != Some(serves.as_str()));
    match moves {
        None => Ok(UnderWay::Nothing),
        Some(moves) => Err(SurveyError::CodeDeployMoves {
            deployment: moves.id(),
            serves,
        }),
    }
}

/// What was asked for is under way without us: it is watched until the old revision serves.
async fn watch_back<C: Cloud, K: Clock, J: Journal>(
    target: &ServiceKey,
    intent: &Intent,
    means: &Means<'_, C, K, J>,
    audience: &mut impl Audience,
) -> Result<Ran, SurveyError> {
    let (cloud, clock, journal) = (means.cloud, means.clock, means.journal);
    let timeout = intent.limits.timeout;
    let watched = spectate(target, timeout, cloud, clock, journal, audience);
    Ok(match Box::pin(watched).await? {
        Ran::Ended {
            plan,
            outcome: Outcome::RolledBack { .. },
        } => Ran::Ended {
            plan,
            outcome: Outcome::Completed,
        },
        ran => ran,
    })
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
        wish: None,
        ..means.clone()
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
    if service.controller() == "EXTERNAL" {
        // A task set that was removed leaves no trace, and service deployments are of the ECS controller.
        return Err(SurveyError::NoHistory { serving: running });
    }
    let mut past = history.past(target, service).await.unwrap_or_default();
    if past.is_empty() {
        past = listed(service);
    }
    match way_back(&running, &past) {
        WayBack::To(revision) => Ok(revision),
        WayBack::CameBack { left, further } => Err(SurveyError::CameBack {
            running,
            left,
            further,
        }),
        WayBack::Unknown => Err(SurveyError::NoPrevious(target.clone())),
    }
}

fn listed(service: &Service) -> Vec<Past> {
    let ended = service.deployments().filter_map(|deployment| {
        let ended = match deployment.rollout_state() {
            _ if service.has_completed(deployment) => Ended::Completed,
            RolloutState::Failed if !deployment.is_primary() => Ended::TakenBack,
            _ => return None,
        };
        Some(Past {
            task_definition: deployment.task_definition(),
            ended,
        })
    });
    ended.collect()
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
