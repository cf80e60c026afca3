//! What a service document manages, compares and refuses, as data.

use super::*;

fn service(document: Value) -> Service {
    let mut whole = json!({
        "serviceName": "web", "launchType": "FARGATE", "schedulingStrategy": "REPLICA",
        "deploymentController": {"type": "ECS"},
        "deploymentConfiguration": {
            "maximumPercent": 200, "minimumHealthyPercent": 100, "strategy": "ROLLING",
            "deploymentCircuitBreaker": {"enable": false, "rollback": false},
        },
        "networkConfiguration": {"awsvpcConfiguration": {
            "subnets": ["subnet-b", "subnet-a"], "securityGroups": ["sg-1"], "assignPublicIp": "DISABLED",
        }},
        "loadBalancers": [{"targetGroupArn": "tg", "containerName": "web", "containerPort": 80}],
        "deployments": [{"status": "PRIMARY", "serviceConnectConfiguration": {"enabled": true, "namespace": "n"}}],
    });
    for (name, value) in document.as_object().expect("an object") {
        whole[name] = value.clone();
    }
    Service::new(whole)
}

fn target() -> ServiceKey {
    ServiceKey {
        cluster: "arn:aws:ecs:eu-central-1:123456789012:cluster/prod".into(),
        service: "web".into(),
    }
}

fn changes(live: Value, wanted: Value) -> Result<Settings, ServiceDocumentError> {
    ServiceDocument::read(wanted)?.changes(&target(), &service(live))
}

#[test]
fn only_what_the_document_names_is_compared() {
    let same = |wanted: Value| {
        let found = changes(json!({}), wanted.clone()).expect("it can be managed");
        assert!(found.is_empty(), "{wanted}: {found:?}");
        let document = ServiceDocument::read(wanted).expect("it can be managed");
        let (live, wanted) = document.compared(&service(json!({})));
        assert_eq!(live, wanted);
    };
    same(json!({}));
    same(json!({"serviceName": "web", "cluster": "prod", "launchType": "FARGATE"}));
    same(json!({"deploymentController": {"type": "ECS"}}));
    same(json!({"deploymentConfiguration": {"maximumPercent": 200}}));
    same(
        json!({"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-a", "subnet-b"]}}}),
    );
    same(json!({"serviceConnectConfiguration": {"namespace": "n"}}));
    same(
        json!({"serviceRegistries": [], "enableExecuteCommand": false, "healthCheckGracePeriodSeconds": 0}),
    );
    same(
        json!({"loadBalancers": [{"targetGroupArn": "tg", "containerName": "web", "containerPort": 80}]}),
    );
}

#[test]
fn what_differs_is_sent_whole_and_remembered() {
    let check = |wanted: Value, sent: Value, before: Value| {
        let found = changes(json!({}), wanted).expect("it can be managed");
        assert_eq!(Value::Object(found.wanted), sent);
        assert_eq!(Value::Object(found.before), before);
    };
    check(
        json!({"healthCheckGracePeriodSeconds": 30}),
        json!({"healthCheckGracePeriodSeconds": 30}),
        json!({"healthCheckGracePeriodSeconds": 0}),
    );
    let configuration = |maximum: u32| {
        json!({"deploymentConfiguration": {
            "maximumPercent": maximum, "minimumHealthyPercent": 100, "strategy": "ROLLING",
            "deploymentCircuitBreaker": {"enable": false, "rollback": false},
        }})
    };
    check(
        json!({"deploymentConfiguration": {"maximumPercent": 150}}),
        configuration(150),
        configuration(200),
    );
    check(
        json!({"bornTomorrow": 1}),
        json!({"bornTomorrow": 1}),
        json!({"bornTomorrow": 0}),
    );
    check(
        json!({"loadBalancers": []}),
        json!({"loadBalancers": []}),
        json!({"loadBalancers": [{"targetGroupArn": "tg", "containerName": "web", "containerPort": 80}]}),
    );
    check(
        json!({"placementStrategy": [{"type": "spread", "field": "instanceId"}]}),
        json!({"placementStrategy": [{"type": "spread", "field": "instanceId"}]}),
        json!({"placementStrategy": []}),
    );
}

#[test]
fn what_was_sent_is_there_then() {
    let wanted =
        json!({"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-c"]}}});
    let found = changes(json!({}), wanted).expect("it can be managed");
    assert!(!Settings::are_there(&found.wanted, &service(json!({}))));
    assert!(Settings::are_there(&found.before, &service(json!({}))));
    let after = service(Value::Object(found.wanted.clone()));
    assert!(Settings::are_there(&found.wanted, &after));
    assert!(!Settings::are_there(&found.before, &after));
}

#[test]
fn what_cannot_be_managed_is_refused() {
    let check = |wanted: Value, words: &str| {
        let error = changes(json!({}), wanted).expect_err("it is refused");
        assert_eq!(error.to_string(), words);
    };
    check(
        json!([]),
        "a service document must be an object, not a list",
    );
    check(
        json!({"desiredCount": 3}),
        "the service document may not say desiredCount: it is left to autoscaling; --desired-count sets it once",
    );
    check(
        json!({"serviceName": "api"}),
        "the service document says serviceName api, and the service is web",
    );
    check(
        json!({"launchType": "EC2"}),
        "launchType of a service cannot be changed from \"FARGATE\" to \"EC2\"",
    );
}
