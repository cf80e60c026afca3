//! Rollouts that hold through gates, in the same worlds: a one-off task is to be run once in each step, a bake goes on
//! where a killed run left it, and what a person said to a dead run was said.

use std::time::Duration;

use ecsdeploy::core::gate::{Check, Gate};
use ecsdeploy::core::rollout::Wish;

use crate::gates::{ALARM, FAULTY, ILL, SMOKE, alarm, approval, compared, error_rate, task};
use crate::rows::{Harm, Row};

/// Longer than a dead run's lease, so that one that began anew would be late.
const BAKE: Duration = Duration::from_mins(4);

impl Row {
    /// Each step holds through these, and release 1.2.0 is well but for its answers.
    pub fn gated(mut self, gates: Vec<Gate>) -> Self {
        self.more = ALARM;
        self.changes.push(("taskDefinitions:\n", SMOKE));
        self.changes.push((ILL, FAULTY));
        self.harm = Harm::ByItsAnswers;
        self.request.intent.gates = Some(gates.into_iter().map(baking).collect());
        self
    }

    /// Somebody says so once, a minute into the canary's bake.
    pub fn told(mut self, wish: fn(String) -> Wish) -> Self {
        self.word = Some((Duration::from_secs(150), wish("carla".to_owned())));
        self
    }
}

fn baking(mut gate: Gate) -> Gate {
    if !matches!(gate.check, Check::Task(_) | Check::Approval(_)) {
        gate.pace.bake = BAKE;
    }
    gate
}

pub fn by_alarm() -> Vec<Gate> {
    vec![alarm("web-5xx"), task("smoke-good")]
}

pub fn by_approval() -> Vec<Gate> {
    vec![approval(), task("smoke-good")]
}

pub fn by_metric() -> Vec<Gate> {
    vec![error_rate(1.0), task("smoke-good")]
}

pub fn by_comparison() -> Vec<Gate> {
    vec![compared(), task("smoke-good")]
}

pub fn promote(by: String) -> Wish {
    Wish::Promote { by }
}

pub fn abort(by: String) -> Wish {
    Wish::Undo { by }
}
