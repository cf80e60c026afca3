//! The sandbox under clients and models that others wrote: the AWS CLI, boto3 with botocore's service models, and the
//! deployment tool ecs-deploy, all against the real program's port; and beside moto, which is asked the same.
//!
//! They are installed from `tests/third_party/requirements.txt` into `target/third-party`, which `.ci/run` does. Where
//! they are missing each test says that it was skipped; with `ECSDEPLOY_THIRD_PARTY=required` that is a failure.
//! **Invariant:** nothing here reaches AWS: every client gets the sandbox's endpoint and an environment of its own.

#[path = "third_party/served.rs"]
mod served;

use std::path::Path;

use serde_json::{Value, json};

use served::{Served, Tool, examples, python};

const TARGET_GROUP: &str = "TargetGroups[0].TargetGroupArn";
const FAMILY: &str = "arn:aws:ecs:eu-central-1:123456789012:task-definition/web";
/// A second is ten virtual minutes: one sleep of the CLI's waiters (15 s) outlasts any deployment.
const FAST: u32 = 600;
/// For clients that look each second: slow enough to be seen at work.
const WATCHED: u32 = 30;

#[test]
fn botocores_models_find_no_fault_with_any_answer() {
    let Some(python) = python() else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/third_party");
    // A judge that finds nothing must be shown to be awake.
    Tool::new(&python).arg(folder.join("planted.py")).succeeds();
    let report = Tool::new(&python)
        .arg(folder.join("conform.py"))
        .arg(assert_cmd::cargo::cargo_bin!("ecsdeploy"))
        .arg(examples())
        .succeeds();
    let report: Value = serde_json::from_str(&report).expect("the report is JSON");
    assert_eq!(report["findings"], json!([]));
    assert_eq!(report["never succeeded"], json!([]));
    assert!(report["answers"].as_u64() > Some(1000), "{report:#}");
}

#[test]
fn another_stand_in_answers_alike() {
    let Some(python) = python() else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/third_party");
    let report = Tool::new(&python)
        .arg(folder.join("second_opinion.py"))
        .arg(assert_cmd::cargo::cargo_bin!("ecsdeploy"))
        .succeeds();
    assert!(report.contains("\"new\": {}"), "{report}");
}

#[test]
fn the_aws_cli_rolls_a_service_out_and_waits_until_it_is_stable() {
    let Some(python) = python() else { return };
    let served = Served::example("fargate-web", FAST);
    let aws = |words: &str| served.aws(&python, words);
    let service = "--cluster main --services web";

    assert_eq!(aws("sts get-caller-identity")["Account"], "123456789012");
    let image = aws("ecr describe-images --repository-name web --image-ids imageTag=1.1.0");
    assert_eq!(image["imageDetails"][0]["imageTags"], json!(["1.1.0"]));

    let revision = served.register(&python, "1.1.0");
    let updated = aws(&format!(
        "ecs update-service --cluster main --service web --task-definition {revision}"
    ));
    assert_eq!(
        updated["service"]["deployments"].as_array().map(Vec::len),
        Some(2)
    );
    aws(&format!("ecs wait services-stable {service}"));
    let after = aws(&format!("ecs describe-services {service}"));
    assert_eq!(after["services"][0]["taskDefinition"], revision);
    assert_eq!(
        after["services"][0]["deployments"][0]["rolloutState"],
        "COMPLETED"
    );

    let group = aws(&format!(
        "elbv2 describe-target-groups --names web --query {TARGET_GROUP}"
    ));
    let group = group.as_str().expect("an ARN");
    aws(&format!(
        "elbv2 wait target-in-service --target-group-arn {group}"
    ));
    let tasks = aws("ecs list-tasks --cluster main --service-name web --query taskArns");
    let tasks: Vec<&str> = tasks
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    aws(&format!(
        "ecs wait tasks-running --cluster main --tasks {}",
        tasks.join(" ")
    ));
    let deployments = aws("ecs list-service-deployments --cluster main --service web");
    assert_eq!(deployments["serviceDeployments"][0]["status"], "SUCCESSFUL");
}

/// The waiter's own blindness, as with AWS: it says that a service is stable that went back.
#[test]
fn the_aws_cli_calls_a_service_stable_that_was_rolled_back() {
    let Some(python) = python() else { return };
    let served = Served::example("fargate-web", FAST);
    let aws = |words: &str| served.aws(&python, words);
    let revision = served.register(&python, "1.2.0");
    aws(&format!(
        "ecs update-service --cluster main --service web --task-definition {revision}"
    ));
    aws("ecs wait services-stable --cluster main --services web");
    let deployments = aws("ecs list-service-deployments --cluster main --service web");
    assert_eq!(
        deployments["serviceDeployments"][0]["status"],
        "ROLLBACK_SUCCESSFUL"
    );
}

