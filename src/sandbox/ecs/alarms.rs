//! Deployment alarms: CloudWatch alarms that fail a deployment, whatever its strategy.
//!
//! Source: ECS API reference, `DeploymentAlarms` and `ServiceDeploymentAlarms`; ECS developer guide, "How CloudWatch
//! alarms detect deployment failures".
//! **Invariant:** what was in ALARM when the deployment started never fails it; a rollback is not watched.

use serde_json::{Value, json};

use crate::sandbox::ApiError;
use crate::sandbox::cloudwatch::AlarmState;
use crate::sandbox::ecs::defaults::{AlarmAtStart, Switches};
use crate::sandbox::ecs::document::{Document, is_true, member, object, texts};
use crate::sandbox::ecs::refuse;
use crate::sandbox::ecs::state::Ground;

/// What DescribeAlarms would say; `None` if there is no such alarm.
fn state(ground: &Ground<'_>, name: &str) -> Option<AlarmState> {
    ground.cloudwatch.alarm_state(name)
}

/// The watch that one service deployment keeps over its alarms.
#[derive(Clone, Debug)]
pub struct Watch {
    names: Vec<String>,
    pub rolls_back: bool,
    /// Alarms that cannot fail this deployment; `None` until it has started.
    ignored: Option<Vec<String>>,
    triggered: Vec<String>,
    is_over: bool,
}

impl Watch {
    /// As `deploymentConfiguration` has it; `None` if no alarm is watched.
    pub fn read(configuration: &Document) -> Option<Self> {
        let alarms = object(configuration, "alarms").filter(|alarms| is_true(alarms, "enable"))?;
        Some(Self {
            names: texts(alarms, "alarmNames").map(str::to_owned).collect(),
            rolls_back: is_true(alarms, "rollback"),
            ignored: None,
            triggered: Vec::new(),
            is_over: false,
        })
    }

    /// Looks at the alarms; whether one fails the deployment now. The first look only notes what is in ALARM already.
    pub fn look(&mut self, switches: &Switches, ground: &Ground<'_>) -> bool {
        let alarmed = self
            .names
            .iter()
            .filter(|name| state(ground, name) == Some(AlarmState::Alarm));
        let alarmed: Vec<String> = alarmed.cloned().collect();
        let Some(ignored) = &self.ignored else {
            let all = switches.alarm_at_start == AlarmAtStart::AllAreIgnored;
            let ignored = if all && !alarmed.is_empty() {
                self.names.clone()
            } else {
                alarmed
            };
            self.ignored = Some(ignored);
            return false;
        };
        self.triggered = alarmed;
        self.triggered.retain(|name| !ignored.contains(name));
        !self.triggered.is_empty()
    }

    /// The deployment is over, or is being rolled back.
    pub fn end(&mut self) {
        self.is_over = true;
    }

    /// `ServiceDeploymentAlarms`.
    pub fn answer(&self) -> Value {
        let status = match (self.triggered.is_empty(), self.is_over) {
            (false, _) => "TRIGGERED",
            (true, true) => "MONITORING_COMPLETE",
            (true, false) => "MONITORING",
        };
        json!({ "status": status, "alarmNames": self.names, "triggeredAlarmNames": self.triggered })
    }
}

/// Refuses a configuration that lacks a required member (all three are).
pub fn check(configuration: &Document) -> Result<(), ApiError> {
    let Some(alarms) = object(configuration, "alarms") else {
        return Ok(());
    };
    // Ours: the members are modelled as required, the words are not published.
    let is_list = member(alarms, "alarmNames").is_some_and(Value::is_array);
    let is_flag = |key: &str| member(alarms, key).is_some_and(Value::is_boolean);
    for (key, is_there) in [
        ("alarmNames", is_list),
        ("enable", is_flag("enable")),
        ("rollback", is_flag("rollback")),
    ] {
        if !is_there {
            return Err(refuse::invalid(format!("alarms.{key} should not be null.")));
        }
    }
    Ok(())
}
