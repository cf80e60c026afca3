//! What has to be looked at next, and what came back.
//!
//! **Invariant:** a gate is asked only what is due, and judged only by an answer to what it asked.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::gate::{Approval, OneOff};
use super::metric::{Metrics, MetricsRequest};
use super::probe::{Probe, Reply};
use crate::core::id::{TargetGroupArn, TaskArn};
use crate::core::live::{Alarm, Target, Task};

/// What one gate has to see.
#[derive(Clone, Debug, PartialEq)]
pub enum Need {
    /// The new side's running and stopped tasks.
    Tasks,
    /// The new side's running tasks and all targets of its groups.
    Targets,
    Alarms(BTreeSet<String>),
    /// The same queries for the new side and, where they are compared, for the old one.
    Metrics {
        new: MetricsRequest,
        old: Option<MetricsRequest>,
    },
    Http(Probe),
    /// A task is to be run; the token makes that once.
    Run(Run),
    /// The task that was run.
    Task(TaskArn),
    Approval(Ask),
    /// It cannot be measured, and why.
    Impossible(String),
}

/// A one-off task to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// RunTask's `clientToken` (64 characters at most): asked twice, ECS gives the same task.
    pub token: String,
    pub task: OneOff,
}

/// Whose word is awaited.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ask {
    pub gate: String,
    pub how: Approval,
    /// When the step's gates were first asked, by this run or by one that it took up.
    pub since: Timestamp,
}

/// A person's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    pub says: Says,
    /// Who said it, as the forge or the host names them.
    pub by: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    Yes,
    No,
}

/// The answer to a [`Need`].
#[derive(Clone, Debug, PartialEq)]
pub enum Sample {
    Tasks {
        running: Vec<Task>,
        stopped: Vec<Task>,
    },
    Targets {
        running: Vec<Task>,
        groups: BTreeMap<TargetGroupArn, Vec<Target>>,
    },
    /// Alarms that are there; a name without one is missing here.
    Alarms(Vec<Alarm>),
    Metrics(Metrics),
    Http(Reply),
    /// The task that was started.
    Started(TaskArn),
    /// `None`: ECS knows no such task.
    Task(Option<Task>),
    /// `None`: nobody has said anything yet.
    Approval(Option<Word>),
    /// The look did not work, and why.
    Unreadable(String),
}

/// Answers by the name of the gate that asked. A gate that is not in it was not looked at.
pub type Samples = BTreeMap<String, Sample>;

impl MetricsRequest {
    /// `MetricDataQueries`, `StartTime` and `EndTime` of GetMetricData; times as awsJson has them, in epoch seconds.
    pub fn members(&self) -> Map<String, Value> {
        let queries: Vec<Value> = self
            .queries
            .iter()
            .map(super::MetricQuery::member)
            .collect();
        let mut members = Map::new();
        members.insert("MetricDataQueries".to_owned(), queries.into());
        members.insert("StartTime".to_owned(), self.from.as_second().into());
        members.insert("EndTime".to_owned(), self.to.as_second().into());
        members
    }

    /// Whether `other` asks the same of another window.
    pub fn asks_as(&self, other: &Self) -> bool {
        self.queries == other.queries
    }

    /// The window, in periods of so many seconds.
    pub fn window(&self, period: u32) -> super::Window {
        let (from, to): (Timestamp, Timestamp) = (self.from, self.to);
        super::Window { from, to, period }
    }
}
