//! CodeDeploy as its users see it: whole deployments, the good ones, the bad ones and the stopped ones.

use serde_json::{Value, json};

use crate::sandbox::codedeploy::answer;
use crate::sandbox::{Duration, Sandbox, ecs, looking, seed};

const WORLD: &str = r#"
targetGroups:
  - { Name: blue, Protocol: HTTP, Port: 80, VpcId: vpc-0web, TargetType: ip, HealthCheckIntervalSeconds: 10, Attributes: [{ Key: deregistration_delay.timeout_seconds, Value: "20" }] }
  - { Name: green, Protocol: HTTP, Port: 80, VpcId: vpc-0web, TargetType: ip, HealthCheckIntervalSeconds: 10, Attributes: [{ Key: deregistration_delay.timeout_seconds, Value: "20" }] }
loadBalancers: [{ Name: web, Subnets: [subnet-0a1, subnet-0b1] }]
listeners:
  - { LoadBalancerArn: web, Port: 80, Protocol: HTTP, DefaultActions: [{ Type: forward, TargetGroupArn: blue }] }
  - { LoadBalancerArn: web, Port: 8080, Protocol: HTTP, DefaultActions: [{ Type: forward, TargetGroupArn: blue }] }
images:
  - { image: "shop:1" }
  - { image: "shop:2" }
  - { image: "shop:sick", behaviour: { healthStatus: 503 } }
clusters: [{ clusterName: main }]
taskDefinitions:
  - &shop
    family: shop
    networkMode: awsvpc
    requiresCompatibilities: [FARGATE]
    cpu: "256"
    memory: "512"
    containerDefinitions: [{ name: app, image: "shop:1", portMappings: [{ containerPort: 80 }] }]
  - { <<: *shop, containerDefinitions: [{ name: app, image: "shop:2", portMappings: [{ containerPort: 80 }] }] }
  - { <<: *shop, containerDefinitions: [{ name: app, image: "shop:sick", portMappings: [{ containerPort: 80 }] }] }
services:
  - cluster: main
    serviceName: web
    taskDefinition: shop:1
    desiredCount: 2
    launchType: FARGATE
    deploymentController: { type: CODE_DEPLOY }
    networkConfiguration: { awsvpcConfiguration: { subnets: [subnet-0a1, subnet-0b1] } }
    loadBalancers: [{ targetGroupArn: blue, containerName: app, containerPort: 80 }]
codeDeploy:
  applications: [{ applicationName: shop, computePlatform: ECS }]
  deploymentGroups:
    - applicationName: shop
      deploymentGroupName: web
      serviceRoleArn: arn:aws:iam::123456789012:role/codedeploy
      deploymentConfigName: CodeDeployDefault.ECSCanary10Percent5Minutes
      deploymentStyle: { deploymentType: BLUE_GREEN, deploymentOption: WITH_TRAFFIC_CONTROL }
      ecsServices: [{ clusterName: main, serviceName: web }]
      autoRollbackConfiguration: { enabled: true, events: [DEPLOYMENT_FAILURE, DEPLOYMENT_STOP_ON_ALARM] }
      alarmConfiguration: { enabled: true, alarms: [{ name: errors }] }
      blueGreenDeploymentConfiguration:
        terminateBlueInstancesOnDeploymentSuccess: { action: TERMINATE, terminationWaitTimeInMinutes: 5 }
        deploymentReadyOption: { actionOnTimeout: CONTINUE_DEPLOYMENT, waitTimeInMinutes: 0 }
      loadBalancerInfo:
        targetGroupPairInfoList:
          - targetGroups: [{ name: blue }, { name: green }]
            prodTrafficRoute: { listenerArns: ["web:80"] }
            testTrafficRoute: { listenerArns: ["web:8080"] }
lambdas:
  - { functionName: smoke-test, answers: [{ hookStatus: SUCCEEDED, after: 30s }] }
  - { functionName: bad-test, answers: [{ hookStatus: FAILED }] }
alarms:
  - { AlarmName: errors, Namespace: Shop, MetricName: Errors, Statistic: Sum, Period: 60, EvaluationPeriods: 1, Threshold: 1, ComparisonOperator: GreaterThanThreshold, StateValue: OK, TreatMissingData: ignore }
"#;

