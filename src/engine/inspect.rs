//! One look at everything about a service, for people who ask how it is.
//!
//! **Invariant:** only looks, and only the service itself must be readable: of the rest it is said what could not be read.

use super::SurveyError;
use super::propose::code_deploy;
use crate::core::id::ServiceKey;
use crate::core::journal::Record;
use crate::core::live::CodeDeployment;
use crate::core::overview::Overview;
use crate::core::plan::Strategy;
use crate::core::rollout::{Facet, Seen, Watch};
use crate::core::service::Intent;
use crate::ports::{Cloud, Journal};

/// The service, what belongs to it, and the rollout of it that is on record.
pub async fn inspect(
    key: &ServiceKey,
    cloud: &impl Cloud,
    journal: &impl Journal,
) -> Result<Overview, SurveyError> {
    let facet = Facet::Service(key.clone());
    let mut overview = match cloud.observe(&Watch::from([facet])).await.service {
        Seen::Is(service) => Overview::of(service),
        Seen::Unreadable(fault) => return Err(fault.into()),
        Seen::Absent | Seen::NotAsked => return Err(SurveyError::NoService(key.clone())),
    };
    read_record(&mut overview, key, journal).await;
    overview.take(cloud.observe(&overview.first_watch(key)).await);
    let further = overview.further_watch();
    if !further.is_empty() {
        overview.add(cloud.observe(&further).await);
    }
    if overview.service.controller() == "CODE_DEPLOY" {
        Box::pin(read_code_deploy(&mut overview, key, cloud)).await;
    }
    Ok(overview)
}

async fn read_record(overview: &mut Overview, key: &ServiceKey, journal: &impl Journal) {
    match journal.load(key).await {
        Ok(record) => overview.record = record,
        Err(error) => overview.unread.push(format!("what is on record: {error}")),
    }
    let Some(since) = overview.record.as_ref().map(Record::told_since) else {
        return;
    };
    match journal.hear(key, since).await {
        Ok(wish) => overview.wish = wish,
        Err(error) => overview.unread.push(format!("what it was told: {error}")),
    }
}

async fn read_code_deploy(overview: &mut Overview, key: &ServiceKey, cloud: &impl Cloud) {
    let mut intent = Intent::default();
    if let Some(Strategy::CodeDeploy(way)) = overview.strategy() {
        intent.code_deploy.application = Some(way.group.application.clone());
        intent.code_deploy.group = Some(way.group.group.clone());
    }
    let found = code_deploy(key, &intent, &overview.service, cloud).await;
    let running = match found {
        Ok(found) => found.running.into_iter().next(),
        Err(error) => return overview.unread.push(format!("CodeDeploy: {error}")),
    };
    let Some(id) = running.as_ref().map(CodeDeployment::id) else {
        return;
    };
    let facet = Facet::CodeDeployment(id.clone());
    let mut seen = cloud.observe(&Watch::from([facet])).await;
    overview.code_deployment = match seen.code_deployment.remove(&id) {
        Some(Seen::Is(whole)) => Some(whole),
        Some(Seen::Unreadable(fault)) => {
            overview.unread.push(fault.to_string());
            running
        }
        _ => running,
    };
}
