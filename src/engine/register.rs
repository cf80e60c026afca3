//! One revision of a task definition, made once.
//!
//! **Invariant:** the machine's own rule: look before making, and look again after a lost answer.

use std::time::Duration;

use super::SurveyError;
use crate::core::id::TaskDefinitionArn;
use crate::core::rollout::{Action, Facet, Receipt, Seen, Watch};
use crate::core::taskdef::{TaskDefinition, same};
use crate::ports::{Clock, Cloud, Wake};

/// Looks after a lost answer, before giving up.
const LOOKS: u32 = 5;

/// ECS may not show a new revision at once.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// The revision that stands for a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registered {
    New(TaskDefinitionArn),
    /// The latest active revision of the family has the same canonical form.
    Existing(TaskDefinitionArn),
}

/// Registers the document unless it is there; `None` when told to stop meanwhile.
pub async fn register(
    document: &TaskDefinition,
    cloud: &impl Cloud,
    clock: &impl Clock,
) -> Result<Option<Registered>, SurveyError> {
    let mut lost = None;
    for _ in 0..LOOKS {
        if let Some(arn) = latest_same(document, cloud).await? {
            return Ok(Some(match lost {
                Some(_) => Registered::New(arn),
                None => Registered::Existing(arn),
            }));
        }
        if lost.is_none() {
            match cloud
                .perform(&Action::RegisterTaskDefinition(document.clone()))
                .await
            {
                Ok(Receipt::Registered(arn)) => return Ok(Some(Registered::New(arn))),
                Ok(_) => {
                    unreachable!("a registration is answered by a registration")
                }
                Err(fault) if fault.is_unanswered() => lost = Some(fault),
                Err(fault) => return Err(fault.into()),
            }
        }
        if clock.sleep_until(clock.now() + LOOK_AGAIN).await == Wake::Interrupted {
            return Ok(None);
        }
    }
    Err(lost.expect("every look went by without an answer").into())
}

async fn latest_same(
    document: &TaskDefinition,
    cloud: &impl Cloud,
) -> Result<Option<TaskDefinitionArn>, SurveyError> {
    let family = document.family();
    let facet = Facet::TaskDefinition(family.to_owned());
    let mut seen = cloud.observe(&Watch::from([facet])).await;
    match seen.task_definitions.remove(family) {
        Some(Seen::Is(known)) if known.is_active() && same(&known.definition, document) => {
            Ok(Some(known.arn))
        }
        Some(Seen::Unreadable(fault)) => Err(fault.into()),
        _ => Ok(None),
    }
}
