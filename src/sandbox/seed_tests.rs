//! World files: what they become, and how one that does not fit is refused.

use serde_json::json;

use crate::sandbox::apps::Pull;
use crate::sandbox::{Duration, Time, World, elb, seed};

const BALANCED: &str = "
targetGroups:
  - Name: web
    Protocol: HTTP
    Port: 3000
    VpcId: vpc-1
    TargetType: ip
    Attributes: [{ Key: deregistration_delay.timeout_seconds, Value: '30' }]
  - { Name: test, Protocol: HTTP, Port: 3000, VpcId: vpc-1, TargetType: ip, TargetGroupArn: 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/test/0123456789abcdef' }
loadBalancers:
  - { Name: web, Subnets: [subnet-1, subnet-2] }
listeners:
  - LoadBalancerArn: web
    Port: 80
    Protocol: HTTP
    DefaultActions: [{ Type: forward, TargetGroupArn: web }]
rules:
  - ListenerArn: web:80
    Priority: 10
    Conditions: [{ Field: host-header, Values: [test.example.com] }]
    Actions: [{ Type: forward, ForwardConfig: { TargetGroups: [{ TargetGroupArn: test, Weight: 1 }] } }]
";

fn read(text: &str) -> World {
    seed::read(text, 1).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn an_empty_file_is_an_empty_world() {
    for text in ["", "{}", "# nothing\n"] {
        let world = read(text);
        assert_eq!(
            (world.account.as_str(), world.region.as_str(), world.now),
            ("123456789012", "eu-west-1", Time::DEFAULT_START)
        );
    }
}

#[test]
fn an_account_with_leading_zeros_stays_itself() {
    assert_eq!(read("account: 012345678901").account, "012345678901");
    assert_eq!(
        read("account: '012345678901'\nstartTime: 2026-02-01T00:00:00Z").now,
        Time::parse("2026-02-01T00:00:00Z").unwrap()
    );
}

#[test]
fn a_region_that_a_shell_would_run_and_a_time_at_the_end_of_the_calendar_are_refused() {
    let check = |text: &str, says: &str| {
        let error = seed::read(text, 1).map(drop).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    };
    check("region: '$(date)'", "region \"$(date)\" is not of");
    check("region: ''", "region \"\" is not of");
    check("startTime: 9999-12-30T00:00:00Z", "not before 2200-01-01");
}

#[test]
fn names_stand_for_arns() {
    let world = read(BALANCED);
    let group = elb::find_group(&world.elb, "web").unwrap();
    assert_eq!(
        world.elb.group(&group).unwrap().deregistration_delay(),
        Duration::from_secs(30)
    );
    assert!(
        elb::find_group(&world.elb, "test")
            .unwrap()
            .ends_with("/0123456789abcdef")
    );
    let listener = elb::find_listener(&world.elb, "web:80").unwrap();
    let default = elb::find_rule(&world.elb, "web:80/default").unwrap();
    let rule = elb::find_rule(&world.elb, "web:80/10").unwrap();
    assert_eq!(world.elb.rules[&rule].listener, listener);
    assert_eq!(
        world.elb.rules[&default]
            .forwards()
            .map(|g| g.arn.as_str())
            .collect::<Vec<_>>(),
        [group.as_str()]
    );
    assert_eq!(elb::find_rule(&world.elb, "web:81/default"), None);
}

#[test]
fn a_seeded_load_balancer_is_active_from_the_start() {
    let mut world = read(BALANCED);
    let found = elb::answer(
        &mut world,
        "DescribeLoadBalancers",
        &json!({"Names": ["web"]}),
    )
    .unwrap();
    assert_eq!(found["LoadBalancers"][0]["State"]["Code"], "active");
}

#[test]
fn arns_depend_on_the_seed_and_the_name_alone() {
    let arn = |text: &str, seed: u64| {
        elb::find_group(&seed::read(text, seed).unwrap().elb, "web").unwrap()
    };
    let more = BALANCED.replace(
        "targetGroups:",
        "targetGroups:\n  - { Name: another, Protocol: HTTP, Port: 1, VpcId: v }",
    );
    assert_eq!(arn(BALANCED, 1), arn(&more, 1));
    assert_ne!(arn(BALANCED, 1), arn(BALANCED, 2));
}

#[test]
fn behaviours_follow_tags_and_digests() {
    let world = read(
        "
repositories:
  - repositoryName: web
    images:
      - { imageTags: [good] }
      - { imageTags: [sick], platforms: [linux/amd64, linux/arm64], behaviour: { healthStatus: 503, readyAfter: 1m30s } }
images:
  - { image: 'nginx:1.27', behaviour: { crashAfter: 4s } }
",
    );
    let image = |tag: &str| format!("{}/web:{tag}", world.registry_host());
    let sick = world.apps.behaviour(&image("sick"));
    assert_eq!(
        (sick.health_status, sick.ready_after),
        (503, Duration::from_secs(90))
    );
    let digest = world.ecr.resolve(&image("sick")).unwrap();
    assert_eq!(
        world
            .apps
            .behaviour(&format!("{}/web@{digest}", world.registry_host())),
        sick
    );
    assert_eq!(world.apps.behaviour(&image("good")).pull, Pull::Ok);
    assert_eq!(world.apps.behaviour(&image("gone")).pull, Pull::NotFound);
    assert_eq!(
        world.apps.behaviour("nginx:1.27").crash_after,
        Some(Duration::from_secs(4))
    );
}

#[test]
fn what_does_not_fit_is_refused_with_its_place() {
    let check = |text: &str, says: &[&str]| {
        let error = seed::read(text, 1).unwrap_err().to_string();
        for word in says {
            assert!(error.contains(word), "{word:?} is not in {error}");
        }
    };
    check("regoin: eu-west-1", &["regoin", "1"]);
    check("account: '12'", &["twelve digits"]);
    check(
        "targetGroups: [{ Name: web }]",
        &["targetGroups[0]", "Protocol"],
    );
    check("targetGroups: [web]", &["targetGroups[0]", "mapping"]);
    check(
        "targetGroups: [{ Name: web, Protocol: HTTP, Port: 80, VpcId: v, Prot: 1 }]",
        &["targetGroups[0]", "member Prot"],
    );
    check(
        "listeners: [{ LoadBalancerArn: web, Port: 80 }]",
        &["listeners[0]", "load balancers not found"],
    );
    check(
        "repositories: [{ repositoryName: a }, { repositoryName: a }]",
        &["repository a is there twice"],
    );
    check(
        "repositories: [{ repositoryName: a, images: [{ imageTags: [x] }, { imageTags: [x] }] }]",
        &["tag x of repository a"],
    );
    check(
        "images: [{ image: nginx, behaviour: { readyAfter: 5 } }]",
        &["duration"],
    );
    check("rules: [{ Attributes: [] }]", &["rules[0]", "Attributes"]);
}
