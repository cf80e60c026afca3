//! Attaching to whatever deployment runs, and telling its end; where none runs, how the last one ended.
//!
//! Without a record of ours AWS's own is what is told, and that it is not ours is said.
//! **Invariant:** a watcher changes nothing: the cloud that its machine is given refuses every change.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::SurveyError;
use super::drive::{Driven, Means, drive, tell};
use super::keeper::{Keeper, Troubled};
use super::patience::Until;
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
    Action, Facet, Fault, FaultKind, Observation, Phase, Receipt, Seen, State, Watch,
};
use crate::core::service::{Contest, FailedTasks, Intent, Limits, OnCancel, OnFailure, Redeploy};
use crate::core::service_document::Settings;
use crate::ports::{Audience, Clock, Cloud, Journal, JournalError, Wake};

/// A watcher's own patience ends a watch; what is watched has all the time that whoever drives it gives it.
const PATIENCE: Duration = Duration::from_hours(24 * 365);

/// Between looks whether a rollout has begun its deployment.
const BETWEEN_LOOKS: SignedDuration = SignedDuration::from_secs(5);

/// Follows the running deployment of the service, with the record of whoever drives it where there is one, for as long
/// as `timeout`. Where nothing runs, says so.
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
    let found = match service.controller() {
        "CODE_DEPLOY" => {
            let standing = standing_of_code_deploy(target, &service, left, cloud, clock);
            Box::pin(standing).await?
        }
        _ => standing(target, &service, left, newest.as_ref(), clock)?,
    };
    let Some((plan, mut state)) = found else {
        let serving = service.running_task_definition();
        let plan = stood(target, &service, serving.clone(), watching());
        let idle = Event::Idle {
            deployment: plan.before.deployment.clone(),
            task_definition: serving,
        };
        tell(idle, clock, audience);
        let (plan, outcome) = (Box::new(plan), Outcome::Unchanged);
        return Ok(Ran::Ended { plan, outcome });
    };
    if is_unrecorded && let Some(deployment) = state.deployment.clone() {
        tell(Event::Unrecorded { deployment }, clock, audience);
    }
    if let Some(outcome) = newest.as_ref().and_then(stuck) {
        tell(Event::Finished(outcome.clone()), clock, audience);
        let plan = Box::new(plan);
        return Ok(Ran::Ended { plan, outcome });
    }
    state.told.last_event = last_event_before(&state, &service);
    let watched = Event::Watching {
        deployment: state.deployment.clone(),
        task_definition: state.revision.clone(),
        owner: record.map(|record| record.owner),
    };
    tell(watched, clock, audience);
    Ok(Box::pin(look_on(plan, state, cloud, clock, audience)).await)
}

/// The record, once its rollout has begun a deployment.
async fn begun<K: Clock>(
    target: &ServiceKey,
    clock: &Until<'_, K>,
    journal: &impl Journal,
    audience: &mut impl Audience,
) -> Result<Result<Option<Record>, JournalError>, Box<Ran>> {
    let mut told = false;
    loop {
        let loaded = journal.load(target).await;
        let record = loaded.as_ref().ok().and_then(Option::as_ref);
        let Some(owner) = record.and_then(|it| not_begun(it, clock.now())) else {
            return Ok(loaded);
        };
        let stands = format!("{owner} has not begun the deployment");
        if !std::mem::replace(&mut told, true) {
            let watched = Event::Watching {
                deployment: None,
                task_definition: None,
                owner: Some(owner.clone()),
            };
            tell(watched, clock, audience);
        }
        if clock.sleep_until(clock.now() + BETWEEN_LOOKS).await == Wake::Interrupted {
            return Err(Box::new(clock.over(stands)));
        }
    }
}

/// Who drives a rollout that has not ordered its deployment yet, and is not ending.
fn not_begun(record: &Record, now: Timestamp) -> Option<&Owner> {
    let is_waiting = record.work.as_ref().is_none_or(|work| {
        let is_ending = matches!(
            work.state.phase,
            Phase::Restore { .. } | Phase::StandDown { .. } | Phase::Undo { .. } | Phase::Done(_)
        );
        work.state.deployment.is_none() && !is_ending
    });
    (record.is_live(now) && is_waiting).then_some(&record.owner)
}

