//! A target from registration to draining: when it turns healthy, unhealthy or unused, and why.

use serde_json::{Value, json};

use crate::sandbox::elb::{Probe, answer};
use crate::sandbox::{Duration, Time, World};

const IP: &str = "10.0.0.1";
const START: Time = Time::DEFAULT_START;

fn seconds(n: u64) -> Time {
    START + Duration::from_secs(n)
}

fn call(world: &mut World, op: &str, input: &Value) -> Value {
    answer(world, op, input).unwrap_or_else(|error| panic!("{op}: {error}"))
}

fn arn(made: &Value, list: &str, member: &str) -> String {
    made[list][0][member].as_str().unwrap().to_owned()
}

/// A group with a 10 s interval, 3 healthy, 2 unhealthy and a delay of 20 s; `in_use` puts it into a rule.
struct Scene {
    world: World,
    group: String,
}

fn scene(in_use: bool) -> Scene {
    let mut world = World::new("123456789012", "eu-west-1", START, 1);
    let group = json!({"Name": "web", "Protocol": "HTTP", "Port": 80, "VpcId": "vpc-1", "TargetType": "ip",
        "HealthCheckIntervalSeconds": 10, "HealthyThresholdCount": 3, "Matcher": {"HttpCode": "200-299,302"}});
    let group = arn(
        &call(&mut world, "CreateTargetGroup", &group),
        "TargetGroups",
        "TargetGroupArn",
    );
    let delay = json!([{"Key": "deregistration_delay.timeout_seconds", "Value": "20"}]);
    call(
        &mut world,
        "ModifyTargetGroupAttributes",
        &json!({"TargetGroupArn": group, "Attributes": delay}),
    );
    let mut scene = Scene { world, group };
    if in_use {
        scene.put_in_use();
    }
    scene
}

impl Scene {
    fn put_in_use(&mut self) {
        let lb = call(
            &mut self.world,
            "CreateLoadBalancer",
            &json!({"Name": "web", "Subnets": ["subnet-1", "subnet-2"]}),
        );
        let lb = arn(&lb, "LoadBalancers", "LoadBalancerArn");
        let forward = json!([{"Type": "forward", "TargetGroupArn": self.group}]);
        let listener = json!({"LoadBalancerArn": lb, "Port": 80, "Protocol": "HTTP", "DefaultActions": forward});
        call(&mut self.world, "CreateListener", &listener);
    }

    fn register(&mut self, at: Time) {
        self.world
            .elb
            .register(at, &self.group, IP, 80, None)
            .unwrap();
    }

    /// Ticks through `from..=to` and returns each change of state with the second at which it came.
    fn run(&mut self, from: u64, to: u64, probe: Probe) -> Vec<(u64, String)> {
        let mut seen = Vec::new();
        let mut last = self.state();
        for second in from..=to {
            self.world.elb.tick(seconds(second), &|_, _| probe);
            let state = self.state();
            if state != last {
                seen.push((second, state.clone()));
                last = state;
            }
        }
        seen
    }

    fn state(&self) -> String {
        match self.world.elb.target(&self.group, IP, 80) {
            None => "gone".to_owned(),
            Some(health) => format!(
                "{} {}",
                health.state.as_str(),
                health.reason.unwrap_or_default()
            )
            .trim()
            .to_owned(),
        }
    }
}

fn states(changes: &[(u64, String)]) -> Vec<&str> {
    changes.iter().map(|(_, state)| state.as_str()).collect()
}

#[test]
fn a_fresh_target_is_healthy_after_one_pass() {
    let mut scene = scene(true);
    scene.register(START);
    assert_eq!(scene.state(), "initial Elb.RegistrationInProgress");
    let changes = scene.run(1, 60, Probe::Answered(204));
    assert_eq!(
        states(&changes),
        ["initial Elb.InitialHealthChecking", "healthy"]
    );
    assert!(
        changes[1].0 <= 14,
        "the first check comes within registration and one interval: {changes:?}"
    );
}

