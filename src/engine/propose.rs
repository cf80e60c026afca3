//! From a survey to a plan: looks further where the service's controller and the plan's strategy need it.
//!
//! **Invariant:** only looks. A service that runs what is wanted costs no look beyond the survey.

use super::survey::{Request, SurveyError};
use crate::core::fate::Fate;
use crate::core::id::{DeploymentId, ServiceKey};
use crate::core::journal::Work;
use crate::core::live::{Service, TaskSet};
use crate::core::plan::{Before, CodeDeployFound, Course, Plan, Refusal, Strategy, Survey};
use crate::core::preflight::{self, Further};
use crate::core::rollout::{Facet, GroupSearch, Seen, Watch};
use crate::core::service::{Contest, Intent, Redeploy};
use crate::core::strategy;
use crate::core::taskdef::{TaskDefinition, same};
use crate::ports::Cloud;

/// Plans, with what was looked at for the plan's sake put into the survey.
pub async fn propose(
    target: &ServiceKey,
    wanted: &TaskDefinition,
    intent: Intent,
    survey: &mut Survey,
    cloud: &impl Cloud,
) -> Result<Plan, SurveyError> {
    if survey.service.controller() == "CODE_DEPLOY" && !is_settled(wanted, &intent, survey) {
        survey.code_deploy = Some(code_deploy(target, &intent, &survey.service, cloud).await?);
    }
    let make = |survey: &Survey| Plan::make(target.clone(), wanted.clone(), intent.clone(), survey);
    let mut plan = make(survey)?;
    if plan.course == Course::Nothing {
        return Ok(plan);
    }
    if let Strategy::Native(_) = plan.strategy {
        let rules = preflight::production_rules(&survey.service);
        survey.further = Further::read(cloud.observe(&rules).await);
        survey.rules.clone_from(&survey.further.rules);
        // With the rules it is known which target group serves.
        plan = make(survey)?;
    }
    let watch = preflight::watch(&plan, wanted, survey);
    if !watch.is_empty() {
        survey
            .further
            .add(Further::read(cloud.observe(&watch).await));
    }
    Ok(plan)
}

/// Plans over what a dead run left half deployed, if anything is: that is nobody's any more, and nothing to go back to.
pub async fn propose_over(
    request: &Request,
    wanted: &TaskDefinition,
    left: Option<&Work>,
    survey: &mut Survey,
    cloud: &impl Cloud,
) -> Result<Plan, SurveyError> {
    let mut intent = request.intent.clone();
    let left = left.filter(|work| work.half_deployed(&survey.service).is_some());
    let fate = left.map(|work| Fate::of(work, &survey.service, intent.contest));
    if fate == Some(Fate::Replaced) {
        intent.contest = Contest::Supersede;
    }
    let mut plan = propose(&request.target, wanted, intent, survey, cloud).await?;
    if let Some(work) = left {
        let served = survey.service.last_completed();
        let desired_count = plan.before.desired_count;
        plan.before = Before {
            deployment: served.map(|deployment| deployment.id()),
            desired_count,
            ..work.plan.before.clone()
        };
    }
    Ok(plan)
}

/// Refuses a plan that cannot succeed; gives what is to be minded otherwise.
pub fn admit(
    plan: &Plan,
    wanted: &TaskDefinition,
    survey: &Survey,
) -> Result<Vec<crate::core::taskdef::Finding>, SurveyError> {
    let findings = preflight::findings(plan, wanted, survey);
    if preflight::refuses(&findings) {
        return Err(Refusal::Unfit { findings }.into());
    }
    Ok(findings)
}

/// The one task set is of the wanted task definition: there is nothing that CodeDeploy is asked for.
fn is_settled(wanted: &TaskDefinition, intent: &Intent, survey: &Survey) -> bool {
    let service = &survey.service;
    let counted = intent
        .desired_count
        .is_none_or(|count| count == service.desired_count());
    service.task_sets().count() == 1
        && counted
        && intent.redeploy == Redeploy::WhenChanged
        && survey.running.is_active()
        && same(&survey.running.definition, wanted)
}

/// The deployment group of a service that CodeDeploy deploys, and what runs there.
pub async fn code_deploy(
    target: &ServiceKey,
    intent: &Intent,
    service: &Service,
    cloud: &impl Cloud,
) -> Result<CodeDeployFound, SurveyError> {
    let asked = &intent.code_deploy;
    let made_by = service
        .task_sets()
        .map(TaskSet::external_id)
        .find(|id| id.starts_with("d-"));
    let search = GroupSearch {
        key: target.clone(),
        application: asked.application.clone(),
        group: asked.group.clone(),
        deployment: made_by.map(DeploymentId::new),
    };
    let facet = Facet::CodeDeployGroup(search);
    let group = match cloud.observe(&Watch::from([facet])).await.code_deploy_group {
        Seen::Is(group) => group,
        Seen::Unreadable(fault) => return Err(fault.into()),
        Seen::Absent | Seen::NotAsked => {
            let tried = strategy::usual_group(asked, target);
            return Err(Refusal::NoGroup { tried }.into());
        }
    };
    let facet = Facet::CodeDeployments(group.key(), None);
    let running = match cloud.observe(&Watch::from([facet])).await.code_deployments {
        Seen::Is(running) => running,
        Seen::Unreadable(fault) => return Err(fault.into()),
        Seen::Absent | Seen::NotAsked => Vec::new(),
    };
    Ok(CodeDeployFound { group, running })
}
