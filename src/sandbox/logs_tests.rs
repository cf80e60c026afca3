//! The log of a container that crashed, read as people read it.

use serde_json::{Value, json};

use crate::sandbox::logs::answer;
use crate::sandbox::{Duration, Sandbox, seed};

const WORLD: &str = "
images:
  - { image: 'app:1', behaviour: { crashAfter: 20s, logs: [starting, 'panic: no database', bye] } }
clusters: [{ clusterName: main }]
taskDefinitions:
  - family: job
    networkMode: awsvpc
    requiresCompatibilities: [FARGATE]
    cpu: '256'
    memory: '512'
    executionRoleArn: arn:aws:iam::123456789012:role/job
    containerDefinitions:
      - name: app
        image: app:1
        logConfiguration:
          logDriver: awslogs
          options: { awslogs-group: /ecs/job, awslogs-region: eu-west-1, awslogs-stream-prefix: ecs }
logGroups: [{ logGroupName: /other }]
";

/// A sandbox whose one task has run, crashed and stopped, and the name of its log stream.
fn after_a_crash() -> (Sandbox, String) {
    let mut sandbox = Sandbox::from(seed::read(WORLD, 1).unwrap());
    let input = json!({
        "cluster": "main",
        "taskDefinition": "job",
        "launchType": "FARGATE",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}},
    });
    let run = crate::sandbox::ecs::answer(&mut sandbox.world, "RunTask", &input).unwrap();
    let arn = run["tasks"][0]["taskArn"].as_str().unwrap();
    let stream = format!("ecs/app/{}", arn.rsplit('/').next().unwrap());
    sandbox.advance(sandbox.now() + Duration::from_secs(120));
    (sandbox, stream)
}

fn ask(sandbox: &mut Sandbox, op: &str, input: Value) -> Result<Value, String> {
    answer(&mut sandbox.world, op, &input).map_err(|error| error.code)
}

fn messages(answer: &Value) -> Vec<&str> {
    let events = answer["events"].as_array().unwrap();
    events
        .iter()
        .map(|e| e["message"].as_str().unwrap())
        .collect()
}

#[test]
fn a_stopped_container_left_its_last_words() {
    let (mut sandbox, stream) = after_a_crash();
    let at = |name: &str| json!({"logGroupName": "/ecs/job", "logStreamName": name, "startFromHead": true});
    let read = ask(&mut sandbox, "GetLogEvents", at(&stream)).unwrap();
    assert_eq!(messages(&read), ["starting", "panic: no database", "bye"]);
    let gone = ask(&mut sandbox, "GetLogEvents", at("ecs/app/0"));
    assert_eq!(gone, Err("ResourceNotFoundException".to_owned()));
    let streams = ask(
        &mut sandbox,
        "DescribeLogStreams",
        json!({"logGroupName": "/ecs/job"}),
    )
    .unwrap();
    assert_eq!(streams["logStreams"][0]["logStreamName"], stream);
}

#[test]
fn the_newest_page_comes_first_and_tokens_end_where_they_repeat() {
    let (mut sandbox, stream) = after_a_crash();
    let at = |token: Option<&str>| json!({"logGroupName": "/ecs/job", "logStreamName": stream, "limit": 2, "nextToken": token});
    let newest = ask(&mut sandbox, "GetLogEvents", at(None)).unwrap();
    assert_eq!(messages(&newest), ["panic: no database", "bye"]);
    let older = ask(
        &mut sandbox,
        "GetLogEvents",
        at(newest["nextBackwardToken"].as_str()),
    )
    .unwrap();
    assert_eq!(messages(&older), ["starting"]);
    let end = newest["nextForwardToken"].as_str();
    let after = ask(&mut sandbox, "GetLogEvents", at(end)).unwrap();
    assert_eq!(
        (messages(&after).len(), after["nextForwardToken"].as_str()),
        (0, end)
    );
}

#[test]
fn events_are_filtered_by_plain_words() {
    let (mut sandbox, _) = after_a_crash();
    let with = |pattern: &str| json!({"logGroupName": "/ecs/job", "filterPattern": pattern});
    let found = ask(&mut sandbox, "FilterLogEvents", with("panic database")).unwrap();
    assert_eq!(messages(&found), ["panic: no database"]);
    let refused = ask(&mut sandbox, "FilterLogEvents", with("{ $.level = 50 }"));
    assert_eq!(refused, Err("SandboxNotModelled".to_owned()));
}

#[test]
fn groups_are_those_that_were_made_and_those_that_tasks_write_to() {
    let (mut sandbox, _) = after_a_crash();
    let all = ask(&mut sandbox, "DescribeLogGroups", json!({})).unwrap();
    let names: Vec<&Value> = all["logGroups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|g| &g["logGroupName"])
        .collect();
    assert_eq!(names, ["/ecs/job", "/other"]);
    let again = ask(
        &mut sandbox,
        "CreateLogGroup",
        json!({"logGroupName": "/other"}),
    );
    assert_eq!(again, Err("ResourceAlreadyExistsException".to_owned()));
    let nothing = ask(
        &mut sandbox,
        "FilterLogEvents",
        json!({"logGroupName": "/none"}),
    );
    assert_eq!(nothing, Err("ResourceNotFoundException".to_owned()));
}