#[test]
fn each_failure_has_its_reason() {
    let check = |probe: Probe, reason: &str, description: &str| {
        let mut scene = scene(true);
        scene.register(START);
        let changes = scene.run(1, 60, probe);
        assert_eq!(
            states(&changes),
            [
                "initial Elb.InitialHealthChecking",
                &format!("unhealthy {reason}")
            ]
        );
        let health = scene.world.elb.target(&scene.group, IP, 80).unwrap();
        assert_eq!(health.description.as_deref(), Some(description));
    };
    check(
        Probe::Answered(503),
        "Target.ResponseCodeMismatch",
        "Health checks failed with these codes: [503]",
    );
    check(Probe::TimedOut, "Target.Timeout", "Request timed out");
    check(
        Probe::Refused,
        "Target.FailedHealthChecks",
        "Health checks failed",
    );
}

#[test]
fn thresholds_count_consecutive_checks() {
    let mut scene = scene(true);
    scene.register(START);
    scene.run(1, 30, Probe::Answered(200));
    let sick = scene.run(31, 60, Probe::Refused);
    assert_eq!(states(&sick), ["unhealthy Target.FailedHealthChecks"]);
    let well = scene.run(61, 120, Probe::Answered(200));
    assert_eq!(states(&well), ["healthy"]);
    let (down, up) = (sick[0].0, well[0].0);
    assert!(
        (41..=50).contains(&down),
        "two failing checks 10 s apart, the first within 31..=40: {down}"
    );
    assert!(
        (81..=90).contains(&up),
        "three passing checks 10 s apart, the first within 61..=70: {up}"
    );
}

#[test]
fn draining_lasts_the_whole_delay_and_then_the_target_is_gone() {
    let mut scene = scene(true);
    scene.register(START);
    scene.run(1, 30, Probe::Answered(200));
    scene
        .world
        .elb
        .deregister(seconds(30), &scene.group, IP, 80)
        .unwrap();
    assert_eq!(scene.state(), "draining Target.DeregistrationInProgress");
    let again = scene
        .world
        .elb
        .register(seconds(31), &scene.group, IP, 80, None)
        .unwrap_err();
    assert_eq!(again.code, "InvalidTargetException");
    assert_eq!(
        scene.run(31, 60, Probe::Answered(200)),
        [(50, "gone".to_owned())]
    );
    scene
        .world
        .elb
        .deregister(seconds(61), &scene.group, IP, 80)
        .expect("an unknown target is no error");
}

#[test]
fn a_group_in_no_rule_is_not_checked() {
    let mut scene = scene(false);
    scene.register(START);
    assert_eq!(scene.state(), "unused Target.NotInUse");
    assert!(scene.run(1, 60, Probe::Answered(200)).is_empty());
    scene.put_in_use();
    let changes = scene.run(61, 120, Probe::Answered(200));
    assert_eq!(
        states(&changes),
        [
            "initial Elb.RegistrationInProgress",
            "initial Elb.InitialHealthChecking",
            "healthy"
        ]
    );
}

#[test]
fn an_unused_target_is_gone_at_once() {
    let mut scene = scene(false);
    scene.register(START);
    scene
        .world
        .elb
        .deregister(START, &scene.group, IP, 80)
        .unwrap();
    assert_eq!(scene.state(), "gone");
}

#[test]
fn a_steady_target_stays_healthy() {
    let mut scene = scene(true);
    scene
        .world
        .elb
        .register_steady(START, &scene.group, IP, 80, None)
        .unwrap();
    assert_eq!(scene.state(), "healthy");
    assert!(scene.run(1, 60, Probe::Answered(200)).is_empty());
}

#[test]
fn registering_into_a_group_that_is_not_there_fails() {
    let mut scene = scene(false);
    let error = scene
        .world
        .elb
        .register(START, "arn:nothing", IP, 80, None)
        .unwrap_err();
    assert_eq!(error.code, "TargetGroupNotFoundException");
}
