//! Rolling updates of a Fargate service behind a load balancer.

use serde_json::json;

use super::stage::Stage;
use crate::sandbox::ecs::{StopOld, Switches};

#[test]
fn a_seeded_service_is_steady_and_stays_so() {
    let mut stage = Stage::web(&[]);
    let before = stage.service();
    assert_eq!(
        (&before["runningCount"], &before["pendingCount"]),
        (&json!(2), &json!(0))
    );
    assert_eq!(before["deployments"][0]["rolloutState"], "COMPLETED");
    assert_eq!(before["deployments"].as_array().unwrap().len(), 1);
    stage.seconds(600);
    assert_eq!(stage.service(), before);
    assert!(stage.tasks("STOPPED").is_empty());
    let zones: Vec<_> = stage
        .tasks("RUNNING")
        .iter()
        .map(|task| task["availabilityZone"].clone())
        .collect();
    assert!(zones.contains(&json!("eu-west-1a")) && zones.contains(&json!("eu-west-1b")));
}

#[test]
fn a_good_release_is_told_in_the_order_in_which_aws_tells_it() {
    let mut stage = Stage::web(&[]);
    stage.news();
    let id = stage.deploy("1.1.0");
    let first = &stage.service()["deployments"][0];
    assert_eq!(
        (&first["status"], &first["desiredCount"]),
        (&json!("PRIMARY"), &json!(0))
    );
    assert_eq!(
        first["rolloutStateReason"],
        format!("ECS deployment {id} in progress.")
    );
    let took = stage.until_steady();
    assert!((60..240).contains(&took), "{took} s");
    let last = &stage.service()["deployments"][0];
    assert_eq!(
        (&last["id"], &last["rolloutState"]),
        (&json!(id), &json!("COMPLETED"))
    );
    assert_eq!(
        last["rolloutStateReason"],
        format!("ECS deployment {id} completed.")
    );
    insta::assert_snapshot!(stage.news().join("\n"));
}

#[test]
fn a_service_revision_has_the_deployments_number_and_the_digests() {
    let mut stage = Stage::web(&[]);
    let id = stage.deploy("1.1.0");
    let number = id.trim_start_matches("ecs-svc/");
    assert_eq!(number.len(), 19);
    let revision = stage.service()["currentServiceRevisions"][0]["arn"].clone();
    assert!(
        revision
            .as_str()
            .unwrap()
            .ends_with(&format!(":service-revision/main/web/{number}"))
    );
    let answer = stage.call(
        "DescribeServiceRevisions",
        &json!({ "serviceRevisionArns": [revision] }),
    );
    let image = &answer["serviceRevisions"][0]["containerImages"][0];
    assert_eq!(image["containerName"], "web");
    let digest = image["imageDigest"].clone();
    assert!(digest.as_str().unwrap().starts_with("sha256:"));
    stage.until_steady();
    assert!(
        stage
            .tasks("RUNNING")
            .iter()
            .all(|task| task["containers"][0]["imageDigest"] == digest)
    );
}

#[test]
fn a_service_deployment_records_the_rollout() {
    let mut stage = Stage::web(&[]);
    let before = stage.service()["currentServiceRevisions"][0]["arn"].clone();
    stage.deploy("1.1.0");
    assert_eq!(stage.rollout()["status"], "PENDING");
    stage.second();
    let under_way = stage.rollout();
    assert_eq!(under_way["status"], "IN_PROGRESS");
    assert_eq!(under_way["sourceServiceRevisions"][0]["arn"], before);
    assert_eq!(
        under_way["deploymentCircuitBreaker"],
        json!({ "status": "MONITORING", "failureCount": 0, "threshold": 3 })
    );
    stage.until_steady();
    let done = stage.rollout();
    assert_eq!(done["status"], "SUCCESSFUL");
    assert_eq!(
        done["deploymentCircuitBreaker"]["status"],
        "MONITORING_COMPLETE"
    );
    assert_eq!(
        stage.service()["currentServiceDeployment"],
        done["serviceDeploymentArn"]
    );
}

#[test]
fn the_same_seed_gives_the_same_second_by_second() {
    let play = || {
        let mut stage = Stage::web(&[]);
        stage.deploy("1.1.0");
        stage.seconds(300);
        format!("{:?}", stage.world)
    };
    assert_eq!(play(), play());
}

