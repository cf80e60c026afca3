//! Which way a rollout goes: nothing to do, a deployment to follow, or one to make.

use super::{Course, Refusal, Revision, Survey};
use crate::core::id::TaskDefinitionArn;
use crate::core::live::{CodeDeployment, RolloutState, Service};
use crate::core::service::{Contest, Intent, Redeploy};
use crate::core::service_document::Settings;

pub fn of(
    revision: &Revision,
    intent: &Intent,
    settings: &Settings,
    survey: &Survey,
) -> Result<Course, Refusal> {
    match survey.service.controller() {
        "CODE_DEPLOY" => of_code_deploy(revision, intent, survey),
        _ => of_ecs(revision, intent, settings, &survey.service),
    }
}

/// Of task sets nothing is to be done when the primary one is of the wanted revision and stands alone. One that somebody
/// else made is somebody else's deployment.
fn of_sets(revision: &Revision, intent: &Intent, service: &Service) -> Result<Course, Refusal> {
    let mut others = service.task_sets().filter(|set| !set.is_primary());
    let foreign = others.find(|set| !set.is_ours() && !set.is_draining());
    if let Some(foreign) = foreign.filter(|_| intent.contest == Contest::Refuse) {
        return Err(Refusal::Busy {
            deployment: foreign.id(),
            task_definition: foreign.task_definition(),
        });
    }
    let alone = service.task_sets().count() == 1;
    let runs_it = service.primary_task_set().is_some_and(
        |set| matches!(revision, Revision::Existing(arn) if *arn == set.task_definition()),
    );
    if runs_it && alone && intent.redeploy == Redeploy::WhenChanged {
        Ok(Course::Nothing)
    } else {
        Ok(Course::Deploy)
    }
}

/// A deployment of the wanted revision that runs is followed; a primary task set of it that stands alone is all there
/// is to do. The old set stands beside it while CodeDeploy waits before it terminates it.
fn of_code_deploy(
    revision: &Revision,
    intent: &Intent,
    survey: &Survey,
) -> Result<Course, Refusal> {
    let wanted = match revision {
        Revision::Existing(arn) => Some(arn),
        Revision::New(_) => None,
    };
    let service = &survey.service;
    let serves = service
        .primary_task_set()
        .is_some_and(|set| wanted == Some(&set.task_definition()));
    let count_changes = intent
        .desired_count
        .is_some_and(|count| count != service.desired_count());
    let found = survey.code_deploy.as_ref();
    let running = found.and_then(|found| found.running.first());
    if intent.redeploy == Redeploy::WhenChanged && !count_changes {
        match running {
            None if serves => return Ok(Course::Nothing),
            Some(running) if is_of(running, wanted) => return Ok(Course::Follow),
            _ => {}
        }
    }
    match running {
        Some(running) if intent.contest == Contest::Refuse => Err(Refusal::Busy {
            deployment: running.id(),
            task_definition: TaskDefinitionArn::new(running.task_definition().unwrap_or_default()),
        }),
        _ => Ok(Course::Deploy),
    }
}

fn is_of(running: &CodeDeployment, wanted: Option<&TaskDefinitionArn>) -> bool {
    wanted.is_some_and(|wanted| running.task_definition() == Some(wanted.as_str()))
}

fn of_ecs(
    revision: &Revision,
    intent: &Intent,
    settings: &Settings,
    service: &Service,
) -> Result<Course, Refusal> {
    let Some(primary) = service.primary() else {
        return of_sets(revision, intent, service);
    };
    let runs_it = matches!(revision, Revision::Existing(arn) if *arn == primary.task_definition());
    let count_changes = intent
        .desired_count
        .is_some_and(|count| count != service.desired_count());
    let completed = service.has_completed(primary);
    let running = !completed && primary.rollout_state() == RolloutState::InProgress;
    let is_same = runs_it && !count_changes && settings.is_empty();
    if is_same && intent.redeploy == Redeploy::WhenChanged {
        if completed {
            return Ok(Course::Nothing);
        }
        if running {
            return Ok(Course::Follow);
        }
    }
    if running && intent.contest == Contest::Refuse {
        return Err(Refusal::Busy {
            deployment: primary.id(),
            task_definition: primary.task_definition(),
        });
    }
    Ok(Course::Deploy)
}
