//! Traffic through the sandbox's door: a blue and a green service behind one listener.

use serde_json::json;

use crate::sandbox::tests::elb;
use crate::sandbox::traffic::{Counts, Failure, Place};
use crate::sandbox::{Duration, Sandbox, Time, elb as elb_room};

/// `web:80` sends 90 to blue, which is well, and 10 to green, every fifth of whose answers is an error.
pub const WORLD: &str = "
subnets: { subnet-1: { AvailabilityZone: eu-west-1a, VpcId: vpc-1 } }
loadBalancers:
  - { Name: web, Subnets: [subnet-1, subnet-2] }
targetGroups:
  - &group
    Name: blue
    Protocol: HTTP
    Port: 3000
    VpcId: vpc-1
    TargetType: ip
    HealthCheckIntervalSeconds: 10
    UnhealthyThresholdCount: 2
    Attributes: [{ Key: deregistration_delay.timeout_seconds, Value: '30' }]
  - { <<: *group, Name: green }
listeners:
  - LoadBalancerArn: web
    Port: 80
    Protocol: HTTP
    DefaultActions:
      - Type: forward
        ForwardConfig: { TargetGroups: [{ TargetGroupArn: blue, Weight: 90 }, { TargetGroupArn: green, Weight: 10 }] }
images:
  - { image: 'app:1', behaviour: { latency: 100ms } }
  - { image: 'app:2', behaviour: { errorRate: 0.2, latency: 200ms } }
clusters: [{ clusterName: main }]
taskDefinitions:
  - &blue
    family: blue
    networkMode: awsvpc
    requiresCompatibilities: [FARGATE]
    cpu: '256'
    memory: '512'
    containerDefinitions: [{ name: app, image: 'app:1', essential: true, portMappings: [{ containerPort: 3000 }] }]
  - <<: *blue
    family: green
    containerDefinitions: [{ name: app, image: 'app:2', essential: true, portMappings: [{ containerPort: 3000 }] }]
services:
  - &service
    cluster: main
    serviceName: blue
    taskDefinition: blue
    desiredCount: 3
    launchType: FARGATE
    networkConfiguration: { awsvpcConfiguration: { subnets: [subnet-1], securityGroups: [sg-1] } }
    loadBalancers: [{ targetGroupArn: blue, containerName: app, containerPort: 3000 }]
  - <<: *service
    serviceName: green
    taskDefinition: green
    desiredCount: 1
    loadBalancers: [{ targetGroupArn: green, containerName: app, containerPort: 3000 }]
traffic:
  - { listener: 'web:80', requestsPerSecond: 50 }
";

pub fn sandbox(world: &str) -> Sandbox {
    Sandbox::new(world, 1).unwrap_or_else(|error| panic!("{error}"))
}

pub fn run(sandbox: &mut Sandbox, seconds: u64) {
    let now = sandbox.now();
    sandbox.advance(now + Duration::from_secs(seconds));
}

/// The ARN of a group.
pub fn group(sandbox: &Sandbox, name: &str) -> String {
    elb_room::find_group(&sandbox.world.elb, name).unwrap()
}

/// What the groups counted in the last minutes, added up; groups by name.
fn counted(sandbox: &mut Sandbox, name: Option<&str>) -> Counts {
    let arn = name.map(|name| group(sandbox, name));
    let (ledger, _) = sandbox.world.traffic.clone().take_minute();
    let here = |place: &Place| place.group == arn;
    ledger.into_iter().filter(|(place, _)| here(place)).fold(
        Counts::default(),
        |mut all, (_, counts)| {
            all.add(&counts);
            all
        },
    )
}

fn lost(sandbox: &Sandbox, why: Failure) -> u64 {
    sandbox
        .world
        .traffic
        .seen()
        .failed
        .get(&why)
        .copied()
        .unwrap_or(0)
}

fn call(sandbox: &mut Sandbox, operation: &str) {
    let (status, xml) = elb(sandbox, operation);
    assert_eq!(status, 200, "{xml}");
}

#[test]
fn requests_follow_the_weights_and_errors_come_from_the_bad_group() {
    let mut sandbox = sandbox(WORLD);
    run(&mut sandbox, 59);
    let (blue, green) = (
        counted(&mut sandbox, Some("blue")),
        counted(&mut sandbox, Some("green")),
    );
    assert_eq!((blue.requests, green.requests), (2655, 295));
    assert_eq!((blue.target_2xx, blue.target_5xx), (2655, 0));
    assert_eq!((green.target_2xx, green.target_5xx), (236, 59));
    let seen = sandbox.world.traffic.seen();
    assert_eq!(
        (seen.served, seen.lost(), lost(&sandbox, Failure::Target5xx)),
        (2891, 59, 59)
    );
}