#[test]
fn a_changed_desired_count_starts_no_deployment() {
    let mut stage = Stage::web(&[]);
    let id = stage.service()["deployments"][0]["id"].clone();
    stage.news();
    stage.update(&json!({ "desiredCount": 4 }));
    stage.keeps_lower = false;
    stage.until(|service| service["runningCount"] == 4);
    stage.seconds(120);
    stage.keeps_lower = true;
    stage.update(&json!({ "desiredCount": 1 }));
    stage.seconds(120);
    let service = stage.service();
    assert_eq!(
        (&service["runningCount"], &service["deployments"][0]["id"]),
        (&json!(1), &id)
    );
    assert_eq!(service["deployments"][0]["rolloutState"], "COMPLETED");
    insta::assert_snapshot!(stage.news().join("\n"));
}

#[test]
fn only_what_a_deployment_carries_out_starts_one() {
    let starts = |changes: serde_json::Value| {
        let mut stage = Stage::web(&[]);
        stage.update(&changes)["deployments"]
            .as_array()
            .unwrap()
            .len()
            == 2
    };
    assert!(starts(json!({ "forceNewDeployment": true })));
    assert!(starts(json!({ "platformVersion": "1.4.0" })));
    assert!(starts(
        json!({ "networkConfiguration": { "awsvpcConfiguration": { "subnets": ["subnet-0a1"] } } })
    ));
    assert!(starts(
        json!({ "loadBalancers": [] , "healthCheckGracePeriodSeconds": 0 })
    ));
    assert!(!starts(json!({ "taskDefinition": "web:1" })));
    assert!(!starts(json!({ "desiredCount": 3 })));
    assert!(!starts(
        json!({ "deploymentConfiguration": { "maximumPercent": 150 } })
    ));
    assert!(!starts(json!({ "healthCheckGracePeriodSeconds": 5 })));
    assert!(!starts(
        json!({ "enableExecuteCommand": true, "propagateTags": "SERVICE", "enableECSManagedTags": true })
    ));
    assert!(!starts(
        json!({ "availabilityZoneRebalancing": "DISABLED" })
    ));
}

#[test]
fn deployment_configuration_is_merged_member_by_member() {
    let mut stage = Stage::web(&[]);
    let service = stage.update(&json!({ "deploymentConfiguration": { "maximumPercent": 150 } }));
    let configuration = &service["deploymentConfiguration"];
    assert_eq!(
        (
            &configuration["maximumPercent"],
            &configuration["minimumHealthyPercent"]
        ),
        (&json!(150), &json!(100))
    );
    assert_eq!(
        configuration["deploymentCircuitBreaker"],
        json!({ "enable": true, "rollback": true })
    );
}

