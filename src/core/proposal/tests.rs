//! When a plan still holds, and when it does not.

use serde_json::{Value, json};

use super::Proposal;
use crate::core::id::{Cluster, ServiceKey, ServiceName};
use crate::core::live::Service;
use crate::core::plan::{Plan, Survey};
use crate::core::redact::Redactor;
use crate::core::service::Intent;
use crate::core::service_document::ServiceDocument;
use crate::core::taskdef::{Described, TaskDefinition};

fn definition(image: &str, password: &str) -> Value {
    json!({
        "family": "web",
        "containerDefinitions": [{
            "name": "web", "image": image,
            "environment": [{"name": "DB_PASSWORD", "value": password}],
        }],
    })
}

/// A service that runs revision 1 of this definition, and has completed.
fn survey(running: &Value) -> Survey {
    let arn = "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:1";
    let mut described = running.clone();
    described["taskDefinitionArn"] = json!(arn);
    described["revision"] = json!(1);
    described["status"] = json!("ACTIVE");
    Survey {
        rules: Vec::new(),
        code_deploy: None,
        further: crate::core::preflight::Further::default(),
        service: Service::new(json!({
            "serviceName": "web", "status": "ACTIVE", "taskDefinition": arn, "desiredCount": 4,
            "launchType": "FARGATE",
            "deploymentConfiguration": {"maximumPercent": 150, "minimumHealthyPercent": 50},
            "deployments": [{
                "id": "ecs-svc/1", "status": "PRIMARY", "taskDefinition": arn, "rolloutState": "COMPLETED",
            }],
        })),
        running: Described::from_value(json!({"taskDefinition": described})).unwrap(),
        latest: None,
    }
}

fn propose(survey: &Survey, wanted: &Value, intent: Intent) -> Proposal {
    let target = ServiceKey {
        cluster: Cluster::from("main"),
        service: ServiceName::from("web"),
    };
    let wanted = TaskDefinition::from_value(wanted.clone()).unwrap();
    let plan = Plan::make(target, wanted.clone(), intent, survey).unwrap();
    Proposal::of(&plan, &wanted, survey, &Redactor::default())
}

/// Plans web:2 for a service that runs web:1; then looks again at a world and inputs that `change` has been at.
fn check(change: impl FnOnce(&mut Survey, &mut Value, &mut Intent), moved: &[&str]) {
    let mut there = survey(&definition("web:1", "one"));
    let (mut wanted, mut intent) = (definition("web:2", "two"), Intent::default());
    let planned = propose(&there, &wanted, intent.clone());
    let kept: Proposal = serde_json::from_str(&serde_json::to_string(&planned).unwrap()).unwrap();
    assert_eq!(kept, planned, "what is written reads back");
    change(&mut there, &mut wanted, &mut intent);
    let now = propose(&there, &wanted, intent);
    let paths: Vec<String> = kept
        .moved(&now)
        .iter()
        .map(|it| it.path.to_string())
        .collect();
    assert_eq!(paths, moved);
}

fn service(survey: &mut Survey, change: impl FnOnce(&mut Value)) {
    let mut document = survey.service.as_value().clone();
    change(&mut document);
    survey.service = Service::new(document);
}

#[test]
fn a_plan_holds_while_nothing_moves() {
    check(|_, _, _| {}, &[]);
}

#[test]
fn autoscaling_does_not_void_a_plan() {
    check(
        |there, _, _| service(there, |it| it["desiredCount"] = json!(9)),
        &[],
    );
}

#[test]
fn another_input_voids_a_plan() {
    let image = "taskDefinition.containerDefinitions[web].image";
    check(
        |_, wanted, _| *wanted = definition("web:3", "two"),
        &[image],
    );
    check(
        |_, _, intent| intent.desired_count = Some(1),
        &["rollout.desired_count"],
    );
    let tags = |intent: &mut Intent| {
        let document = json!({"propagateTags": "SERVICE"});
        intent.managed = Some(ServiceDocument::read(document).unwrap());
    };
    check(|_, _, intent| tags(intent), &["serviceDefinition"]);
}

#[test]
fn another_deployment_voids_a_plan() {
    let change = |it: &mut Value| it["deployments"][0]["id"] = json!("ecs-svc/2");
    check(
        |there, _, _| service(there, change),
        &["service.deployment"],
    );
}

#[test]
fn a_changed_service_voids_a_plan() {
    let change = |it: &mut Value| it["deploymentConfiguration"]["maximumPercent"] = json!(200);
    let path = "service.service.deploymentConfiguration.maximumPercent";
    check(|there, _, _| service(there, change), &[path]);
}

#[test]
fn a_secret_that_no_longer_changes_voids_a_plan() {
    let path = "taskDefinition.containerDefinitions[web].environment[DB_PASSWORD].value";
    check(|_, wanted, _| *wanted = definition("web:2", "one"), &[path]);
}

#[test]
fn a_rollout_that_takes_up_again_finds_its_own_work() {
    let begun = |there: &mut Survey| {
        *there = survey(&definition("web:2", "two"));
        service(there, |it| it["deployments"][0]["id"] = json!("ecs-svc/2"));
    };
    check(|there, _, _| begun(there), &[]);
    check(
        |there, _, _| {
            begun(there);
            service(there, |it| {
                it["deployments"][0]["rolloutState"] = json!("IN_PROGRESS");
            });
        },
        &[],
    );
}

#[test]
fn no_secret_is_in_the_artifact() {
    let there = survey(&definition("web:1", "canary-one"));
    let proposal = propose(
        &there,
        &definition("web:2", "canary-two"),
        Intent::default(),
    );
    let text = serde_json::to_string(&proposal).unwrap();
    assert!(!text.contains("canary"), "{text}");
    let other = propose(
        &there,
        &definition("web:2", "canary-three"),
        Intent::default(),
    );
    assert_eq!(
        proposal.name(),
        other.name(),
        "a digest would let a secret be guessed"
    );
}

#[test]
fn tasks_during_a_rolling_deployment_keep_between_the_services_percentages() {
    let there = survey(&definition("web:1", "one"));
    let capacity = propose(&there, &definition("web:2", "one"), Intent::default()).capacity;
    assert_eq!(
        (capacity.desired, capacity.floor, capacity.ceiling),
        (4, 2, 6)
    );
}