async fn look_on<K: Clock>(
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
    let target = plan.target.clone();
    let goal = Goal::of_revision(&target, &plan);
    let unkept = Record::new(nobody(), Fence::first(now), goal, now);
    let mut keeper = Keeper::new(&Unkept, target, unkept, Troubled::No);
    match Box::pin(drive(&plan, state, &means, &mut keeper, audience)).await {
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

/// The newest event of the service that is older than the deployment: none of those is told.
fn last_event_before(state: &State, service: &Service) -> Option<String> {
    let watched = state.deployment.as_ref();
    let began = watched
        .and_then(|id| service.deployment(id))
        .and_then(|deployment| deployment.created_at());
    let events = service.events().into_iter().rev();
    let mut older = events.skip_while(|event| began.is_some_and(|began| event.at >= began));
    older.next().map(|event| event.id)
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
async fn newest(
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

/// The deployment to watch, as a plan that has been carried out and is being followed; `None` where nothing runs.
fn standing(
    target: &ServiceKey,
    service: &Service,
    left: Option<&Work>,
    newest: Option<&ServiceDeployment>,
    clock: &impl Clock,
) -> Result<Option<(Plan, State)>, SurveyError> {
    if let Some(gone) = left.filter(|work| has_gone(work, service)) {
        return Ok(Some(as_recorded(gone, clock)));
    }
    let stopped = newest.filter(|newest| newest.is_stopped());
    let stopped = stopped.map(ServiceDeployment::deployment);
    if let (Some(id), Some(primary)) = (&stopped, service.primary())
        && service.deployment(id).is_none()
    {
        return Ok(Some(taken_back(target, service, primary, id, clock)));
    }
    let is_idle = service
        .primary()
        .is_some_and(|it| service.has_completed(it));
    let has_failed_one = stopped.is_some() || service.deployments().any(has_failed);
    if left.is_none() && is_idle && !has_failed_one {
        return Ok(None);
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
    Ok(Some((plan, state)))
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
    left: Option<&Work>,
    cloud: &impl Cloud,
    clock: &impl Clock,
) -> Result<Option<(Plan, State)>, SurveyError> {
    let intent = watching();
    let found = code_deploy(target, &intent, service, cloud).await?;
    let since = service.primary_task_set().and_then(TaskSet::created);
    let facet = Facet::CodeDeployments(found.group.key(), since);
    let known = match cloud.observe(&Watch::from([facet])).await.code_deployments {
        Seen::Is(known) => known,
        Seen::Unreadable(fault) => return Err(fault.into()),
        Seen::Absent | Seen::NotAsked => found.running,
    };
    let newest = newest_of_code_deploy(&known);
    if newest.is_none() && left.is_none() {
        return Ok(None);
    }
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
    Ok(Some((plan, state)))
}

/// A deployment that ECS failed, and whose place another has taken.
fn has_failed(deployment: Deployment<'_>) -> bool {
    !deployment.is_primary() && deployment.rollout_state() == RolloutState::Failed
}

/// The plan of a deployment that somebody started.
pub fn following(
    target: &ServiceKey,
    service: &Service,
    deployment: Deployment<'_>,
    intent: Intent,
) -> Plan {
    let old = service
        .deployments()
        .find(|other| other.id() != deployment.id() && service.has_completed(*other));
    Plan {
        target: target.clone(),
        course: Course::Follow,
        strategy: Strategy::Rolling,
        why: "a deployment that runs is followed as ECS tells of it".to_owned(),
        revision: Revision::Existing(deployment.task_definition()),
        before: Before {
            deployment: old.map(|old| old.id()),
            task_definition: service.task_definition(),
            serving: old
                .or_else(|| service.primary())
                .map(|d| d.task_definition()),
            desired_count: service.desired_count(),
        },
        redeploy: Redeploy::WhenChanged,
        ground: Ground::default(),
        intent,
        settings: Settings::default(),
    }
}

pub fn at_follow(plan: &Plan, deployment: DeploymentId, clock: &impl Clock) -> State {
    let now = clock.now();
    let mut state = State::begin(plan, now);
    state.deployment = Some(deployment);
    state.enter(Phase::Follow, now);
    state
}

/// A service as it stands, and what served before, where there is nothing to follow.
pub fn stood(
    target: &ServiceKey,
    service: &Service,
    serving: TaskDefinitionArn,
    intent: Intent,
) -> Plan {
    let running = service.running_task_definition();
    let primary = service.primary().map(|deployment| deployment.id());
    Plan {
        target: target.clone(),
        course: Course::Nothing,
        strategy: Strategy::Rolling,
        why: "there is nothing to follow".to_owned(),
        revision: Revision::Existing(running.clone()),
        before: Before {
            deployment: primary.or_else(|| service.primary_task_set().map(TaskSet::id)),
            task_definition: running,
            serving: Some(serving),
            desired_count: service.desired_count(),
        },
        redeploy: Redeploy::WhenChanged,
        ground: Ground::default(),
        intent,
        settings: Settings::default(),
    }
}

fn watching() -> Intent {
    Intent {
        limits: Limits {
            timeout: PATIENCE,
            undo_timeout: PATIENCE,
            failed_tasks: FailedTasks::LeaveToEcs,
            ..Limits::default()
        },
        on_failure: OnFailure::Leave,
        contest: Contest::Supersede,
        // Whoever drives it asks the gates.
        gates: Some(Vec::new()),
        ..Intent::default()
    }
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
