//! Attaching to whatever deployment runs, and telling its end; where none runs, how the last one ended.
//!
//! Without a record of ours AWS's own is what is told, and that it is not ours is said.
//! **Invariant:** a watcher changes nothing: the cloud that its machine is given refuses every change.

use std::time::Duration;

use super::SurveyError;
use super::drive::{Driven, Means, drive, tell};
use super::followed::{at_follow, following, watching};
use super::keeper::{Keeper, Troubled, trouble};
use super::patience::{Until, begun};
use super::propose::code_deploy;
use super::rollout::Ran;
use super::unkept::Unkept;
use crate::core::id::{DeploymentId, ServiceKey, TaskDefinitionArn};
use crate::core::journal::{Fence, Goal, Owner, Record, Work};
use crate::core::live::{
    CodeDeployment, Deployment, RolloutState, Service, ServiceDeployment, TaskSet,
};
use crate::core::plan::{Before, CodeDeploy, Course, Ground, Plan, Refusal, Revision, Strategy};
use crate::core::report::{Cause, Event, Outcome};
use crate::core::rollout::{
    Action, Facet, Fault, FaultKind, Observation, Receipt, Seen, State, Watch,
};
use crate::core::service::{OnCancel, Redeploy};
use crate::core::service_document::Settings;
use crate::ports::{Audience, Clock, Cloud, Journal};

/// Follows the running deployment of the service, with the record of whoever drives it where there is one, for as long
/// as `timeout`.
pub async fn spectate(
    target: &ServiceKey,
    timeout: Duration,
    cloud: &impl Cloud,
    clock: &impl Clock,
    journal: &impl Journal,
    audience: &mut impl Audience,
) -> Result<Ran, SurveyError> {
    let until = clock.now() + timeout;
    let clock = &Until { clock, until };
    let loaded = match Box::pin(begun(target, clock, journal, audience)).await {
        Ok(loaded) => loaded,
        Err(ran) => return Ok(*ran),
    };
    if let Err(error) = &loaded {
        let left = "whether a rollout of ecsdeploy is on record is not known";
        tell(trouble(error, left), clock, audience);
    }
    let is_unrecorded = matches!(loaded, Ok(None));
    let record = loaded.unwrap_or_default();
    let left = record.as_ref().and_then(Record::unfinished);
    let service = service_of(target, cloud).await?;
    let newest = match left {
        Some(_) => None,
        None => newest(target, &service, cloud)
            .await
            .unwrap_or_else(|fault| {
                tell(unread(&fault), clock, audience);
                None
            }),
    };
    let (plan, mut state, runs) = if service.controller() == "CODE_DEPLOY" {
        let standing = standing_of_code_deploy(target, &service, cloud, clock);
        Box::pin(standing).await?
    } else {
        let (plan, state) = standing(target, &service, left, newest.as_ref(), clock)?;
        (plan, state, runs(&service))
    };
    let runs = left.map_or(runs, |_| Runs::Yes);
    tell(
        found(&state, runs, record.as_ref(), &service),
        clock,
        audience,
    );
    state.told.last_event = last_event(&state, runs, &service);
    if is_unrecorded && let Some(deployment) = state.deployment.clone() {
        tell(Event::Unrecorded { deployment }, clock, audience);
    }
    if let Some(outcome) = newest.as_ref().and_then(stuck) {
        tell(Event::Finished(outcome.clone()), clock, audience);
        let plan = Box::new(plan);
        return Ok(Ran::Ended { plan, outcome });
    }
    Ok(Box::pin(follow(plan, state, cloud, clock, audience)).await)
}

/// Whether there is anything to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Runs {
    Yes,
    /// What was deployed last has ended.
    Nothing,
}

fn runs(service: &Service) -> Runs {
    let primary = service.primary();
    let is_idle = primary.is_some_and(|it| service.has_completed(it));
    if is_idle && !service.deployments().any(has_failed) {
        Runs::Nothing
    } else {
        Runs::Yes
    }
}

/// What is followed, or that nothing is.
fn found(state: &State, runs: Runs, record: Option<&Record>, service: &Service) -> Event {
    let deployment = state.deployment.clone();
    match runs {
        Runs::Nothing => Event::Idle {
            deployment,
            task_definition: service.running_task_definition(),
        },
        Runs::Yes => Event::Watching {
            deployment,
            task_definition: state.revision.clone(),
            owner: record.map(|record| record.owner.clone()),
        },
    }
}

/// The newest event of the service that is not of what runs: no older one is told.
fn last_event(state: &State, runs: Runs, service: &Service) -> Option<String> {
    let watched = state.deployment.as_ref().filter(|_| runs == Runs::Yes);
    let began = watched
        .and_then(|id| service.deployment(id))
        .and_then(|deployment| deployment.created_at());
    service.last_event_before(began)
}

