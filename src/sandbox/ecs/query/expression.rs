//! An expression of the cluster query language, and whether a container instance meets it.

use std::collections::BTreeMap;

use super::pattern::Pattern;
use crate::sandbox::ecs::document::text;
use crate::sandbox::ecs::instances::Instance;
use crate::sandbox::ecs::task::{Step, Task};

/// A whole expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Not(Box<Expression>),
    Test(Subject, Operator),
}

/// What is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// `attribute:NAME`.
    Attribute(String),
    /// `task:group`: the groups of the instance's tasks.
    TaskGroup,
    AgentConnected,
    InstanceId,
    RunningTasks,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operator {
    Exists,
    Equals(String),
    Greater(String),
    Less(String),
    In(Vec<String>),
    Matches(Pattern),
}

/// A container instance with the tasks of its cluster.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    pub instance: &'a Instance,
    pub tasks: &'a BTreeMap<String, Task>,
}

impl Expression {
    pub fn holds(&self, of: Facts<'_>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(of)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(of)),
            Self::Not(part) => !part.holds(of),
            Self::Test(subject, operator) => {
                let values = of.values(subject);
                values.iter().any(|value| operator.holds(value))
            }
        }
    }
}

impl Operator {
    fn holds(&self, value: &str) -> bool {
        match self {
            Self::Exists => true,
            Self::Equals(wanted) => value == wanted,
            Self::Greater(than) => order(value, than).is_gt(),
            Self::Less(than) => order(value, than).is_lt(),
            Self::In(wanted) => wanted.iter().any(|one| one == value),
            Self::Matches(pattern) => pattern.matches(value),
        }
    }
}

/// Numbers compare as numbers, everything else as text.
fn order(left: &str, right: &str) -> std::cmp::Ordering {
    match (left.parse::<f64>(), right.parse::<f64>()) {
        (Ok(left), Ok(right)) => left.total_cmp(&right),
        _ => left.cmp(right),
    }
}

impl Facts<'_> {
    fn values(self, subject: &Subject) -> Vec<String> {
        match subject {
            Subject::Attribute(name) => {
                let named = |(key, value): (&str, String)| (key == name).then_some(value);
                self.instance
                    .attributes()
                    .into_iter()
                    .find_map(named)
                    .into_iter()
                    .collect()
            }
            Subject::TaskGroup => {
                let group = |task: &Task| text(&task.document, "group").map(str::to_owned);
                self.present().filter_map(group).collect()
            }
            Subject::AgentConnected => vec!["true".to_owned()],
            Subject::InstanceId => vec![self.instance.ec2_id.clone()],
            Subject::RunningTasks => {
                let is_up = |task: &&Task| task.step >= Step::Running;
                vec![self.present().filter(is_up).count().to_string()]
            }
        }
    }

    /// The tasks that stand on the instance.
    fn present(&self) -> impl Iterator<Item = &Task> {
        self.tasks.values().filter(|task| {
            task.holds_resources() && task.instance.as_deref() == Some(&self.instance.id)
        })
    }
}
