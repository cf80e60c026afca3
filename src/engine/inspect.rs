//! One look at everything about a service, for people who ask how it is.

use super::SurveyError;
use crate::core::id::ServiceKey;
use crate::core::live::Service;
use crate::core::rollout::{Facet, Observation, Seen, Watch};
use crate::ports::Cloud;

/// The service and what belongs to it. Parts that could not be read say so in the observation.
pub async fn inspect(
    key: &ServiceKey,
    cloud: &impl Cloud,
) -> Result<(Service, Observation), SurveyError> {
    let mut seen = cloud
        .observe(&Watch::from([Facet::Service(key.clone())]))
        .await;
    let service = match std::mem::take(&mut seen.service) {
        Seen::Is(service) => service,
        Seen::Unreadable(fault) => return Err(fault.into()),
        Seen::Absent | Seen::NotAsked => return Err(SurveyError::NoService(key.clone())),
    };
    let mut watch = Watch::from([
        Facet::RunningTasks(key.clone()),
        Facet::StoppedTasks(key.clone()),
    ]);
    watch.extend(service.target_groups().into_iter().map(Facet::Targets));
    let seen = cloud.observe(&watch).await;
    Ok((service, seen))
}
