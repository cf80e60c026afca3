//! A gate as data: what is looked at, how often, and how much of what it takes to stop.
//!
//! **Invariant:** each gate ends: it passes, or one of its limits or its timeout is reached.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::compare::Comparison;
use super::metric::{Bounds, MetricCheck};
use super::probe::HttpCheck;

/// One condition for going on. A gate that has enough goes on being watched until all gates of its step have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// Unique among the gates of a step. A gate of the same name in the next step goes on with the same evidence.
    pub name: String,
    pub check: Check,
    pub pace: Pace,
    pub limits: GateLimits,
}

/// What is looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Tasks of the new revision run, are healthy, and do not keep failing.
    Tasks {
        /// So many tasks of the new revision may fail.
        max_restarts: u32,
    },
    /// Targets of the new revision are healthy in each of its target groups.
    Targets,
    /// CloudWatch alarms, metric and composite, are not in ALARM.
    Alarms {
        names: BTreeSet<String>,
        quiet: Quiet,
    },
    /// Points of a CloudWatch metric are within bounds.
    Metric(MetricCheck),
    /// The new revision's requests fail no more often than the old one's.
    Errors(Comparison),
    /// A URL answers as it should.
    Http(HttpCheck),
    /// A task of its own ends with exit code 0.
    Task(OneOff),
    /// A person says so.
    Approval(Approval),
}

/// What an alarm in INSUFFICIENT_DATA says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quiet {
    /// Nothing was measured.
    NoData,
    /// The alarm's owner made it so that silence is well, as ECS takes its own deployment alarms.
    IsWell,
}

/// A task that is run once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OneOff {
    /// Instead of the image's own.
    pub command: Vec<String>,
    /// The container that runs the command and whose exit code counts. Absent: the one behind the service's load
    /// balancer for the command, and all containers for the exit code.
    pub container: Option<String>,
    /// Family, `family:revision` or ARN. Absent: the new revision.
    pub task_definition: Option<String>,
}

/// How a person says so; `ecsdeploy promote` and `ecsdeploy abort` always count.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Approval {
    /// A label on the pull request.
    pub label: Option<String>,
    /// A comment on the pull request that is this word alone.
    pub comment: Option<String>,
}

/// How often it is looked, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    pub interval: Duration,
    /// So many looks (of a metric: points) must pass.
    pub count: u32,
    /// What was looked at must cover so much time from the start of the step.
    pub bake: Duration,
    /// After the bake, for so long may it stay undecided.
    pub timeout: Duration,
}

/// How much is borne. Each is the largest number that does not stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateLimits {
    /// Looks that failed.
    pub failures: u32,
    /// Looks at which there was nothing to measure.
    pub no_data: u32,
    /// Looks in a row that did not work.
    pub errors: u32,
}

impl Gate {
    /// A gate with the defaults of its kind, named as its kind.
    pub fn new(check: Check) -> Self {
        Self {
            name: check.kind().to_owned(),
            pace: check.pace(),
            limits: check.limits(),
            check,
        }
    }

    /// Whether it compares the new side with the old. Such a gate has no place in a step that leaves the old side
    /// without requests, nor where both sides share a target group.
    pub fn compares(&self) -> bool {
        match &self.check {
            Check::Errors(_) => true,
            Check::Metric(check) => matches!(check.bounds, Bounds::NewOverOld { .. }),
            _ => false,
        }
    }

    /// The gates of one step: those asked for, else the defaults, each held for the step's bake unless it has its own.
    pub fn for_step(
        asked: Option<&[Self]>,
        deployment_alarms: &[String],
        bake: Duration,
    ) -> Vec<Self> {
        let mut gates = asked.map_or_else(|| Self::defaults(deployment_alarms), <[Self]>::to_vec);
        for gate in &mut gates {
            if gate.pace.bake.is_zero() && !gate.check.is_asked_once() {
                gate.pace.bake = bake;
            }
        }
        gates
    }

    /// The gates of a step that names none: tasks, targets, and the service's own deployment alarms.
    pub fn defaults(deployment_alarms: &[String]) -> Vec<Self> {
        let mut gates = vec![
            Self::new(Check::Tasks { max_restarts: 1 }),
            Self::new(Check::Targets),
        ];
        if !deployment_alarms.is_empty() {
            gates.push(Self::new(Check::Alarms {
                names: deployment_alarms.iter().cloned().collect(),
                quiet: Quiet::IsWell,
            }));
        }
        gates
    }
}

impl Check {
    /// The key that declares it in `ecsdeploy.yml`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Tasks { .. } => "tasks",
            Self::Targets => "targets",
            Self::Alarms { .. } => "alarms",
            Self::Metric(_) => "metric",
            Self::Errors(_) => "errors",
            Self::Http(_) => "http",
            Self::Task(_) => "task",
            Self::Approval(_) => "approval",
        }
    }

    /// Whether CloudWatch measures it, and can be asked later what it was while nobody looked.
    pub(super) fn is_measured_by_aws(&self) -> bool {
        matches!(self, Self::Metric(_) | Self::Errors(_))
    }

    /// Whether one answer settles it, so that it is not asked again.
    pub(super) fn is_asked_once(&self) -> bool {
        matches!(self, Self::Task(_) | Self::Approval(_))
    }

    /// Whether staying undecided for too long is a failure of the release, and not a lack of data.
    pub(super) fn owes_an_answer(&self) -> bool {
        matches!(
            self,
            Self::Tasks { .. } | Self::Targets | Self::Task(_) | Self::Approval(_)
        )
    }

    /// The defaults of `docs/comparison.md`.
    fn pace(&self) -> Pace {
        let (interval, count, timeout) = match self {
            Self::Tasks { .. } | Self::Targets => (15, 2, 10 * 60),
            Self::Alarms { .. } => (30, 2, 10 * 60),
            Self::Metric(_) => (60, 3, 15 * 60),
            Self::Errors(_) => (60, 3, 30 * 60),
            Self::Http(_) => (15, 3, 10 * 60),
            Self::Task(_) => (10, 1, 15 * 60),
            Self::Approval(_) => (15, 1, 24 * 3600),
        };
        Pace {
            interval: Duration::from_secs(interval),
            count,
            bake: Duration::ZERO,
            timeout: Duration::from_secs(timeout),
        }
    }

    fn limits(&self) -> GateLimits {
        let failures = match self {
            // One probe or one health check that goes astray is no bad release.
            Self::Http(_) | Self::Targets => 2,
            _ => 0,
        };
        let errors = match self {
            // A forge that is down for ten minutes is no reason to go back; `ecsdeploy promote` is there meanwhile.
            Self::Approval(_) => 40,
            _ => 4,
        };
        GateLimits {
            failures,
            no_data: 3,
            errors,
        }
    }
}