#[test]
fn the_aws_cli_reads_routes_logs_alarms_and_scaling() {
    let Some(python) = python() else { return };
    let served = Served::example("fargate-web", FAST);
    let aws = |words: &str| served.aws(&python, words);
    let balancer =
        aws("elbv2 describe-load-balancers --names main --query LoadBalancers[0].LoadBalancerArn");
    let listener = aws(&format!(
        "elbv2 describe-listeners --load-balancer-arn {} --query Listeners[0].ListenerArn",
        balancer.as_str().expect("an ARN")
    ));
    let rules = aws(&format!(
        "elbv2 describe-rules --listener-arn {}",
        listener.as_str().expect("an ARN")
    ));
    assert_eq!(rules["Rules"][0]["IsDefault"], true);

    let streams = aws(
        "logs describe-log-streams --log-group-name /ecs/web --query logStreams[].logStreamName",
    );
    assert!(
        streams.as_array().is_some_and(|streams| streams.len() >= 2),
        "{streams}"
    );

    aws(
        "cloudwatch put-metric-alarm --alarm-name busy --namespace AWS/ApplicationELB --metric-name RequestCount \
         --statistic Sum --period 60 --evaluation-periods 1 --threshold 1 --comparison-operator GreaterThanThreshold",
    );
    let alarms =
        aws("cloudwatch describe-alarms --alarm-names busy --query MetricAlarms[].AlarmName");
    assert_eq!(alarms, json!(["busy"]));
    aws("cloudwatch wait alarm-exists --alarm-names busy");

    let scope = "--service-namespace ecs --resource-id service/main/web --scalable-dimension ecs:service:DesiredCount";
    aws(&format!(
        "application-autoscaling register-scalable-target {scope} --min-capacity 2 --max-capacity 4"
    ));
    let targets = aws("application-autoscaling describe-scalable-targets --service-namespace ecs");
    assert_eq!(targets["ScalableTargets"][0]["MaxCapacity"], 4);
}

#[test]
fn the_aws_cli_is_told_that_a_lock_is_taken() {
    let Some(python) = python() else { return };
    let served = Served::example("fargate-web", FAST);
    let take = "ssm put-parameter --name /ecsdeploy/web --value run-1 --type String --no-overwrite";
    served.aws(&python, take);
    let refused = served.cli(&python, take).fails();
    assert!(refused.contains("ParameterAlreadyExists"), "{refused}");
    let unknown = served
        .cli(
            &python,
            "ecs list-attributes --target-type container-instance",
        )
        .fails();
    assert!(
        unknown.contains("the sandbox does not model ecs:ListAttributes"),
        "{unknown}"
    );
}

/// `aws ecs deploy` registers the task definition, starts a CodeDeploy deployment and waits for it.
#[test]
fn the_aws_cli_deploys_by_code_deploy() {
    let Some(python) = python() else { return };
    let world = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/third_party/code_deploy.yml");
    let served = Served::world(&world, FAST);
    let definition = served.file(
        "wanted.json",
        &json!({
            "family": "shop", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
            "cpu": "256", "memory": "512",
            "containerDefinitions": [{"name": "app", "image": "shop:2", "portMappings": [{"containerPort": 80}]}],
        }),
    );
    let properties = json!({
        "TaskDefinition": "", "LoadBalancerInfo": {"ContainerName": "app", "ContainerPort": 80},
    });
    let spec = json!({
        "version": 0.0,
        "Resources": [{"TargetService": {"Type": "AWS::ECS::Service", "Properties": properties}}],
    });
    let spec = served.file("appspec.json", &spec);
    let deploy = "ecs deploy --cluster main --service shop";
    let said = served
        .cli(
            &python,
            &format!("{deploy} --task-definition {definition} --codedeploy-appspec {spec}"),
        )
        .succeeds();
    assert!(said.contains("Successfully deployed"), "{said}");
    let sets = served.aws(
        &python,
        "ecs describe-services --cluster main --services shop --query services[0].taskSets[?status=='PRIMARY'].taskDefinition",
    );
    let revision = "arn:aws:ecs:eu-central-1:123456789012:task-definition/shop:2";
    assert_eq!(sets, json!([revision]));
}

#[test]
fn ecs_deploy_rolls_out_a_good_release_and_gives_up_on_a_bad_one() {
    let Some(python) = python() else { return };
    let served = Served::example("fargate-web", WATCHED);
    let deploy = |tag: &str, timeout: &str| {
        served.tool(&python.with_file_name("ecs")).args([
            "deploy",
            "main",
            "web",
            "--sleep-time",
            "1",
            "--timeout",
            timeout,
            "-t",
            tag,
        ])
    };
    let said = deploy("1.1.0", "120").succeeds();
    assert!(said.contains("Deployment successful"), "{said}");
    let running = served.aws(
        &python,
        "ecs describe-services --cluster main --services web",
    );
    assert_eq!(
        running["services"][0]["taskDefinition"],
        json!(format!("{FAMILY}:2"))
    );

    // Like the CLI's waiter it takes a rollback for a success; without the circuit breaker it sees the failure.
    served.aws(
        &python,
        "ecs update-service --cluster main --service web --deployment-configuration \
         deploymentCircuitBreaker={enable=false,rollback=false}",
    );
    let said = deploy("1.2.0", "20").fails();
    assert!(said.contains("Deployment failed due to timeout"), "{said}");
}