/// Takes the machine's turns with hands that change nothing.
async fn follow<K: Clock>(
    plan: Plan,
    state: State,
    cloud: &impl Cloud,
    clock: &Until<'_, K>,
    audience: &mut impl Audience,
) -> Ran {
    let means = Means {
        cloud: &Watching(cloud),
        clock,
        journal: &Unkept,
        owner: nobody(),
        on_cancel: OnCancel::Leave,
        wish: None,
    };
    let now = clock.now();
    let goal = Goal::of_revision(&plan.target, &plan);
    let unkept = Record::new(nobody(), Fence::first(now), goal, now);
    let mut keeper = Keeper::new(&Unkept, plan.target.clone(), unkept, Troubled::No);
    match drive(&plan, state, &means, &mut keeper, audience).await {
        Driven::Ended(outcome) => Ran::Ended {
            plan: Box::new(plan),
            outcome,
        },
        Driven::LeftOff { state, cause } => Ran::LeftOff {
            plan: Box::new(plan),
            state,
            cause,
        },
        Driven::Interrupted(state) | Driven::HandedOver(state) => {
            let deployment = state.deployment.as_ref();
            let stands = state.told.progress.as_ref().map(ToString::to_string);
            clock.over(format!(
                "deployment {}: {}",
                deployment.map_or("", DeploymentId::as_str),
                stands.unwrap_or_default()
            ))
        }
        Driven::TakenOver(owner) => Ran::Held { owner, since: now },
    }
}

pub async fn service_of(target: &ServiceKey, cloud: &impl Cloud) -> Result<Service, SurveyError> {
    let facet = Facet::Service(target.clone());
    match cloud.observe(&Watch::from([facet])).await.service {
        Seen::Is(service) if service.status() != "INACTIVE" => Ok(service),
        Seen::Unreadable(fault) => Err(fault.into()),
        _ => Err(SurveyError::NoService(target.clone())),
    }
}

/// What ECS says of the newest of its deployments; other controllers' it knows nothing of.
pub async fn newest(
    target: &ServiceKey,
    service: &Service,
    cloud: &impl Cloud,
) -> Result<Option<ServiceDeployment>, Fault> {
    if !matches!(service.controller(), "ECS" | "") {
        return Ok(None);
    }
    let facet = Facet::NewestServiceDeployment(target.clone());
    match cloud
        .observe(&Watch::from([facet]))
        .await
        .service_deployment
    {
        Seen::Is(newest) => Ok(Some(newest)),
        Seen::Unreadable(fault) => Err(fault),
        Seen::Absent | Seen::NotAsked => Ok(None),
    }
}

/// Where ECS's own record may not be read, the service alone tells, which forgets what was rolled back.
fn unread(fault: &Fault) -> Event {
    Event::Trouble {
        operation: fault.operation.clone(),
        message: format!(
            "{}; a deployment that was rolled back and is gone looks like none",
            fault.message
        ),
    }
}

/// What a way back that ECS could not finish comes to: nothing more happens that could be followed.
fn stuck(newest: &ServiceDeployment) -> Option<Outcome> {
    let reason = newest.status_reason().to_owned();
    let from = Box::new(Cause::FailedByEcs {
        reason: reason.clone(),
    });
    let cause = Cause::UndoFailed { from, reason };
    (newest.status() == "ROLLBACK_FAILED").then_some(Outcome::Stranded { cause })
}

/// The deployment to watch, as a plan that has been carried out and is being followed.
fn standing(
    target: &ServiceKey,
    service: &Service,
    left: Option<&Work>,
    newest: Option<&ServiceDeployment>,
    clock: &impl Clock,
) -> Result<(Plan, State), SurveyError> {
    if let Some(gone) = left.filter(|work| has_gone(work, service)) {
        return Ok(as_recorded(gone, clock));
    }
    let stopped = newest.filter(|newest| newest.is_stopped());
    let stopped = stopped.map(ServiceDeployment::deployment);
    if let (Some(id), Some(primary)) = (&stopped, service.primary())
        && service.deployment(id).is_none()
    {
        return Ok(taken_back(target, service, primary, id, clock));
    }
    let recorded = left.and_then(|work| work.state.deployment.clone());
    let watched = recorded
        .or(stopped)
        .and_then(|id| service.deployment(&id))
        .or_else(|| service.deployments().find(|d| has_failed(*d)))
        .or_else(|| service.primary());
    let Some(watched) = watched else {
        return Err(Refusal::Unwatchable.into());
    };
    let mut plan = following(target, service, watched, watching());
    if let Some(work) = left {
        plan.before = work.plan.before.clone();
    }
    let state = at_follow(&plan, watched.id(), clock);
    Ok((plan, state))
}