#[test]
fn the_census_tells_the_last_second_and_what_clients_saw() {
    let mut sandbox = sandbox(WORLD);
    run(&mut sandbox, 60);
    let census = sandbox.census();
    let told = json!([
        {"targetGroup": "blue", "text": "45 requests"},
        {"targetGroup": "green", "text": "5 requests, 1 of them 5xx"},
    ]);
    assert_eq!(census["traffic"], told);
    assert_eq!(
        census["clients"],
        json!({"served": 2940, "failed": {"target 5xx": 60}})
    );
    assert_eq!(census["alarms"], json!([]));
}

#[test]
fn answer_times_spread_around_the_mean_that_the_image_has() {
    let mut sandbox = sandbox(WORLD);
    run(&mut sandbox, 59);
    let blue = counted(&mut sandbox, Some("blue"));
    let sum: u64 = blue
        .latencies
        .iter()
        .map(|(time, count)| time.millis() * count)
        .sum();
    let mean = sum as f64 / blue.requests as f64;
    assert!((mean - 100.0).abs() < 1.0, "{mean}");
    assert_eq!(
        blue.latencies.keys().next_back(),
        Some(&Duration::from_millis(550))
    );
}

#[test]
fn a_group_that_is_emptied_too_early_loses_its_share_of_requests() {
    let mut sandbox = sandbox(WORLD);
    run(&mut sandbox, 10);
    assert_eq!(lost(&sandbox, Failure::NoTarget), 0);
    let green = group(&sandbox, "green");
    let target = sandbox
        .world
        .elb
        .group(&green)
        .unwrap()
        .targets
        .keys()
        .next()
        .unwrap()
        .0
        .clone();
    call(
        &mut sandbox,
        &format!("DeregisterTargets&TargetGroupArn={green}&Targets.member.1.Id={target}"),
    );
    run(&mut sandbox, 20);
    assert_eq!(
        lost(&sandbox, Failure::NoTarget),
        100,
        "a tenth of 50 a second for 20 s"
    );
    assert_eq!(counted(&mut sandbox, None).elb_503, 100);
}

#[test]
fn a_rollout_that_takes_capacity_away_first_loses_requests_and_a_careful_one_does_not() {
    let lost_with = |minimum: u64, maximum: u64| {
        let mut sandbox = sandbox(WORLD);
        let percents = json!({"minimumHealthyPercent": minimum, "maximumPercent": maximum});
        let input = json!({"cluster": "main", "service": "blue", "forceNewDeployment": true, "deploymentConfiguration": percents});
        crate::sandbox::ecs::answer(&mut sandbox.world, "UpdateService", &input).unwrap();
        run(&mut sandbox, 600);
        let seen = sandbox.world.traffic.seen();
        seen.lost() - lost(&sandbox, Failure::Target5xx)
    };
    assert_eq!(lost_with(100, 200), 0);
    assert!(lost_with(0, 100) > 500);
}

#[test]
fn a_target_whose_task_is_gone_costs_502s_until_it_is_taken_out() {
    let mut sandbox = sandbox(&WORLD.replace("requestsPerSecond: 50", "requestsPerSecond: 30"));
    let blue = group(&sandbox, "blue");
    call(
        &mut sandbox,
        &format!("RegisterTargets&TargetGroupArn={blue}&Targets.member.1.Id=10.9.9.9"),
    );
    run(&mut sandbox, 60);
    assert_eq!(
        sandbox
            .world
            .traffic
            .seen()
            .failed
            .get(&Failure::BadGateway),
        None,
        "it never passed a check"
    );
    let world = &mut sandbox.world;
    world
        .elb
        .register_steady(world.now, &blue, "10.9.9.8", 3000, None)
        .unwrap();
    run(&mut sandbox, 60);
    let refused = lost(&sandbox, Failure::BadGateway);
    assert!(
        (30..=200).contains(&refused),
        "a fourth of 27 a second until two checks failed, not {refused}"
    );
    run(&mut sandbox, 60);
    assert_eq!(lost(&sandbox, Failure::BadGateway), refused);
}

#[test]
fn if_no_target_is_healthy_all_of_them_get_requests() {
    let sick = WORLD.replace("errorRate: 0.2", "healthStatus: 503");
    let mut sandbox = sandbox(&sick);
    let green = group(&sandbox, "green");
    let is_healthy = |sandbox: &Sandbox| {
        sandbox
            .world
            .elb
            .group(&green)
            .unwrap()
            .targets
            .values()
            .any(|target| target.health.healthy_since().is_some())
    };
    for _ in 0..30 {
        run(&mut sandbox, 1);
    }
    assert!(!is_healthy(&sandbox));
    let seen = sandbox.world.traffic.seen();
    assert_eq!(
        seen.served + lost(&sandbox, Failure::NoTarget) + lost(&sandbox, Failure::BadGateway),
        1500,
        "{seen:?}"
    );
    assert!(counted(&mut sandbox, Some("green")).target_2xx > 100);
}

#[test]
fn a_hanging_target_costs_504s() {
    let mut sandbox = sandbox(&WORLD.replace("errorRate: 0.2", "hangAfter: 1s"));
    run(&mut sandbox, 5);
    assert_eq!(lost(&sandbox, Failure::Timeout), 25);
}

