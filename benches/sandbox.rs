//! Prints how fast the sandbox's time passes and how much memory a large world takes: `cargo bench --bench sandbox`.

use std::fmt::Write as _;
use std::time::Instant;

use bytes::Bytes;
use ecsdeploy::sandbox::{Duration, Sandbox};
use serde_json::{Value, json};

const EXAMPLE: &str = include_str!("../examples/fargate-web/sandbox.yml");
const SERVICES: usize = 200;
const TASKS: usize = 50;
/// An application load balancer takes 100 rules.
const SERVICES_PER_BALANCER: usize = 50;

fn main() {
    let mut example = Sandbox::new(EXAMPLE, 1).expect("the example is a world");
    pass("the example, steady", &mut example, 24.0);

    let empty = resident();
    let began = Instant::now();
    let mut large = Sandbox::new(&world(), 1).expect("it is a world");
    let tasks = SERVICES * TASKS;
    println!(
        "{SERVICES} services × {TASKS} tasks, seeded: {:.2} s",
        began.elapsed().as_secs_f64()
    );
    told("steady", empty, tasks);
    pass("steady", &mut large, 1.0);

    for number in 0..SERVICES {
        let input =
            json!({"cluster": "main", "service": format!("s{number}"), "forceNewDeployment": true});
        ask(&mut large, "UpdateService", &input);
    }
    let (began, from) = (Instant::now(), large.now());
    while running(&mut large) {
        large.advance(large.now() + Duration::from_secs(10));
    }
    println!(
        "all of them deployed at once: {} virtual s in {:.2} s",
        large.now().since(from).millis() / 1000,
        began.elapsed().as_secs_f64()
    );
    told("after it", empty, tasks);
}

/// Lets time pass, and prints how much of it in a real second.
fn pass(what: &str, sandbox: &mut Sandbox, hours: f64) {
    let began = Instant::now();
    sandbox.advance(sandbox.now() + Duration::from_secs((hours * 3600.0) as u64));
    let took = began.elapsed().as_secs_f64();
    println!("{what}: {:.2} virtual hours in a second", hours / took);
}

fn told(when: &str, empty: Option<u64>, tasks: usize) {
    if let (Some(now), Some(empty)) = (resident(), empty) {
        let grown = now.saturating_sub(empty);
        println!(
            "memory, {when}: {} MiB, {:.1} KiB a task",
            grown / 1024,
            grown as f64 / tasks as f64
        );
    }
}

/// KiB of this process, where the system tells it.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn ask(sandbox: &mut Sandbox, operation: &str, input: &Value) -> Value {
    let request = http::Request::builder()
        .method("POST")
        .uri("/")
        .header("content-type", "application/x-amz-json-1.1")
        .header(
            "x-amz-target",
            format!("AmazonEC2ContainerServiceV20141113.{operation}"),
        )
        .body(Bytes::from(input.to_string()))
        .expect("a request can be made");
    let answer = sandbox.answer(&request);
    assert!(answer.status().is_success(), "{:?}", answer.body());
    serde_json::from_slice(answer.body()).expect("the answer is JSON")
}

/// Whether any service still has more than one deployment.
fn running(sandbox: &mut Sandbox) -> bool {
    let names: Vec<String> = (0..SERVICES).map(|number| format!("s{number}")).collect();
    names.chunks(10).any(|some| {
        let answer = ask(
            sandbox,
            "DescribeServices",
            &json!({"cluster": "main", "services": some}),
        );
        let mut services = answer["services"].as_array().into_iter().flatten();
        services.any(|service| service["deployments"].as_array().map(Vec::len) != Some(1))
    })
}

/// Services behind load balancers, with traffic on each of these.
fn world() -> String {
    let mut text =
        "clusters: [{clusterName: main}]\ntaskDefinitions:\n  - {family: s, networkMode: awsvpc, \
        requiresCompatibilities: [FARGATE], cpu: '256', memory: '512', containerDefinitions: \
        [{name: s, image: 'nginx:1', essential: true, portMappings: [{containerPort: 80}]}]}\n"
            .to_owned();
    let balancers = 0..SERVICES / SERVICES_PER_BALANCER;
    let mut section = |name: &str, entries: Vec<String>| {
        let _ = writeln!(text, "{name}:");
        for entry in entries {
            let _ = writeln!(text, "  - {{{entry}}}");
        }
    };
    let each = |entry: &dyn Fn(usize) -> String| (0..SERVICES).map(entry).collect::<Vec<_>>();
    section(
        "loadBalancers",
        balancers
            .clone()
            .map(|b| format!("Name: b{b}, Subnets: [subnet-1, subnet-2]"))
            .collect(),
    );
    section(
        "targetGroups",
        each(&|s| format!("Name: s{s}, Protocol: HTTP, Port: 80, VpcId: vpc-1, TargetType: ip")),
    );
    section(
        "listeners",
        balancers
            .clone()
            .map(|b| {
                let first = b * SERVICES_PER_BALANCER;
                format!(
                    "LoadBalancerArn: b{b}, Protocol: HTTP, Port: 80, \
                     DefaultActions: [{{Type: forward, TargetGroupArn: s{first}}}]"
                )
            })
            .collect(),
    );
    section(
        "rules",
        each(&|s| {
            format!(
                "ListenerArn: 'b{}:80', Priority: {}, Conditions: [{{Field: path-pattern, Values: ['/s{s}/*']}}], \
                 Actions: [{{Type: forward, TargetGroupArn: s{s}}}]",
                s / SERVICES_PER_BALANCER,
                s % SERVICES_PER_BALANCER + 1
            )
        }),
    );
    section(
        "services",
        each(&|s| {
            format!(
                "cluster: main, serviceName: s{s}, taskDefinition: s, desiredCount: {TASKS}, launchType: FARGATE, \
                 networkConfiguration: {{awsvpcConfiguration: {{subnets: [subnet-1, subnet-2]}}}}, \
                 loadBalancers: [{{targetGroupArn: s{s}, containerName: s, containerPort: 80}}]"
            )
        }),
    );
    section(
        "traffic",
        balancers
            .map(|b| format!("listener: 'b{b}:80', requestsPerSecond: 50"))
            .collect(),
    );
    text
}