/// A world with a CodeDeploy group, looked at as its users do.
struct Shop(Sandbox);

impl Shop {
    fn new() -> Self {
        Self::of(WORLD)
    }

    fn of(world: &str) -> Self {
        Self(Sandbox::from(
            seed::read(world, 1).unwrap_or_else(|error| panic!("{error}")),
        ))
    }

    fn try_ask(&mut self, op: &str, input: Value) -> Result<Value, String> {
        answer(&mut self.0.world, op, &input).map_err(|error| error.code)
    }

    fn ask(&mut self, op: &str, input: Value) -> Value {
        let asked = input.to_string();
        self.try_ask(op, input)
            .unwrap_or_else(|code| panic!("{op} {asked}: {code}"))
    }

    /// Deploys a revision; the deployment's id.
    fn deploy(&mut self, revision: &str, hooks: Value) -> String {
        let made = self.ask("CreateDeployment", deployment(revision, hooks));
        made["deploymentId"].as_str().unwrap().to_owned()
    }

    fn pass(&mut self, seconds: u64) {
        self.0.advance(self.0.now() + Duration::from_secs(seconds));
    }

    fn info(&mut self, id: &str) -> Value {
        self.ask("GetDeployment", json!({"deploymentId": id}))["deploymentInfo"].clone()
    }

    fn target(&mut self, id: &str) -> Value {
        let input = json!({"deploymentId": id, "targetId": "main:web"});
        self.ask("GetDeploymentTarget", input)["deploymentTarget"]["ecsTarget"].clone()
    }

    /// Lets time pass, second by second, until the event has this status.
    fn until(&mut self, id: &str, event: &str, status: &str) -> Value {
        for _ in 0..4000 {
            self.pass(1);
            let target = self.target(id);
            let mut events = target["lifecycleEvents"].as_array().unwrap().iter();
            if events.any(|e| e["lifecycleEventName"] == event && e["status"] == status) {
                return target;
            }
        }
        panic!("{event} never was {status}: {}", self.info(id));
    }

    /// The weights of a listener's default rule, blue's first.
    fn weights(&self, port: u16) -> Vec<(String, u32)> {
        let elb = &self.0.world.elb;
        let listener = elb.listeners.values().find(|l| l.port == port).unwrap();
        let rule = elb
            .rules
            .values()
            .find(|r| r.listener == listener.arn)
            .unwrap();
        let name = |arn: &str| elb.group(arn).unwrap().name.clone();
        rule.forwards().map(|g| (name(&g.arn), g.weight)).collect()
    }

    fn sets(&mut self) -> Vec<(String, String)> {
        let service = looking::service(&mut self.0.world, "main", "web").unwrap();
        let sets = service["taskSets"].as_array().unwrap().iter();
        let text = |v: &Value| v.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        sets.map(|set| (text(&set["taskDefinition"]), text(&set["status"])))
            .collect()
    }
}

fn deployment(revision: &str, hooks: Value) -> Value {
    let spec = json!({
        "version": 1,
        "Resources": [{"TargetService": {"Type": "AWS::ECS::Service", "Properties": {
            "TaskDefinition": revision,
            "LoadBalancerInfo": {"ContainerName": "app", "ContainerPort": 80},
        }}}],
        "Hooks": hooks,
    });
    json!({
        "applicationName": "shop",
        "deploymentGroupName": "web",
        "revision": {"revisionType": "AppSpecContent", "appSpecContent": {"content": spec.to_string()}},
    })
}

fn weights(blue: u32, green: u32) -> Vec<(String, u32)> {
    vec![("blue".to_owned(), blue), ("green".to_owned(), green)]
}

fn pairs(sets: &[(&str, &str)]) -> Vec<(String, String)> {
    sets.iter()
        .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
        .collect()
}