#[test]
fn the_rule_with_the_lowest_priority_that_fits_takes_the_request() {
    let rules = "
rules:
  - { ListenerArn: 'web:80', Priority: 20, Conditions: [{ Field: path-pattern, Values: ['/api/*'] }], Actions: [{ Type: forward, TargetGroupArn: blue }] }
  - { ListenerArn: 'web:80', Priority: 10, Conditions: [{ Field: host-header, Values: ['*.test'] }, { Field: http-header, HttpHeaderConfig: { HttpHeaderName: x-try, Values: ['yes'] } }], Actions: [{ Type: forward, TargetGroupArn: green }] }
  - { ListenerArn: 'web:80', Priority: 30, Conditions: [{ Field: query-string, QueryStringConfig: { Values: [{ Key: v, Value: '1' }] } }], Actions: [{ Type: fixed-response, FixedResponseConfig: { StatusCode: '503' } }] }
";
    let check = |source: &str, blue: u64, green: u64, fixed: u64| {
        let (world, _) = WORLD.split_once("traffic:").unwrap();
        let mut sandbox = sandbox(&format!(
            "{world}{rules}traffic: [{{ listener: web, requestsPerSecond: 10, {source} }}]"
        ));
        run(&mut sandbox, 10);
        let requests = |sandbox: &mut Sandbox, name| counted(sandbox, Some(name)).requests;
        let found = (
            requests(&mut sandbox, "blue"),
            requests(&mut sandbox, "green"),
            lost(&sandbox, Failure::FixedResponse),
        );
        assert_eq!(found, (blue, green, fixed), "{source}");
    };
    check("path: /", 90, 10, 0);
    check("path: /api/a", 100, 0, 0);
    check("path: /api/a, host: a.test", 100, 0, 0);
    check(
        "path: /api/a, host: A.TEST, headers: { X-Try: 'Yes' }",
        0,
        100,
        0,
    );
    check("path: '/x?v=1&w=2'", 0, 0, 100);
}

#[test]
fn a_fraction_of_a_request_adds_up() {
    let mut sandbox = sandbox(&WORLD.replace("requestsPerSecond: 50", "requestsPerSecond: 0.25"));
    run(&mut sandbox, 400);
    let seen = sandbox.world.traffic.seen();
    assert_eq!(seen.served + seen.lost(), 100);
}

#[test]
fn nothing_listens_where_the_listener_is_gone() {
    let mut sandbox = sandbox(WORLD);
    let listener = elb_room::find_listener(&sandbox.world.elb, "web:80").unwrap();
    call(
        &mut sandbox,
        &format!("DeleteListener&ListenerArn={listener}"),
    );
    run(&mut sandbox, 2);
    assert_eq!(lost(&sandbox, Failure::NoListener), 100);
}

#[test]
fn a_target_that_starts_slowly_gets_few_requests_at_first() {
    let slow = WORLD.replace(
        "Value: '30' }]",
        "Value: '30' }, { Key: slow_start.duration_seconds, Value: '100' }]",
    );
    let mut sandbox = sandbox(&slow);
    run(&mut sandbox, 1);
    let blue = group(&sandbox, "blue");
    let new = sandbox
        .world
        .elb
        .group(&blue)
        .unwrap()
        .targets
        .keys()
        .next()
        .unwrap()
        .clone();
    // One of the three goes and comes back as a newcomer.
    sandbox
        .world
        .elb
        .existing_group(&blue)
        .unwrap()
        .targets
        .remove(&new);
    sandbox
        .world
        .elb
        .register_steady(
            Time::DEFAULT_START + Duration::from_secs(2),
            &blue,
            &new.0,
            new.1,
            None,
        )
        .unwrap();
    let zone_of_new = |sandbox: &Sandbox| {
        let ledger = &sandbox.world.traffic.second;
        ledger
            .iter()
            .filter(|(place, _)| place.group.as_ref() == Some(&blue) && place.zone.is_none())
            .map(|(_, counts)| counts.requests)
            .sum::<u64>()
    };
    run(&mut sandbox, 12);
    let early = zone_of_new(&sandbox);
    run(&mut sandbox, 100);
    let late = zone_of_new(&sandbox);
    assert!(early <= 4 && late == 15, "{early} of 45, then {late}");
}

#[test]
fn a_source_that_leads_nowhere_is_refused() {
    let check = |entry: &str, says: &str| {
        let (world, _) = WORLD.split_once("traffic:").unwrap();
        let error = Sandbox::new(&format!("{world}traffic: [{{ {entry} }}]"), 1)
            .unwrap_err()
            .to_string();
        assert!(error.contains(says), "{error}");
    };
    check(
        "listener: 'web:81', requestsPerSecond: 1",
        "no listener web:81",
    );
    check(
        "listener: 'web:80', requestsPerSecond: -1",
        "requestsPerSecond",
    );
    check("listener: 'web:80', requestsPerSecond: 1, path: x", "slash");
    check("listener: 'web:80'", "requestsPerSecond");
}
