//! Where records of rollouts are kept, and what becomes of a rollout whose run is told to stop: options over
//! configuration over defaults.

use std::path::Path;

use aws_config::SdkConfig;
use clap::ValueEnum;

use crate::adapters::aws::{Auto, Parameters, ServiceTags};
use crate::adapters::record_file::RecordFiles;
use crate::core::journal::{Fence, Record, RolloutId};
use crate::core::rollout::Wish;
use crate::core::service::OnCancel;
use crate::engine::Unkept;
use crate::ports::{Claim, Journal, JournalError};
use crate::text::config::{JournalPlace, OnCancel as OnCancelConfig, Resolved};

/// Where the record of a rollout is kept.
#[derive(clap::Args, Clone, Debug)]
pub struct JournalArgs {
    /// Where the record is kept that locks the service and lets a run that died be taken up: auto (SSM parameters, or tags of the service where those are not permitted), ssm, tags, none, file:DIRECTORY; default auto
    #[arg(long, value_name = "PLACE")]
    pub journal: Option<JournalPlace>,
}

/// What a run does that is told to stop.
#[derive(clap::Args, Clone, Debug)]
pub struct CancelArgs {
    /// What to do with the rollout on SIGINT or SIGTERM: leave it to ECS, to be taken up by the same command, or begin to roll back; default leave
    #[arg(long, value_enum)]
    pub on_cancel: Option<OnCancelArg>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum OnCancelArg {
    Leave,
    Rollback,
}

impl CancelArgs {
    pub fn settle(&self, config: Option<&Resolved>) -> OnCancel {
        let configured = config.map(|config| config.rollout.on_cancel);
        match (self.on_cancel, configured) {
            (Some(OnCancelArg::Rollback), _) | (None, Some(OnCancelConfig::Rollback)) => {
                OnCancel::RollBack
            }
            _ => OnCancel::Leave,
        }
    }
}

impl JournalArgs {
    /// A directory in the configuration is relative to the configuration; one in the option to where it is typed.
    pub fn open(&self, config: Option<&Resolved>, directory: &Path, aws: &SdkConfig) -> AnyJournal {
        let configured = config.map(|config| config.journal.clone());
        let from = match self.journal {
            Some(_) => Path::new(""),
            None => directory,
        };
        match self.journal.clone().or(configured).unwrap_or_default() {
            JournalPlace::Auto => AnyJournal::Auto(Auto::new(aws)),
            JournalPlace::Parameters => AnyJournal::Parameters(Parameters::new(aws)),
            JournalPlace::Tags => AnyJournal::Tags(ServiceTags::new(aws)),
            JournalPlace::Files(there) => AnyJournal::Files(RecordFiles::new(from.join(there))),
            JournalPlace::Nowhere => AnyJournal::Nowhere(Unkept),
        }
    }
}

/// The journal that was chosen.
#[derive(Debug)]
pub enum AnyJournal {
    Auto(Auto),
    Parameters(Parameters),
    Tags(ServiceTags),
    Files(RecordFiles),
    Nowhere(Unkept),
}

/// The same call of whichever it is.
macro_rules! of_each {
    ($journal:expr, $it:ident => $call:expr) => {
        match $journal {
            AnyJournal::Auto($it) => $call.await,
            AnyJournal::Parameters($it) => $call.await,
            AnyJournal::Tags($it) => $call.await,
            AnyJournal::Files($it) => $call.await,
            AnyJournal::Nowhere($it) => $call.await,
        }
    };
}

impl Journal for AnyJournal {
    async fn load(&self, id: &RolloutId) -> Result<Option<Record>, JournalError> {
        of_each!(self, it => it.load(id))
    }

    async fn claim(
        &self,
        id: &RolloutId,
        record: &Record,
        over: Option<Fence>,
    ) -> Result<Claim, JournalError> {
        of_each!(self, it => it.claim(id, record, over))
    }

    async fn save(&self, id: &RolloutId, record: &Record) -> Result<(), JournalError> {
        of_each!(self, it => it.save(id, record))
    }

    async fn release(&self, id: &RolloutId, fence: Fence) -> Result<(), JournalError> {
        of_each!(self, it => it.release(id, fence))
    }

    async fn wish(&self, id: &RolloutId, fence: Fence, wish: &Wish) -> Result<(), JournalError> {
        of_each!(self, it => it.wish(id, fence, wish))
    }

    async fn hear(&self, id: &RolloutId, since: Fence) -> Result<Option<Wish>, JournalError> {
        of_each!(self, it => it.hear(id, since))
    }
}