#[test]
fn a_good_release_takes_the_traffic_over_in_steps() {
    let mut shop = Shop::new();
    let id = shop.deploy("shop:2", json!([{"AfterAllowTestTraffic": "smoke-test"}]));
    assert!(id.starts_with("d-") && id.len() == 11, "{id}");
    shop.until(&id, "AfterAllowTestTraffic", "InProgress");
    assert_eq!(
        (shop.weights(80), shop.weights(8080)),
        (weights(100, 0), weights(0, 100))
    );
    let target = shop.until(&id, "AllowTraffic", "InProgress");
    assert_eq!(shop.weights(80), weights(90, 10));
    let info: Vec<(&Value, &Value, &Value)> = target["taskSetsInfo"]
        .as_array()
        .unwrap()
        .iter()
        .map(|set| {
            (
                &set["taskSetLabel"],
                &set["trafficWeight"],
                &set["targetGroup"]["name"],
            )
        })
        .collect();
    assert_eq!(
        info,
        [
            (&json!("Blue"), &json!(90.0), &json!("blue")),
            (&json!("Green"), &json!(10.0), &json!("green"))
        ]
    );
    shop.until(&id, "AfterAllowTraffic", "Succeeded");
    assert_eq!(
        (shop.weights(80), shop.sets()),
        (
            weights(0, 100),
            pairs(&[("shop:1", "ACTIVE"), ("shop:2", "PRIMARY")])
        )
    );
    assert_eq!(shop.info(&id)["status"], "InProgress");
    shop.pass(420);
    let info = shop.info(&id);
    assert_eq!(
        (&info["status"], &info["deploymentOverview"]["Succeeded"]),
        (&json!("Succeeded"), &json!(1))
    );
    assert_eq!(shop.sets(), pairs(&[("shop:2", "PRIMARY")]));
}

#[test]
fn a_hook_that_fails_sends_everything_back() {
    let mut shop = Shop::new();
    let id = shop.deploy("shop:2", json!([{"AfterAllowTraffic": "bad-test"}]));
    shop.until(&id, "AfterAllowTraffic", "Failed");
    let info = shop.info(&id);
    assert_eq!(
        (&info["status"], &info["errorInformation"]["code"]),
        (&json!("Failed"), &json!("HOOK_EXECUTION_FAILURE"))
    );
    let undo = info["rollbackInfo"]["rollbackDeploymentId"]
        .as_str()
        .unwrap()
        .to_owned();
    shop.pass(120);
    let undo = shop.info(&undo);
    assert_eq!(
        (&undo["status"], &undo["creator"]),
        (&json!("Succeeded"), &json!("codeDeployRollback"))
    );
    assert_eq!(
        undo["rollbackInfo"]["rollbackTriggeringDeploymentId"],
        json!(id)
    );
    assert_eq!(
        (shop.weights(80), shop.weights(8080)),
        (weights(100, 0), weights(100, 0))
    );
    assert_eq!(shop.sets(), pairs(&[("shop:1", "PRIMARY")]));
}

#[test]
fn a_release_that_never_gets_well_fails_after_an_hour() {
    let mut shop = Shop::new();
    let id = shop.deploy("shop:3", json!([]));
    shop.pass(3500);
    assert_eq!(shop.info(&id)["status"], "InProgress");
    shop.pass(200);
    let info = shop.info(&id);
    assert_eq!(
        (&info["status"], &info["errorInformation"]["code"]),
        (&json!("Failed"), &json!("TIMEOUT"))
    );
    shop.pass(120);
    assert_eq!(shop.sets(), pairs(&[("shop:1", "PRIMARY")]));
}

#[test]
fn one_deployment_at_a_time_and_a_stopped_one_makes_room() {
    let mut shop = Shop::new();
    let id = shop.deploy("shop:2", json!([]));
    let second = shop.try_ask("CreateDeployment", deployment("shop:2", json!([])));
    assert_eq!(second, Err("DeploymentLimitExceededException".to_owned()));
    shop.until(&id, "AllowTraffic", "InProgress");
    let stop = json!({"deploymentId": id, "autoRollbackEnabled": true});
    assert_eq!(
        shop.ask("StopDeployment", stop.clone())["status"],
        "Succeeded"
    );
    assert_eq!(shop.info(&id)["status"], "Stopped");
    assert_eq!(
        shop.try_ask("StopDeployment", stop),
        Err("DeploymentAlreadyCompletedException".to_owned())
    );
    shop.pass(60);
    assert_eq!(
        (shop.weights(80), shop.sets()),
        (weights(100, 0), pairs(&[("shop:1", "PRIMARY")]))
    );
    let listed = shop.ask(
        "ListDeployments",
        json!({"applicationName": "shop", "deploymentGroupName": "web"}),
    );
    assert_eq!(
        (
            listed["deployments"].as_array().unwrap().len(),
            &listed["deployments"][1]
        ),
        (2, &json!(id))
    );
    shop.deploy("shop:2", json!([]));
}

