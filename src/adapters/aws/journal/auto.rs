//! Parameter Store where it is permitted; where it is not, tags of the service, said once: a first run never fails for
//! a missing permission.
//!
//! **Invariant:** the choice is made once for a process, by what AWS answers: by nothing but a plain "not allowed", or by a
//! record that is in tags already. Whoever may write parameters sees a run that may not. A lock that a parameter holds is
//! kept there to the end: without a permission that it had, a run has trouble to tell.

use std::sync::OnceLock;

use aws_types::SdkConfig;

use super::{Parameters, ServiceTags};
use crate::core::journal::{Fence, Record, RolloutId};
use crate::core::rollout::{Fault, FaultKind, Wish};
use crate::ports::{Claim, Journal, JournalError};

/// The journal that needs no setting.
#[derive(Debug)]
pub struct Auto {
    parameters: Parameters,
    tags: ServiceTags,
    /// Why it is tags, once it is.
    tagged: OnceLock<Why>,
    /// A parameter holds this process's lock.
    locked: OnceLock<()>,
}

#[derive(Debug)]
enum Why {
    Denied(Fault),
    /// A record is there, of a run that was not permitted.
    Found,
}

impl Auto {
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            parameters: Parameters::new(config),
            tags: ServiceTags::new(config),
            tagged: OnceLock::new(),
            locked: OnceLock::new(),
        }
    }

    async fn either<T>(
        &self,
        first: impl AsyncFnOnce(&Parameters) -> Result<T, JournalError>,
        else_: impl AsyncFnOnce(&ServiceTags) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        if self.tagged.get().is_none() {
            match first(&self.parameters).await {
                Err(JournalError::Fault(fault))
                    if fault.kind == FaultKind::Denied && self.locked.get().is_none() =>
                {
                    self.tagged.get_or_init(|| Why::Denied(fault));
                }
                done => return done,
            }
        }
        else_(&self.tags).await
    }
}

impl Journal for Auto {
    async fn load(&self, id: &RolloutId) -> Result<Option<Record>, JournalError> {
        let found = self
            .either(async |p| p.load(id).await, async |t| t.load(id).await)
            .await?;
        if found.is_some() || self.tagged.get().is_some() {
            return Ok(found);
        }
        // Parameters are the journal; that tags cannot be read takes nothing from it.
        let found = self.tags.load(id).await.unwrap_or_default();
        if found.is_some() {
            self.tagged.get_or_init(|| Why::Found);
        }
        Ok(found)
    }

    async fn claim(
        &self,
        id: &RolloutId,
        record: &Record,
        over: Option<Fence>,
    ) -> Result<Claim, JournalError> {
        let claimed = self
            .either(
                async |p| p.claim(id, record, over).await,
                async |t| t.claim(id, record, over).await,
            )
            .await?;
        if claimed == Claim::Locked {
            self.locked.get_or_init(|| ());
        }
        Ok(match (claimed, self.tagged.get()) {
            (Claim::Unlocked { why }, Some(Why::Denied(fault))) => Claim::Unlocked {
                why: format!("{why} (parameters are not permitted: {fault})"),
            },
            (Claim::Unlocked { why }, Some(Why::Found)) => Claim::Unlocked {
                why: format!(
                    "{why} (an earlier run that was not permitted parameters left it there)"
                ),
            },
            (claimed, _) => claimed,
        })
    }

    async fn save(&self, id: &RolloutId, record: &Record) -> Result<(), JournalError> {
        self.either(
            async |p| p.save(id, record).await,
            async |t| t.save(id, record).await,
        )
        .await
    }

    async fn release(&self, id: &RolloutId, fence: Fence) -> Result<(), JournalError> {
        self.either(
            async |p| p.release(id, fence).await,
            async |t| t.release(id, fence).await,
        )
        .await
    }

    /// A word goes where the record was found: anywhere else nobody hears it.
    async fn wish(&self, id: &RolloutId, fence: Fence, wish: &Wish) -> Result<(), JournalError> {
        match self.tagged.get() {
            None => self.parameters.wish(id, fence, wish).await,
            Some(_) => self.tags.wish(id, fence, wish).await,
        }
    }

    async fn hear(&self, id: &RolloutId, since: Fence) -> Result<Option<Wish>, JournalError> {
        self.either(
            async |p| p.hear(id, since).await,
            async |t| t.hear(id, since).await,
        )
        .await
    }
}
