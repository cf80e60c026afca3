//! Going back on request: a rollout that runs is turned back; otherwise the revision before, or a named one, is rolled
//! out and watched like any other.
//!
//! **Invariant:** the revision before is one that completed, as ECS remembers it; never a guess from revision numbers, and
//! never one that the service went back from: going back twice must not put a bad release back.

use super::desk::Desk;
use super::drive::Means;
use super::rollout::{Ran, roll_out};
use super::spectate::{at_follow, following, service_of};
use super::survey::{Pinning, Request, SurveyError, Wanted};
use super::turn_back::{Turned, turn_back};
use crate::core::id::{ServiceKey, TaskDefinitionArn};
use crate::core::journal::Goal;
use crate::core::live::{RolloutState, Service};
use crate::core::report::{BackTo, Event};
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
    if let Some(running) = service.primary().filter(|d| {
        d.rollout_state() == RolloutState::InProgress && service.last_completed().is_some()
    }) {
        let plan = following(&target, &service, running, intent);
        let state = at_follow(&plan, running.id(), means.clock);
        let goal = Goal::of_revision(&target, &plan);
        return Box::pin(desk.drive(plan, state, goal, None)).await;
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
    // A task set that was removed leaves no trace, and service deployments are of the ECS controller.
    if service.controller() == "EXTERNAL" {
        let serving = service.running_task_definition();
        return Err(SurveyError::NoHistory { serving });
    }
    let mut brought = history.completed(target, service).await.unwrap_or_default();
    if brought.is_empty() {
        let completed = service
            .deployments()
            .filter(|it| service.has_completed(*it));
        brought = completed.map(|it| it.task_definition()).collect();
    }
    before(service.running_task_definition(), &brought, target)
}

/// The revision before the running one, of those that completed deployments brought, newest first. One that the service
/// went back from is none: the running revision was there before it, or is the older of one family.
fn before(
    running: TaskDefinitionArn,
    brought: &[TaskDefinitionArn],
    target: &ServiceKey,
) -> Result<TaskDefinitionArn, SurveyError> {
    let earlier: Vec<_> = brought.iter().skip_while(|it| **it == running).collect();
    let Some(&last) = earlier.first() else {
        return Err(SurveyError::NoPrevious(target.clone()));
    };
    let was_before = earlier.contains(&&running);
    if was_before || is_newer(last, &running) {
        let left = last.clone();
        return Err(SurveyError::CameBack { running, left });
    }
    Ok(last.clone())
}

/// ECS numbers the revisions of a family as they are registered.
fn is_newer(one: &TaskDefinitionArn, other: &TaskDefinitionArn) -> bool {
    let number = |arn: &TaskDefinitionArn| {
        let (family, number) = arn.as_str().rsplit_once(':')?;
        Some((family.to_owned(), number.parse::<u64>().ok()?))
    };
    match (number(one), number(other)) {
        (Some((one, n)), Some((other, m))) => one == other && n > m,
        _ => false,
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::id::{Cluster, ServiceName};

    /// Revisions that deployments brought, newest first; where going back leads, or what it would put back.
    fn check(running: &str, brought: &[&str], goes: Result<&str, &str>) {
        let target = ServiceKey {
            cluster: Cluster::from("main"),
            service: ServiceName::from("web"),
        };
        let brought: Vec<_> = brought
            .iter()
            .map(|it| TaskDefinitionArn::from(*it))
            .collect();
        let found = before(TaskDefinitionArn::from(running), &brought, &target);
        match (found, goes) {
            (Ok(to), Ok(expected)) => assert_eq!(to.as_str(), expected, "{brought:?}"),
            (Err(SurveyError::CameBack { left, .. }), Err(expected)) => {
                assert_eq!(left.as_str(), expected, "{brought:?}");
            }
            (Err(SurveyError::NoPrevious(_)), Err("")) => {}
            (found, _) => panic!("{brought:?}: {found:?}"),
        }
    }

    #[test]
    fn going_back_twice_does_not_put_back_what_was_left() {
        check("web:2", &["web:2", "web:1"], Ok("web:1"));
        check("web:2", &["web:1"], Ok("web:1"));
        check("web:2", &["web:2"], Err(""));
        check("web:2", &["web:2", "web:3", "web:2", "web:1"], Err("web:3"));
        // ECS forgets after 90 days.
        check("web:2", &["web:2", "web:3"], Err("web:3"));
        check("api:9", &["api:9", "web:3", "api:9"], Err("web:3"));
        check("web:4", &["web:4", "web:2", "web:3", "web:2"], Ok("web:2"));
        check("api:1", &["api:1", "web:3"], Ok("web:3"));
    }
}
