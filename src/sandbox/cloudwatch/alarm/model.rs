//! An alarm and its state.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::sandbox::Time;
use crate::sandbox::cloudwatch::alarm::history::Item;
use crate::sandbox::cloudwatch::alarm::settings::Settings;
use crate::sandbox::wire::mark::instant;

/// History items kept of one alarm; AWS keeps them for 30 days.
const MOST_ITEMS: usize = 200;

/// `StateValue`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmState {
    Ok,
    Alarm,
    InsufficientData,
}

/// Whether an alarm would call anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actions {
    Enabled,
    Disabled,
}

/// Why an alarm is in its state: for people, and for programs (JSON in a text).
#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    pub text: String,
    pub data: Option<String>,
}

/// A metric alarm.
#[derive(Clone, Debug)]
pub struct Alarm {
    pub arn: String,
    pub settings: Settings,
    pub configured: Time,
    pub actions: Actions,
    pub tags: BTreeMap<String, String>,
    pub(super) standing: Standing,
    /// Oldest first.
    pub(super) history: Vec<Item>,
}

/// The state with all that belongs to it.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    pub state: AlarmState,
    pub reason: Reason,
    /// When state or reason were last written.
    pub updated: Time,
    /// When the state last became another.
    pub transitioned: Time,
}

impl AlarmState {
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Ok, Self::Alarm, Self::InsufficientData]
            .into_iter()
            .find(|state| state.as_str() == text)
    }

    /// As the API spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }
}

impl Reason {
    pub fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            data: None,
        }
    }
}

impl Alarm {
    /// A new alarm, not yet looked at.
    pub fn new(arn: String, settings: Settings, now: Time) -> Self {
        let actions = settings.actions;
        let reason = Reason::new("Unchecked: Initial alarm creation");
        let standing = Standing {
            state: AlarmState::InsufficientData,
            reason,
            updated: now,
            transitioned: now,
        };
        let mut alarm = Self {
            arn,
            settings,
            configured: now,
            actions,
            tags: BTreeMap::new(),
            standing,
            history: vec![],
        };
        alarm.note_configuration(now, "created");
        alarm
    }

    pub fn state(&self) -> AlarmState {
        self.standing.state
    }

    /// Has been in this state for long; nothing is written down of it.
    pub fn assume(&mut self, state: AlarmState) {
        self.standing.state = state;
        self.standing.reason = Reason::new("As the world file has it");
    }

    /// Other settings; the state stays until the alarm is looked at again (CloudWatch API reference, `PutMetricAlarm`).
    pub fn configure(&mut self, settings: Settings, now: Time) {
        self.actions = settings.actions;
        self.settings = settings;
        self.configured = now;
        self.note_configuration(now, "updated");
    }

    /// Puts the alarm into a state. If it is in that state already, nothing happens.
    pub fn enter(&mut self, state: AlarmState, reason: Reason, now: Time) {
        if state == self.standing.state {
            return;
        }
        let summary = format!(
            "Alarm updated from {} to {}",
            self.standing.state.as_str(),
            state.as_str()
        );
        let side = |state: AlarmState, reason: &Reason| json!({"stateValue": state.as_str(), "stateReason": reason.text});
        let data = json!({
            "version": "1.0",
            "oldState": side(self.standing.state, &self.standing.reason),
            "newState": side(state, &reason),
        });
        self.standing = Standing {
            state,
            reason,
            updated: now,
            transitioned: now,
        };
        self.note(Item {
            at: now,
            kind: "StateUpdate",
            summary,
            data,
        });
    }

    fn note_configuration(&mut self, now: Time, what: &str) {
        let summary = format!("Alarm \"{}\" {what}", self.settings.name);
        let data =
            json!({"version": "1.0", "type": if what == "created" { "Create" } else { "Update" }});
        self.note(Item {
            at: now,
            kind: "ConfigurationUpdate",
            summary,
            data,
        });
    }

    fn note(&mut self, item: Item) {
        if self.history.len() == MOST_ITEMS {
            self.history.remove(0);
        }
        self.history.push(item);
    }

    /// As `DescribeAlarms` shows it.
    pub fn echo(&self) -> Value {
        let mut echo = self.settings.echo();
        echo.insert("AlarmArn".into(), self.arn.clone().into());
        echo.insert(
            "ActionsEnabled".into(),
            (self.actions == Actions::Enabled).into(),
        );
        echo.insert(
            "AlarmConfigurationUpdatedTimestamp".into(),
            instant(self.configured),
        );
        echo.insert("StateValue".into(), self.standing.state.as_str().into());
        echo.insert(
            "StateReason".into(),
            self.standing.reason.text.clone().into(),
        );
        if let Some(data) = &self.standing.reason.data {
            echo.insert("StateReasonData".into(), data.clone().into());
        }
        echo.insert(
            "StateUpdatedTimestamp".into(),
            instant(self.standing.updated),
        );
        echo.insert(
            "StateTransitionedTimestamp".into(),
            instant(self.standing.transitioned),
        );
        Value::Object(echo)
    }
}