#[test]
fn waits_end_when_somebody_says_so() {
    let world = WORLD.replacen(
        "CONTINUE_DEPLOYMENT, waitTimeInMinutes: 0",
        "STOP_DEPLOYMENT, waitTimeInMinutes: 60",
        1,
    );
    let mut shop = Shop::of(&world);
    let id = shop.deploy("shop:2", json!([]));
    shop.until(&id, "AfterAllowTestTraffic", "Succeeded");
    assert_eq!(shop.info(&id)["status"], "Ready");
    let go_on = |wait: &str| json!({"deploymentId": id, "deploymentWaitType": wait});
    let early = shop.try_ask("ContinueDeployment", go_on("TERMINATION_WAIT"));
    assert_eq!(
        early,
        Err("DeploymentIsNotInReadyStateException".to_owned())
    );
    shop.ask("ContinueDeployment", go_on("READY_WAIT"));
    shop.until(&id, "AfterAllowTraffic", "Succeeded");
    shop.ask("ContinueDeployment", go_on("TERMINATION_WAIT"));
    shop.pass(2);
    assert_eq!(shop.info(&id)["status"], "Succeeded");
}

#[test]
fn what_is_not_there_or_makes_no_sense_is_refused() {
    let mut shop = Shop::new();
    let mut check = |op: &str, input: Value, code: &str| {
        assert_eq!(
            shop.try_ask(op, input.clone()),
            Err(code.to_owned()),
            "{op} {input}"
        );
    };
    check(
        "GetDeployment",
        json!({"deploymentId": "d-000000000"}),
        "DeploymentDoesNotExistException",
    );
    check(
        "GetApplication",
        json!({"applicationName": "none"}),
        "ApplicationDoesNotExistException",
    );
    let mut input = deployment("shop:2", json!([]));
    input["deploymentConfigName"] = json!("CodeDeployDefault.None");
    check(
        "CreateDeployment",
        input.clone(),
        "DeploymentConfigDoesNotExistException",
    );
    input["deploymentGroupName"] = json!("none");
    check(
        "CreateDeployment",
        input,
        "DeploymentGroupDoesNotExistException",
    );
    let mut torn = deployment("shop:2", json!([]));
    torn["revision"]["appSpecContent"]["sha256"] = json!("0");
    check("CreateDeployment", torn, "InvalidRevisionException");
    let mut stored = deployment("shop:2", json!([]));
    stored["revision"]["revisionType"] = json!("S3");
    check("CreateDeployment", stored, "SandboxNotModelled");
}

#[test]
fn a_deployment_that_ecs_refuses_fails_with_its_words() {
    let mut shop = Shop::new();
    let id = shop.deploy("shop:9", json!([]));
    shop.pass(5);
    let info = shop.info(&id);
    assert_eq!(
        (&info["status"], &info["errorInformation"]["code"]),
        (&json!("Failed"), &json!("ECS_UPDATE_ERROR"))
    );
    let input = json!({"cluster": "main", "services": ["web"]});
    let service = ecs::answer(&mut shop.0.world, "DescribeServices", &input).unwrap();
    assert_eq!(service["services"][0]["runningCount"], 2);
}

#[test]
fn an_alarm_stops_the_release_and_the_old_one_has_the_traffic_again() {
    let mut shop = Shop::new();
    let id = shop.deploy("shop:2", json!([]));
    shop.until(&id, "AllowTraffic", "InProgress");
    let alarm = r#"{"alarm":{"name":"errors","state":"ALARM"}}"#;
    shop.0.poke(&serde_json::from_str(alarm).unwrap()).unwrap();
    shop.until(&id, "AllowTraffic", "Failed");
    let info = shop.info(&id);
    assert_eq!(
        (&info["status"], &info["errorInformation"]["code"]),
        (&json!("Stopped"), &json!("ALARM_ACTIVE"))
    );
    shop.pass(30);
    assert_eq!(
        (shop.weights(80), shop.sets()[0].1.as_str()),
        (weights(100, 0), "PRIMARY")
    );
}
