//! Pokes: what people do to the world that AWS has no operation for.
//!
//! **Invariant:** a poke is data, apart from the AWS API; the same pokes at the same virtual instants do the same.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::sandbox::apps::{Behaviour, ContainerHealth};
use crate::sandbox::faults::{Rule, RuleError, Throttling};
use crate::sandbox::image::ImageName;
use crate::sandbox::journal::Journal;
use crate::sandbox::sandbox::ask;
use crate::sandbox::wire::{Call, Protocol, Service};
use crate::sandbox::{Duration, Sandbox, World, ecs};

/// As far as one poke can move the clock.
const MOST_HURRY: Duration = Duration::from_secs(24 * 3600);

/// One poke, as it is written in JSON: `{"sicken": {"image": "web:1.1.0"}}`, `{"hurry": "10m"}`, `"clearFaults"` …
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Poke {
    /// Health checks get a 503, and the container's own check fails.
    Sicken(Whom),
    /// Health checks hang.
    Hang(Whom),
    /// All is well again, and no request fails.
    Heal(Whom),
    /// Essential containers exit with 137, as when memory runs out.
    Kill(Whom),
    /// A share of requests is answered with a 5xx.
    ErrorRate {
        of: Whom,
        rate: f64,
    },
    /// The mean time to answer a request.
    Latency {
        of: Whom,
        mean: Duration,
    },
    /// Adds a fault rule.
    Fault(Rule),
    /// Takes all fault rules away.
    ClearFaults,
    Throttling(Throttling),
    /// Moves the clock on at once.
    Hurry(Duration),
    /// Puts an alarm into a state until its next evaluation.
    Alarm {
        name: String,
        state: String,
        #[serde(default)]
        reason: Option<String>,
    },
}

/// Which containers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Whom {
    /// All tasks of an image, running and to come: a reference, with or without its registry host.
    Image(String),
    /// One task, by id or ARN.
    Task(String),
}

/// Why a poke does nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PokeError {
    #[error("the world has no image {0:?}")]
    NoImage(String),
    #[error("the world has no running task {0:?}")]
    NoTask(String),
    #[error("a rate lies between 0 and 1")]
    Rate,
    #[error("the clock is hurried by 24h at most at a time")]
    Hurry,
    #[error(transparent)]
    Rule(#[from] RuleError),
    #[error("failed to set the alarm's state: {0}")]
    Alarm(String),
}

impl Sandbox {
    /// Does one poke, and writes it down if a journal is kept.
    pub fn poke(&mut self, poke: &Poke) -> Result<(), PokeError> {
        match poke {
            Poke::Hurry(by) if *by > MOST_HURRY => return Err(PokeError::Hurry),
            // Time needs no journal: every deed has its instant.
            Poke::Hurry(by) => self.advance(self.now() + *by),
            other => {
                self.change(other)?;
                Journal::note_poke(self, poke);
            }
        }
        Ok(())
    }

    fn change(&mut self, poke: &Poke) -> Result<(), PokeError> {
        match poke {
            Poke::Sicken(whom) => self.behave(whom, &sicken),
            Poke::Hang(whom) => self.behave(whom, &|b| b.hang_after = Some(Duration::ZERO)),
            Poke::Heal(whom) => self.behave(whom, &heal),
            Poke::Kill(whom) => self.disturb(whom, &crash),
            Poke::ErrorRate { rate, .. } if !(0.0..=1.0).contains(rate) => Err(PokeError::Rate),
            Poke::ErrorRate { of, rate } => self.behave(of, &|b| b.error_rate = *rate),
            Poke::Latency { of, mean } => self.behave(of, &|b| b.latency = *mean),
            Poke::Fault(rule) => {
                let seed = self.world.seed;
                self.world.faults.add(rule.clone(), seed)?;
                self.remember();
                Ok(())
            }
            Poke::ClearFaults => {
                self.world.faults.clear();
                self.remember();
                Ok(())
            }
            Poke::Throttling(throttling) => {
                self.world.faults.throttle(*throttling);
                Ok(())
            }
            Poke::Alarm {
                name,
                state,
                reason,
            } => self.set_alarm(name, state, reason.as_deref()),
            Poke::Hurry(_) => Ok(()),
        }
    }

