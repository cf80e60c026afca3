//! All that looks, as one: AWS, probes from here, and what people say.
//!
//! **Invariant:** each facet goes to the one that can answer it, and is answered.

use crate::core::rollout::{Action, Facet, Fault, Observation, Receipt, Watch};
use crate::ports::{Cloud, People, Prober};

/// A cloud with eyes for what is not in it.
#[derive(Debug)]
pub struct Eyes<'a, C, P, W> {
    pub cloud: &'a C,
    pub prober: &'a P,
    pub people: &'a W,
}

impl<C: Cloud, P: Prober, W: People> Cloud for Eyes<'_, C, P, W> {
    async fn observe(&self, watch: &Watch) -> Observation {
        let (here, there): (Watch, Watch) = watch
            .iter()
            .cloned()
            .partition(|facet| matches!(facet, Facet::Http(_) | Facet::Approval(_)));
        let mut seen = self.cloud.observe(&there).await;
        for facet in here {
            match facet {
                Facet::Http(probe) => {
                    let reply = self.prober.probe(&probe).await.map(Some).into();
                    seen.replies.insert(probe, reply);
                }
                Facet::Approval(ask) => {
                    let word = self.people.word(&ask).await.into();
                    seen.approvals.insert(ask, word);
                }
                _ => {}
            }
        }
        seen
    }

    async fn perform(&self, action: &Action) -> Result<Receipt, Fault> {
        self.cloud.perform(action).await
    }
}
