//! Rules: which calls are spoiled, when, how often, and how.

use serde::{Deserialize, Serialize};

use crate::sandbox::faults::buckets::{Buckets, Throttling};
use crate::sandbox::faults::permission::Permission;
use crate::sandbox::wire::{Call, Service};
use crate::sandbox::{Duration, Rng, Time};

/// The longest that a read can lag behind.
const MOST_STALE: Duration = Duration::from_secs(600);
/// The longest that an answer can be slow: no client waits longer.
const MOST_SLOW: Duration = Duration::from_secs(3600);
/// Rules that can stand at one time.
const MOST_RULES: usize = 100;

/// One rule, as the world file and the controls write it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// The name that requests to the service are signed with, such as `ecs`; every service if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// An operation, or with a star at its end all that begin so (`Describe*`); every operation if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Which of these calls.
    #[serde(default)]
    pub when: When,
    /// Spoils at most so many calls; without end if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    pub fault: Fault,
}

/// Which of the calls that a rule is about, counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum When {
    #[default]
    Always,
    /// The nth call and no other.
    Nth(u64),
    /// Every nth call.
    Every(u64),
    /// Each call with this probability, 0 to 1.
    Chance(f64),
}

/// How a call is spoiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Fault {
    /// Refused as too frequent: 400 `ThrottlingException`, "Rate exceeded".
    Throttle,
    /// Refused, because the caller's policies do not allow it: `AccessDeniedException`. `iam` and `PassRole` name the
    /// calls that hand a role on, and `ecs` and `TagResource` also those that tag what they make.
    Denied,
    /// Fails inside AWS: 500.
    Error,
    /// The connection breaks before AWS does anything.
    Reset,
    /// AWS does what was asked, and the answer never arrives.
    Lost,
    /// The answer arrives so much later.
    Slow(Duration),
    /// A read is answered from the state so long ago, to within a second or a fifteenth of the age. Writes are not
    /// touched.
    Stale(Duration),
}

/// Why a rule cannot stand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    #[error("no service is signed for as {0:?}")]
    Service(String),
    #[error("calls are counted from 1, so that `nth` and `every` cannot be 0")]
    Zeroth,
    #[error("a chance lies between 0 and 1")]
    Chance,
    #[error("a read can be stale by 1s to 10m")]
    Age,
    #[error("an answer can be slow by 1h at most")]
    Slowness,
    #[error("at most {MOST_RULES} fault rules can stand at one time")]
    TooMany,
}

/// What becomes of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    pub delay: Duration,
    /// Never [`Fault::Slow`]; that is the delay.
    pub fault: Option<Fault>,
    /// Of a call that is denied: what it is not allowed.
    pub lacks: Permission,
}

/// The rules that stand, and the buckets.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Faults {
    rules: Vec<Standing>,
    buckets: Buckets,
    /// Rules made so far: each draws from a stream of its own.
    made: u64,
}

/// A rule with what it has seen.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Standing {
    rule: Rule,
    seen: u64,
    fired: u64,
    rng: Rng,
}

impl Faults {
    /// Adds a rule after those that stand.
    pub fn add(&mut self, rule: Rule, seed: u64) -> Result<(), RuleError> {
        rule.check()?;
        if self.rules.len() >= MOST_RULES {
            return Err(RuleError::TooMany);
        }
        self.made += 1;
        let rng = Rng::named(seed, &["fault", &self.made.to_string()]);
        self.rules.push(Standing {
            rule,
            seen: 0,
            fired: 0,
            rng,
        });
        Ok(())
    }

    /// Takes all rules away; throttling stays as it is.
    pub fn clear(&mut self) {
        self.rules.clear();
    }

    /// The rules that stand, each with how many calls it has spoiled.
    pub fn rules(&self) -> impl Iterator<Item = (&Rule, u64)> {
        self.rules.iter().map(|s| (&s.rule, s.fired))
    }

    pub fn throttle(&mut self, throttling: Throttling) {
        self.buckets.set(throttling);
    }

    pub fn throttling(&self) -> Throttling {
        self.buckets.throttling()
    }

    /// How far back a standing rule reaches, if one makes reads stale.
    pub fn oldest_read(&self) -> Option<Duration> {
        let ages = self.rules.iter().filter_map(|s| match s.rule.fault {
            Fault::Stale(age) => Some(age),
            _ => None,
        });
        ages.max()
    }

    /// What becomes of one call at this instant.
    pub fn judge(&mut self, call: &Call, now: Time) -> Verdict {
        if !self.buckets.take(call.service, &call.operation, now) {
            return Verdict {
                fault: Some(Fault::Throttle),
                ..Verdict::default()
            };
        }
        let mut verdict = Verdict::default();
        for standing in &mut self.rules {
            let Some(lacks) = standing.fires(call) else {
                continue;
            };
            match standing.rule.fault {
                Fault::Slow(delay) => verdict.delay = verdict.delay + delay,
                fault => {
                    (verdict.fault, verdict.lacks) = (Some(fault), lacks);
                    break;
                }
            }
        }
        verdict
    }
}

impl Standing {
    /// What the rule found the call to be about, if it spoils this one.
    fn fires(&mut self, call: &Call) -> Option<Permission> {
        let about = self.rule.is_about(call)?;
        self.seen += 1;
        let due = match self.rule.when {
            When::Always => true,
            When::Nth(n) => self.seen == n,
            When::Every(n) => self.seen.is_multiple_of(n),
            When::Chance(probability) => self.rng.chance(probability),
        };
        let fires = due && self.rule.times.is_none_or(|times| self.fired < times);
        self.fired += u64::from(fires);
        fires.then_some(about)
    }
}

impl Rule {
    /// Only a permission can be another than that of the call itself.
    fn is_about(&self, call: &Call) -> Option<Permission> {
        let needed = match self.fault {
            Fault::Denied => Permission::needed(call),
            _ => vec![Permission::Itself],
        };
        needed.into_iter().find(|permission| {
            let (service, action) = permission.action(call);
            self.names(service, action)
        })
    }

    fn names(&self, service: Service, operation: &str) -> bool {
        let is_service = self.service.as_deref().is_none_or(|s| s == service.name());
        let is_operation =
            self.operation
                .as_deref()
                .is_none_or(|wanted| match wanted.strip_suffix('*') {
                    Some(start) => operation.starts_with(start),
                    None => operation == wanted,
                });
        is_service && is_operation
    }

    fn check(&self) -> Result<(), RuleError> {
        if let Some(name) = &self.service
            && !Service::ALL.iter().any(|s| s.name() == name)
        {
            return Err(RuleError::Service(name.clone()));
        }
        match (self.when, self.fault) {
            (When::Nth(0) | When::Every(0), _) => Err(RuleError::Zeroth),
            (When::Chance(p), _) if !(0.0..=1.0).contains(&p) => Err(RuleError::Chance),
            (_, Fault::Slow(delay)) if delay > MOST_SLOW => Err(RuleError::Slowness),
            (_, Fault::Stale(age)) if age < Duration::from_secs(1) || age > MOST_STALE => {
                Err(RuleError::Age)
            }
            _ => Ok(()),
        }
    }
}
