//! Single turns at the ends that a world in motion seldom comes to: a deployment that completes as its time runs out.

use serde_json::{Value, json};

use crate::core::live::{CodeDeployment, Service};
use crate::core::plan::Plan;
use crate::core::report::{Cause, Outcome};
use crate::core::rollout::example::{
    self, BEGAN, NEW, NEW_ID, OLD, OLD_ID, cancelled, deadline, undoing,
};
use crate::core::rollout::{Action, Facet, Observation, Seen, State, Turn, turn};

fn plan() -> Plan {
    example::plan(&json!({"code_deploy": {
        "group": {"application": "app", "group": "group"},
        "appspec": {"Resources": [{"TargetService": {"Properties": {}}}]},
        "moves": {"config": "", "percents": [], "takes": {"secs": 0, "nanos": 0}},
        "kept": {"secs": 0, "nanos": 0},
        "blue": "blue",
    }}))
}

/// Two task sets; the new one of the deployment `d-1` stands so.
fn service(status: &str, stability: &str) -> Service {
    let other = if status == "PRIMARY" {
        "ACTIVE"
    } else {
        "PRIMARY"
    };
    let set = |id: &str, made_by: &str, revision, status, stability| {
        json!({
            "id": id, "externalId": made_by, "taskDefinition": revision, "status": status,
            "stabilityStatus": stability, "computedDesiredCount": 2, "runningCount": 2,
        })
    };
    Service::new(json!({
        "status": "ACTIVE",
        "desiredCount": 2,
        "taskSets": [
            set(OLD_ID, "d-0", OLD, other, "STEADY_STATE"),
            set(NEW_ID, "d-1", NEW, status, stability),
        ],
    }))
}

fn deployment(id: &str, status: &str, description: &str) -> CodeDeployment {
    let info = json!({"deploymentId": id, "status": status, "description": description});
    CodeDeployment::new(info, Vec::new())
}

/// The undo of `d-1`, told to stop when its time ran out, in this service and beside these deployments; `d-1` has
/// succeeded all the same.
fn undo(cause: Cause, service: Service, others: Option<Vec<CodeDeployment>>) -> Turn {
    undo_from(&begun(cause), service, others)
}

fn begun(cause: Cause) -> State {
    let mut state = example::at(&plan(), undoing(cause));
    state.deployment = Some("d-1".into());
    state
}

fn undo_from(at: &State, service: Service, others: Option<Vec<CodeDeployment>>) -> Turn {
    let mut seen = Observation {
        service: Seen::Is(service),
        ..Observation::default()
    };
    let ours = Seen::Is(deployment("d-1", "Succeeded", "ecsdeploy"));
    seen.code_deployment.insert("d-1".into(), ours);
    for other in others.iter().flatten() {
        let known = Seen::Is(other.clone());
        seen.code_deployment.insert(other.id(), known);
    }
    seen.code_deployments = others.map_or(Seen::NotAsked, Seen::Is);
    turn(&plan(), at, &seen, BEGAN)
}

/// Whether the turn deploys the old revision again.
fn deploys_back(turn: &Turn) -> bool {
    let Some(Action::CreateCodeDeployment { members }) = &turn.act else {
        return false;
    };
    let members = Value::Object(members.clone());
    let says = |pointer: &str| members.pointer(pointer).and_then(Value::as_str);
    let content = says("/revision/appSpecContent/content");
    says("/description").is_some_and(|text| text.ends_with(" back"))
        && content.is_some_and(|appspec| appspec.contains(OLD))
}

#[test]
fn what_completes_as_its_time_runs_out_counts_if_it_serves() {
    let turn = undo(deadline(), service("PRIMARY", "STEADY_STATE"), None);
    assert_eq!(turn.next.outcome(), Some(&Outcome::Completed));
    assert_eq!(turn.act, None);
}

#[test]
fn what_completes_as_its_time_runs_out_and_does_not_serve_is_gone_back_from() {
    for (status, stability) in [
        ("PRIMARY", "STABILIZING"),
        ("ACTIVE", "STEADY_STATE"),
        ("DRAINING", "STEADY_STATE"),
    ] {
        // It is looked first whether a deployment of ours goes back already.
        let first = undo(deadline(), service(status, stability), None);
        assert_eq!((first.act.as_ref(), first.next.outcome()), (None, None));
        let asks = |facet: &Facet| matches!(facet, Facet::CodeDeployments(..));
        assert!(first.watch.iter().any(asks), "{status} {stability}");
        let then = undo_from(&first.next, service(status, stability), Some(Vec::new()));
        assert!(deploys_back(&then), "{status}: {then:?}");
    }
}

#[test]
fn what_completes_though_it_is_not_wanted_is_gone_back_from_however_well_it_serves() {
    let serves = || service("PRIMARY", "STEADY_STATE");
    let turn = undo(cancelled(), serves(), Some(Vec::new()));
    assert!(deploys_back(&turn), "{turn:?}");
}

/// The new set may get well just then; the traffic leaves it all the same.
#[test]
fn once_the_way_back_is_taken_it_is_taken_to_its_end() {
    let first = undo(
        deadline(),
        service("PRIMARY", "STABILIZING"),
        Some(Vec::new()),
    );
    let described = match &first.act {
        Some(Action::CreateCodeDeployment { members }) => members["description"].as_str(),
        other => panic!("{other:?}"),
    };
    let back = deployment("d-2", "InProgress", described.expect("it has one"));
    let steady = service("PRIMARY", "STEADY_STATE");
    let then = undo_from(&first.next, steady, Some(vec![back]));
    assert_eq!((then.act, then.next.phase), (None, first.next.phase));
}