    /// Changes a behaviour in the tasks that run and, for an image, in those that will.
    fn behave(&mut self, whom: &Whom, change: &dyn Fn(&mut Behaviour)) -> Result<(), PokeError> {
        let image = match whom {
            Whom::Task(_) => return self.disturb(whom, change),
            Whom::Image(image) => image,
        };
        let digests = self.digests(image);
        let is_meant = |reference: &str| {
            names(reference, image) || digests.iter().any(|digest| reference.ends_with(digest))
        };
        if !self.world.apps.references().any(is_meant) {
            // The world file says nothing about it; if a task runs it, it exists.
            self.disturb(whom, &|_| {})?;
            let unlisted = ImageName::parse(image);
            let tag = unlisted.tag.unwrap_or_default();
            self.world
                .apps
                .add(unlisted.name, [tag], "", &Behaviour::default());
        }
        self.world.apps.change(&is_meant, change);
        // That none of its tasks runs now is no error.
        let _ = self.disturb(whom, change);
        Ok(())
    }

    /// Changes a behaviour in the tasks that run.
    fn disturb(&mut self, whom: &Whom, change: &dyn Fn(&mut Behaviour)) -> Result<(), PokeError> {
        let digests = match whom {
            Whom::Image(image) => self.digests(image),
            Whom::Task(_) => vec![],
        };
        let is_meant = |container: ecs::Running<'_>| match whom {
            Whom::Task(task) => container.task == task.rsplit('/').next().unwrap_or_default(),
            Whom::Image(image) => {
                names(container.image, image)
                    || container
                        .digest
                        .is_some_and(|own| digests.iter().any(|d| d == own))
            }
        };
        match (ecs::behave(&mut self.world.ecs, &is_meant, change), whom) {
            (0, Whom::Task(task)) => Err(PokeError::NoTask(task.clone())),
            (0, Whom::Image(image)) => Err(PokeError::NoImage(image.clone())),
            _ => Ok(()),
        }
    }

    /// The digests that an image's references resolve to.
    fn digests(&self, image: &str) -> Vec<String> {
        let World { apps, ecr, .. } = &self.world;
        let known = apps
            .references()
            .filter(|reference| names(reference, image));
        known
            .filter_map(|reference| ecr.resolve(reference).ok())
            .collect()
    }

    fn set_alarm(
        &mut self,
        name: &str,
        state: &str,
        reason: Option<&str>,
    ) -> Result<(), PokeError> {
        let call = Call {
            service: Service::CloudWatch,
            operation: "SetAlarmState".to_owned(),
            input: json!({"AlarmName": name, "StateValue": state, "StateReason": reason.unwrap_or("set by a poke")}),
            protocol: Protocol::Json10,
        };
        match ask(&mut self.world, &call) {
            Ok(_) => Ok(()),
            Err(error) => Err(PokeError::Alarm(error.to_string())),
        }
    }
}

/// Whether this reference is the image that a person names, with or without its registry host.
fn names(reference: &str, image: &str) -> bool {
    let host = reference.strip_suffix(image);
    host.is_some_and(|host| host.is_empty() || host.ends_with('/'))
}

fn sicken(behaviour: &mut Behaviour) {
    behaviour.health_status = 503;
    behaviour.container_health = ContainerHealth::Unhealthy;
}

fn heal(behaviour: &mut Behaviour) {
    let well = Behaviour::default();
    behaviour.health_status = well.health_status;
    behaviour.hang_after = well.hang_after;
    behaviour.crash_after = well.crash_after;
    behaviour.container_health = well.container_health;
    behaviour.error_rate = well.error_rate;
}

fn crash(behaviour: &mut Behaviour) {
    behaviour.crash_after = Some(Duration::ZERO);
    behaviour.exit_code = 137;
}

#[cfg(test)]
#[path = "poke_tests.rs"]
mod tests;
