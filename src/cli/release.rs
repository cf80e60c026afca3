//! What `plan`, `rollout`, `diff` and `rehearse` begin with: which service, what it is to become, and which AWS it is in.
//!
//! **Invariant:** these commands understand the same options alike, so that what was planned or compared is what is
//! rolled out.

use super::args::{DocumentArgs, ManagedArgs, PinArgs, ServiceArgs, WorldArgs};
use super::document::Setting;
use super::failure::Failure;
use super::rules::Rules;
use super::unread::Templates;
use super::world::World;
use crate::adapters::host::Signals;
use crate::core::service::Intent;
use crate::core::taskdef::Finding;
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
        self.templates(setting)?.check(&self.document)?;
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

    /// Values of the configuration that no template reads.
    pub fn unread(&self, setting: &Setting) -> Result<Vec<Finding>, Failure> {
        self.templates(setting)?.unread(setting, &self.document)
    }

    fn templates(&self, setting: &Setting) -> Result<Templates, Failure> {
        let service_definition = self.managed.service_definition.as_deref();
        Templates::of(setting, &self.document, service_definition)
    }

    pub async fn world(&self, setting: &Setting) -> Result<World, Failure> {
        World::open(&self.world, setting.region(), &setting.directory).await
    }

    /// For a command that listens already.
    pub async fn world_with(&self, setting: &Setting, signals: Signals) -> Result<World, Failure> {
        World::with(&self.world, setting.region(), &setting.directory, signals).await
    }
}
