//! Gates that are known to fail, or never to be asked, before anything is changed.
//!
//! **Invariant:** a rollout that is handed over and finished by AWS is refused for no gate: nobody asks any.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::gate::{Check, Gate};
use crate::core::handover::{Handover, handover};
use crate::core::live::AlarmState;
use crate::core::plan::{Balanced, Plan, Strategy, Survey};
use crate::core::rollout::Fault;
use crate::core::taskdef::Finding;

/// The alarms that are asked in any step.
pub fn alarms(plan: &Plan) -> BTreeSet<String> {
    if is_finished_by_aws(plan) {
        return BTreeSet::new();
    }
    let gates = asked(plan).into_values();
    let names = gates.filter_map(|gate| match gate.check {
        Check::Alarms { names, .. } => Some(names),
        _ => None,
    });
    names.flatten().collect()
}

pub fn check(plan: &Plan, survey: &Survey) -> Vec<Finding> {
    if is_finished_by_aws(plan) {
        return handed_over(plan).into_iter().collect();
    }
    let asked = asked(plan);
    let mut found = Vec::new();
    for gate in asked.values() {
        match &gate.check {
            Check::Alarms { names, .. } => found.extend(silent_or_ringing(gate, names, survey)),
            _ => found.extend(unmeasurable(gate, plan)),
        }
    }
    found.extend(never_asked(plan, &asked));
    found
}

/// Whether it goes on without anybody who could ask.
fn is_finished_by_aws(plan: &Plan) -> bool {
    matches!(
        handover(plan),
        Some(Handover::EcsFinishes { .. } | Handover::CodeDeployFinishes)
    )
}

fn handed_over(plan: &Plan) -> Option<Finding> {
    let of_steps = plan.intent.steps.iter().filter_map(|it| it.gates.as_ref());
    let declared = plan.intent.gates.iter().chain(of_steps).flatten();
    let names: BTreeSet<&str> = declared.map(|gate| gate.name.as_str()).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let what = format!(
        "--detach leaves it to AWS, which asks none of the gates: {}",
        names.join(", ")
    );
    (!names.is_empty()).then(|| Finding::warning(PATH, what))
}

/// Every gate that is asked in some step, by its name.
fn asked(plan: &Plan) -> BTreeMap<String, Gate> {
    let gates = plan.steps().into_iter().flat_map(|step| step.gates);
    gates.map(|gate| (gate.name.clone(), gate)).collect()
}

fn silent_or_ringing(gate: &Gate, names: &BTreeSet<String>, survey: &Survey) -> Vec<Finding> {
    let is_unread = |fault: &Fault| fault.operation == "DescribeAlarms";
    if survey.further.faults.iter().any(is_unread) {
        return Vec::new();
    }
    let alarms = &survey.further.alarms;
    let state = |name: &str| alarms.iter().find(|it| it.name == name).map(|it| &it.state);
    let name = &gate.name;
    let wrong = names.iter().filter_map(|alarm| match state(alarm) {
        None => Some((
            format!("the gate `{name}` asks the alarm {alarm}, and there is none of that name"),
            "create it, or take it out of the gate",
        )),
        Some(AlarmState::Alarm) => Some((
            format!("the gate `{name}` would fail at once: {alarm} is in ALARM"),
            "wait until it is OK; for a release that mends it, leave it out of the gates",
        )),
        Some(_) => None,
    });
    wrong
        .map(|(what, hint)| Finding::error(PATH, what).hint(hint))
        .collect()
}

/// What its requests are counted by is not known, and will not be.
fn unmeasurable(gate: &Gate, plan: &Plan) -> Option<Finding> {
    let why = match &plan.strategy {
        _ if plan.ground.balanced == Balanced::No => "the service has no target group",
        Strategy::Native(native) if native.sides.is_empty() => {
            "its listener rules do not tell which target group the new revision gets"
        }
        _ => return None,
    };
    let what = format!("the gate `{}` counts requests, and {why}", gate.name);
    let hint = "leave it out, or ask metrics with dimensions of their own";
    gate.names_balancer()
        .then(|| Finding::error(PATH, what).hint(hint))
}

/// Declared, and left out of every step.
fn never_asked(plan: &Plan, asked: &BTreeMap<String, Gate>) -> Vec<Finding> {
    let left_out: BTreeMap<String, &str> = plan
        .steps()
        .into_iter()
        .flat_map(|step| step.left_out)
        .filter(|left_out| !asked.contains_key(&left_out.gate))
        .map(|left_out| (left_out.gate, left_out.why))
        .collect();
    let finding = |(gate, why): (String, &str)| {
        let what = format!("the gate `{gate}` has no place in any step: {why}");
        Finding::error(PATH, what).hint("leave it out of this service's gates")
    };
    left_out.into_iter().map(finding).collect()
}

const PATH: &str = "rollout.gates";
