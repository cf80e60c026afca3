//! The door of the linter and what it says.
//!
//! **Invariant:** a finding of severity [`Severity::Error`] is something that AWS documents as refused; what depends on
//! the region, the platform version or taste is a warning. A value that no rule knows is never a finding.

use super::{containers, fargate, members, network, roles, shape, sizes};
use crate::core::taskdef::TaskDefinition;
use serde::{Deserialize, Serialize};
use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// May be refused, or may not do what was meant.
    Warning,
    /// Will be refused.
    Error,
}

/// One thing that is wrong with a definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub severity: Severity,
    /// Where, with items by their place: `containerDefinitions[0].portMappings[1].hostPort`.
    pub path: String,
    pub message: String,
    /// What to write instead, if that is known.
    pub hint: Option<String>,
}

/// Where the definition will run, as far as its reader knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Launch {
    Fargate,
    Ec2,
    External,
    /// Then only `requiresCompatibilities` says.
    Unknown,
}

/// The definition and where it must be able to run.
pub(super) struct Subject<'a> {
    pub definition: &'a TaskDefinition,
    pub fargate: bool,
    pub external: bool,
}

/// Everything that is wrong with `definition`, in the order of the rules.
///
/// The rules of Fargate are applied if the launch is on Fargate or if `requiresCompatibilities` names it, because
/// `RegisterTaskDefinition` validates against every value of that list.
pub fn lint(definition: &TaskDefinition, launch: Launch) -> Vec<Finding> {
    let subject = Subject {
        definition,
        fargate: launch == Launch::Fargate || requires(definition, "FARGATE"),
        external: launch == Launch::External || requires(definition, "EXTERNAL"),
    };
    let rooms = [
        shape::check,
        members::check,
        containers::check,
        network::check,
        sizes::check,
        fargate::check,
        roles::check,
    ];
    rooms.iter().flat_map(|check| check(&subject)).collect()
}

fn requires(definition: &TaskDefinition, compatibility: &str) -> bool {
    let list = definition
        .as_map()
        .get("requiresCompatibilities")
        .and_then(|it| it.as_array());
    list.into_iter()
        .flatten()
        .any(|it| it.as_str() == Some(compatibility))
}

impl Subject<'_> {
    pub fn network_mode(&self) -> Option<&str> {
        self.definition.text("networkMode")
    }

    pub fn is_windows(&self) -> bool {
        let platform = self.definition.as_map().get("runtimePlatform");
        let system = platform
            .and_then(|it| it.get("operatingSystemFamily"))
            .and_then(|it| it.as_str());
        system.is_some_and(|it| it.starts_with("WINDOWS"))
    }
}

impl Finding {
    pub fn error(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            path: path.into(),
            message: message.into(),
            hint: None,
        }
    }

    pub fn warning(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(path, message)
        }
    }

    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}