#[test]
fn a_newer_deployment_supersedes_one_that_is_under_way() {
    let mut stage = Stage::web(&[]);
    stage.deploy("1.2.0-sick");
    stage.seconds(10);
    let first = stage.rollout()["serviceDeploymentArn"].clone();
    let id = stage.deploy("1.1.0");
    let deployments = stage.service()["deployments"].as_array().unwrap().clone();
    let statuses: Vec<_> = deployments
        .iter()
        .map(|one| one["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["PRIMARY", "ACTIVE", "ACTIVE"]);
    stage.until_steady();
    assert_eq!(stage.service()["deployments"][0]["id"], json!(id));
    let old = stage.call(
        "DescribeServiceDeployments",
        &json!({ "serviceDeploymentArns": [first] }),
    );
    assert_eq!(old["serviceDeployments"][0]["status"], "STOPPED");
    assert_eq!(stage.rollout()["status"], "SUCCESSFUL");
}

#[test]
fn bounds_that_allow_no_step_are_told_once_and_waited_on() {
    let mut stage = Stage::web(&[("maximumPercent: 200", "maximumPercent: 125")]);
    stage.news();
    stage.deploy("1.1.0");
    stage.seconds(900);
    let news = stage.news();
    assert_eq!(news.len(), 1, "{news:?}");
    assert!(news[0].contains("was unable to stop or start tasks during a deployment because of the service deployment configuration"));
    stage.update(&json!({ "deploymentConfiguration": { "maximumPercent": 150 } }));
    stage.until_steady();
    assert_eq!(
        stage.service()["deployments"][0]["rolloutState"],
        "COMPLETED"
    );
}

#[test]
fn half_the_tasks_may_go_first() {
    let bounds = [
        ("maximumPercent: 200", "maximumPercent: 100"),
        ("minimumHealthyPercent: 100", "minimumHealthyPercent: 50"),
    ];
    let mut stage = Stage::web(&bounds);
    stage.news();
    stage.deploy("1.1.0");
    stage.until_steady();
    let news = stage.news();
    assert!(
        news[0].contains("has stopped 1 running tasks") && news[1].contains("has started 1 tasks"),
        "{news:?}"
    );
    let patient = Switches {
        stop_old: StopOld::AsReplaced,
        ..Switches::default()
    };
    let mut stage = Stage::web(&[("minimumHealthyPercent: 100", "minimumHealthyPercent: 50")])
        .switched(patient);
    stage.news();
    stage.deploy("1.1.0");
    stage.until_steady();
    assert!(stage.news()[0].contains("has started 2 tasks"));
}

#[test]
fn a_task_that_turns_unhealthy_is_replaced_first() {
    let sick_later = (
        "      - imageTags: [\"1.0.0\"]\n",
        "      - imageTags: [\"1.0.0\"]\n        behaviour: { hangAfter: 3h5m }\n",
    );
    let mut stage = Stage::web(&[sick_later]);
    stage.keeps_lower = false;
    stage.news();
    stage.seconds(1200);
    let news = stage.news();
    assert!(
        news[0].contains("is unhealthy in (target-group TG) due to (reason Request timed out)"),
        "{news:?}"
    );
    let replaced = "Amazon ECS replaced 1 tasks due to an unhealthy status.";
    assert!(
        news.iter()
            .any(|line| line.contains(replaced) || line.contains("replaced 2 tasks")),
        "{news:?}"
    );
    let reasons: Vec<_> = stage
        .tasks("STOPPED")
        .iter()
        .map(|task| task["stoppedReason"].as_str().unwrap().to_owned())
        .collect();
    assert!(reasons.iter().all(|reason| reason.starts_with("Task failed ELB health checks in (target-group arn:")), "{reasons:?}");
    assert_eq!(stage.service()["runningCount"], 2);
}

#[test]
fn a_task_lives_through_every_status_and_stays_visible_for_an_hour() {
    let mut stage = Stage::web(&[]);
    stage.deploy("1.1.0");
    stage.second();
    let id = stage
        .tasks("RUNNING")
        .into_iter()
        .find(|task| task["lastStatus"] == "PROVISIONING")
        .unwrap()["taskArn"]
        .clone();
    let mut seen = Vec::new();
    let mut last = json!(null);
    for second in 0..300 {
        if second == 200 {
            stage.call(
                "StopTask",
                &json!({ "cluster": "main", "task": id, "reason": "enough" }),
            );
            stage.keeps_lower = false;
        }
        let answer = stage.call(
            "DescribeTasks",
            &json!({ "cluster": "main", "tasks": [id] }),
        );
        last = answer["tasks"][0].clone();
        let status = last["lastStatus"].as_str().unwrap().to_owned();
        if seen.last() != Some(&status) {
            seen.push(status);
        }
        stage.second();
    }
    let all = [
        "PROVISIONING",
        "PENDING",
        "ACTIVATING",
        "RUNNING",
        "DEACTIVATING",
        "STOPPING",
        "DEPROVISIONING",
        "STOPPED",
    ];
    assert_eq!(seen, all);
    assert_eq!(
        (&last["stopCode"], &last["stoppedReason"]),
        (&json!("UserInitiated"), &json!("enough"))
    );
    let at = |key: &str| {
        last[key]
            .as_f64()
            .unwrap_or_else(|| panic!("no {key} in {last:#}"))
    };
    let order = [
        "createdAt",
        "connectivityAt",
        "pullStartedAt",
        "pullStoppedAt",
        "startedAt",
        "stoppingAt",
        "executionStoppedAt",
        "stoppedAt",
    ];
    assert!(
        order.windows(2).all(|pair| at(pair[0]) <= at(pair[1])),
        "{last:#}"
    );
    assert_eq!(last["attachments"][0]["status"], "DELETED");
    assert_eq!(last["containers"][0]["exitCode"], 0);
    let is_there = |stage: &mut Stage| {
        stage.call(
            "DescribeTasks",
            &json!({ "cluster": "main", "tasks": [id] }),
        )["failures"]
            == json!([])
    };
    stage.seconds(3300);
    assert!(is_there(&mut stage));
    stage.seconds(600);
    assert!(!is_there(&mut stage));
}
