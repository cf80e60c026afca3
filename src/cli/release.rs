//! What `plan`, `rollout`, `diff` and `rehearse` begin with: which service, what it is to become, and which AWS it is in.
//!
//! **Invariant:** these commands understand the same options alike, so that what was planned or compared is what is
//! rolled out.

use super::args::{DocumentArgs, ManagedArgs, PinArgs, ServiceArgs, WorldArgs};
use super::document::Setting;
use super::failure::Failure;
use super::rules::Rules;
use super::world::World;
use crate::core::service::Intent;
use crate::engine::Request;

/// A release of a service.
#[derive(clap::Args, Clone, Debug)]
pub struct ReleaseArgs {
    #[command(flatten)]
    pub service: ServiceArgs,
    #[command(flatten)]
    pub document: DocumentArgs,
    #[command(flatten)]
    pub managed: ManagedArgs,
    #[command(flatten)]
    pub pin: PinArgs,
    #[command(flatten)]
    pub world: WorldArgs,
}

impl ReleaseArgs {
    pub fn setting(&self) -> Result<Setting, Failure> {
        Setting::read(&self.service)
    }

    /// What is asked of the engine, by the rules that are given.
    pub fn request(&self, setting: &Setting, rules: &Rules) -> Result<Request, Failure> {
        let rules = rules.intent(setting)?;
        self.request_for(setting, rules)
    }

    /// What is asked of the engine where nothing is to be rolled out.
    pub fn comparison(&self, setting: &Setting) -> Result<Request, Failure> {
        self.request_for(setting, Intent::default())
    }

    fn request_for(&self, setting: &Setting, rules: Intent) -> Result<Request, Failure> {
        Ok(Request {
            target: setting.target(&self.service.path)?,
            wanted: setting.wanted(&self.document)?,
            pinning: setting.pinning(&self.pin),
            intent: Intent {
                managed: setting.managed(&self.document, &self.managed)?,
                ..rules
            },
        })
    }

    pub async fn world(&self, setting: &Setting) -> Result<World, Failure> {
        World::open(&self.world, setting.region(), &setting.directory).await
    }
}
