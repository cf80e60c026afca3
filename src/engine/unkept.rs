//! No journal: nothing is kept and nothing is locked.

use crate::core::journal::{Fence, Record, RolloutId};
use crate::core::rollout::Wish;
use crate::ports::{Claim, Journal, JournalError};

/// Every claim succeeds and every record is forgotten.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unkept;

impl Journal for Unkept {
    async fn load(&self, _: &RolloutId) -> Result<Option<Record>, JournalError> {
        Ok(None)
    }

    async fn claim(
        &self,
        _: &RolloutId,
        _: &Record,
        _: Option<Fence>,
    ) -> Result<Claim, JournalError> {
        Ok(Claim::Locked)
    }

    async fn save(&self, _: &RolloutId, _: &Record) -> Result<(), JournalError> {
        Ok(())
    }

    async fn release(&self, _: &RolloutId, _: Fence) -> Result<(), JournalError> {
        Ok(())
    }

    async fn wish(&self, _: &RolloutId, _: Fence, _: &Wish) -> Result<(), JournalError> {
        Ok(())
    }

    async fn hear(&self, _: &RolloutId, _: Fence) -> Result<Option<Wish>, JournalError> {
        Ok(None)
    }
}