/// The recorded deployment is no more among the service's: something took its place, ECS's way back perhaps.
fn has_gone(work: &Work, service: &Service) -> bool {
    let recorded = work.state.deployment.as_ref();
    recorded.is_some_and(|id| service.primary().is_some() && service.deployment(id).is_none())
}

/// ECS's newest deployment is no more among the service's, and was stopped or taken back: what is primary took its
/// place, and is the way back.
fn taken_back(
    target: &ServiceKey,
    service: &Service,
    primary: Deployment<'_>,
    gone: &DeploymentId,
    clock: &impl Clock,
) -> (Plan, State) {
    let mut plan = following(target, service, primary, watching());
    plan.before.deployment = Some(primary.id());
    let state = at_follow(&plan, gone.clone(), clock);
    (plan, state)
}

/// What took the place of a deployment is judged by the plan that it was of, and never taken for it.
fn as_recorded(work: &Work, clock: &impl Clock) -> (Plan, State) {
    let plan = Plan {
        course: Course::Follow,
        strategy: Strategy::Rolling,
        intent: watching(),
        settings: Settings::default(),
        ..work.plan.clone()
    };
    let recorded = work.state.deployment.clone();
    let deployment = recorded.expect("only a deployment that is known can be gone");
    let state = at_follow(&plan, deployment, clock);
    (plan, state)
}

/// The newest, unless it is the way back of another one: then that one, whose end it is.
fn newest_of_code_deploy(known: &[CodeDeployment]) -> Option<&CodeDeployment> {
    let newest = known
        .iter()
        .max_by(|a, b| a.created().total_cmp(&b.created()))?;
    let taken_back = known.iter().find(|one| one.rollback() == Some(newest.id()));
    Some(taken_back.unwrap_or(newest))
}

/// Of CodeDeploy's deployments the newest since the one that made what serves, else that one.
async fn standing_of_code_deploy(
    target: &ServiceKey,
    service: &Service,
    cloud: &impl Cloud,
    clock: &impl Clock,
) -> Result<(Plan, State, Runs), SurveyError> {
    let intent = watching();
    let found = code_deploy(target, &intent, service, cloud).await?;
    let runs = match found.running.first() {
        Some(_) => Runs::Yes,
        None => Runs::Nothing,
    };
    let since = service.primary_task_set().and_then(TaskSet::created);
    let facet = Facet::CodeDeployments(found.group.key(), since);
    let known = match cloud.observe(&Watch::from([facet])).await.code_deployments {
        Seen::Is(known) => known,
        Seen::Unreadable(fault) => return Err(fault.into()),
        Seen::Absent | Seen::NotAsked => found.running,
    };
    let newest = newest_of_code_deploy(&known);
    let last = service.primary_task_set().map(TaskSet::external_id);
    let last = last
        .filter(|id| id.starts_with("d-"))
        .map(DeploymentId::new);
    let Some(watched) = newest.map(CodeDeployment::id).or(last) else {
        return Err(Refusal::Unwatchable.into());
    };
    let revision = newest.and_then(CodeDeployment::task_definition);
    let revision = revision.map(TaskDefinitionArn::new);
    let serving = service.running_task_definition();
    let plan = Plan {
        target: target.clone(),
        course: Course::Follow,
        strategy: Strategy::CodeDeploy(CodeDeploy::watched(found.group.key())),
        why: "a deployment that runs is followed as CodeDeploy tells of it".to_owned(),
        revision: Revision::Existing(revision.unwrap_or_else(|| serving.clone())),
        before: Before {
            deployment: service.primary_task_set().map(TaskSet::id),
            task_definition: serving.clone(),
            serving: Some(serving),
            desired_count: service.desired_count(),
        },
        redeploy: Redeploy::WhenChanged,
        ground: Ground::of(service),
        settings: Settings::default(),
        intent,
    };
    let state = at_follow(&plan, watched, clock);
    Ok((plan, state, runs))
}

/// A deployment that ECS failed, and whose place another has taken.
pub fn has_failed(deployment: Deployment<'_>) -> bool {
    !deployment.is_primary() && deployment.rollout_state() == RolloutState::Failed
}

fn nobody() -> Owner {
    Owner {
        user: "a watcher".to_owned(),
        host: String::new(),
        pid: 0,
        run: None,
    }
}

/// Looks, and refuses every change.
struct Watching<'a, C>(&'a C);

impl<C: Cloud> Cloud for Watching<'_, C> {
    async fn observe(&self, watch: &Watch) -> Observation {
        self.0.observe(watch).await
    }

    async fn perform(&self, action: &Action) -> Result<Receipt, Fault> {
        Err(Fault {
            operation: action.operation().to_owned(),
            kind: FaultKind::Denied,
            code: String::new(),
            message: "a watcher changes nothing".to_owned(),
        })
    }
}
