//! `ecsdeploy sandbox` as a program: any HTTP client can use it, look at it and poke it, and it comes back as it was.
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

/// A served sandbox, ended with the test.
struct Served {
    child: Child,
    address: String,
    environment: Vec<String>,
}

impl Served {
    /// Serves on a free port; the clock stands still unless the options say otherwise.
    fn begin(options: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ecsdeploy"))
            .args(["sandbox", "--port", "0"])
            .args(if options.contains(&"--speed") {
                &[]
            } else {
                &["--speed", "0"][..]
            })
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let environment: Vec<String> = lines.take(6).map(Result::unwrap).collect();
        let address = environment[0].strip_prefix("export AWS_ENDPOINT_URL=http://");
        let address = address.unwrap().to_owned();
        Self {
            child,
            address,
            environment,
        }
    }

    fn example(options: &[&str]) -> Self {
        let world = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/fargate-web");
        Self::begin(&[&[world.to_str().unwrap()], options].concat())
    }

    /// One exchange in plain HTTP: status and body, or nothing if the connection broke. Method and path, then headers.
    fn ask(&self, line: &str, headers: &str, body: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let head = format!(
            "{line} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.get(9..12)?.parse().unwrap();
        Some((status, answer.split_once("\r\n\r\n").unwrap().1.to_owned()))
    }

    fn json(&self, target: &str, input: &Value) -> Option<(u16, Value)> {
        let headers = format!("content-type: application/x-amz-json-1.1\r\nx-amz-target: {target}");
        let (status, body) = self.ask("POST /", &headers, &input.to_string())?;
        Some((status, serde_json::from_str(&body).unwrap()))
    }

    fn ecs(&self, operation: &str, input: &Value) -> (u16, Value) {
        let target = format!("AmazonEC2ContainerServiceV20141113.{operation}");
        self.json(&target, input).unwrap()
    }

    fn form(&self, body: &str) -> (u16, String) {
        let headers = "content-type: application/x-www-form-urlencoded; charset=utf-8";
        self.ask("POST /", headers, body).unwrap()
    }

    /// The program as a client of this sandbox.
    fn client(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_ecsdeploy"))
            .arg("sandbox")
            .args(arguments)
            .env("AWS_ENDPOINT_URL", format!("http://{}", self.address))
            .output()
            .unwrap()
    }

    fn census(&self) -> Value {
        let output = self.client(&["census", "--output", "json"]);
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn poke(&self, arguments: &[&str]) {
        let output = self.client(&[&["poke"], arguments].concat());
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Ctrl-C; the exit code.
    #[cfg(unix)]
    fn interrupt(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &pid])
                .status()
                .unwrap()
                .success()
        );
        self.child.wait().unwrap().code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_prints_the_environment_and_listens_on_loopback() {
    let served = Served::example(&[]);
    assert!(
        served.address.starts_with("127.0.0.1:"),
        "{}",
        served.address
    );
    assert_eq!(served.environment[1], "export AWS_REGION=eu-central-1");
    let others = [
        "AWS_DEFAULT_REGION=eu-central-1",
        "AWS_ACCESS_KEY_ID=AKIASANDBOX",
        "AWS_SECRET_ACCESS_KEY=made-up-in-the-sandbox",
        "AWS_EC2_METADATA_DISABLED=true",
    ];
    for other in others {
        let line = format!("export {other}");
        assert!(served.environment.contains(&line), "{other}");
    }
}

#[test]
fn one_port_answers_every_protocol() {
    let served = Served::example(&[]);
    let (status, found) = served.ecs(
        "DescribeServices",
        &json!({"cluster": "main", "services": ["web"]}),
    );
    assert_eq!(
        (status, &found["services"][0]["runningCount"]),
        (200, &json!(2))
    );
    let (status, xml) = served.form("Action=DescribeTargetGroups&Version=2015-12-01");
    assert!(
        status == 200 && xml.contains("<TargetGroupName>web</TargetGroupName>"),
        "{xml}"
    );
    let (status, put) = served
        .json(
            "AmazonSSM.PutParameter",
            &json!({"Name": "/a", "Value": "1", "Type": "String"}),
        )
        .unwrap();
    assert_eq!((status, &put["Version"]), (200, &json!(1)));
}

#[test]
fn what_is_not_modelled_is_a_400_that_names_it() {
    let served = Served::begin(&[]);
    let (status, body) = served.ecs("CreateGateway", &json!({}));
    assert_eq!(
        (status, &body["__type"]),
        (400, &json!("SandboxNotModelled"))
    );
    assert!(
        body["message"]
            .as_str()
            .unwrap()
            .contains("ecs:CreateGateway"),
        "{body}"
    );
    let (status, xml) = served.form("Action=CreateTrustStore&Version=2015-12-01");
    assert!(
        status == 400 && xml.contains("elasticloadbalancing:CreateTrustStore"),
        "{xml}"
    );
}

#[test]
fn a_poke_changes_what_the_census_shows() {
    let served = Served::example(&[]);
    assert_eq!(served.census()["now"], "2026-01-15T09:00:00.000Z");
    served.poke(&["sicken", "--image", "web:1.0.0"]);
    served.poke(&["hurry", "1m"]);
    let census = served.census();
    assert_eq!(census["now"], "2026-01-15T09:01:00.000Z");
    let targets = census["targetGroups"][0]["targets"].as_array().unwrap();
    assert!(
        targets.iter().any(|target| target["state"] == "unhealthy"),
        "{census}"
    );
    let text = served.client(&["census"]);
    assert!(String::from_utf8_lossy(&text.stdout).contains("service          main/web ACTIVE"));
}

#[test]
fn a_poke_that_makes_no_sense_is_refused_with_its_reason() {
    let served = Served::example(&[]);
    let check = |arguments: &[&str], code: i32, says: &str| {
        let output = served.client(&[&["poke"], arguments].concat());
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(text.contains(says), "{text}");
    };
    check(&["kill", "--task", "0"], 1, "no running task");
    check(&["kill"], 2, "--image");
    check(
        &["fault", "melt"],
        2,
        "throttle, denied, error, reset, lost",
    );
    check(&["fault", "reset", "--service", "s3"], 1, "s3");
}

#[test]
fn a_port_that_is_named_goes_before_the_environment() {
    let (meant, exported) = (Served::example(&[]), Served::begin(&[]));
    let port = meant.address.rsplit(':').next().unwrap();
    let output = exported.client(&["census", "--port", port]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("main/web"), "{text}");
}

#[test]
fn a_state_file_that_cannot_be_written_ends_the_serving_before_it_begins() {
    let output = Command::new(env!("CARGO_BIN_EXE_ecsdeploy"))
        .args([
            "sandbox",
            "--port",
            "0",
            "--state",
            "no/such/directory/state.jsonl",
        ])
        .output()
        .unwrap();
    let says = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{says}");
    assert!(says.contains("no/such/directory/state.jsonl"), "{says}");
    assert!(output.stdout.is_empty());
}

#[test]
fn an_answer_can_be_lost_after_the_change_was_made() {
    let served = Served::begin(&[]);
    served.poke(&["fault", "lost", "--service", "ssm", "--nth", "1"]);
    let put = || {
        served.json(
            "AmazonSSM.PutParameter",
            &json!({"Name": "a", "Value": "1", "Type": "String"}),
        )
    };
    assert_eq!(put(), None);
    assert_eq!(put().unwrap().1["__type"], "ParameterAlreadyExists");
}

#[test]
fn pages_from_elsewhere_can_neither_look_nor_poke() {
    let served = Served::begin(&[]);
    let status = |line: &str, header: &str, body: &str| served.ask(line, header, body).unwrap().0;
    assert_eq!(status("GET /_sandbox/", "accept: text/html", ""), 200);
    assert_eq!(
        status("GET /_sandbox/census", "origin: https://example.com", ""),
        403
    );
    assert_eq!(
        status(
            "POST /_sandbox/poke",
            "content-type: text/plain",
            "\"clearFaults\""
        ),
        415
    );
    assert_eq!(
        status(
            "POST /_sandbox/poke",
            "content-type: application/json",
            "\"clearFaults\""
        ),
        200
    );
    assert_eq!(status("GET /_sandbox/none", "accept: */*", ""), 404);
}

#[cfg(unix)]
#[test]
fn an_interrupted_sandbox_comes_back_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join("state.jsonl");
    let options = ["--state", state.to_str().unwrap()];
    let served = Served::example(&options);
    served.poke(&["hurry", "90s"]);
    let update = json!({"cluster": "main", "service": "web", "desiredCount": 3});
    assert_eq!(served.ecs("UpdateService", &update).0, 200);
    served.poke(&["hurry", "2m"]);
    let before = served.census();
    assert_eq!(served.interrupt(), Some(0));

    let again = Served::example(&options);
    assert_eq!(again.census(), before);
    assert_eq!(before["services"][0]["running"], 3);
    drop(again);

    let other = Command::new(env!("CARGO_BIN_EXE_ecsdeploy"))
        .args(["sandbox", "examples/ec2-bridge-nginx", "--port", "0"])
        .args(options)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert_eq!(other.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&other.stderr).contains("another world file"));
}

/// What a role that may not write parameters meets: the record is kept in tags of the service, which is said once.
#[test]
fn a_policy_can_be_tried_and_the_fallback_from_parameters_to_tags_with_it() {
    let served = Served::example(&["--speed", "600"]);
    let rollout = |tag: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_ecsdeploy"))
            .args([
                "rollout",
                "--cluster",
                "main",
                "--service",
                "web",
                "--image",
            ])
            .arg(format!(
                "123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:{tag}"
            ))
            .env_clear()
            .envs(served.environment.iter().map(|line| {
                let pair = line.strip_prefix("export ").unwrap();
                pair.split_once('=').unwrap()
            }))
            .current_dir(std::env::temp_dir())
            .output()
            .unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), told)
    };
    served.poke(&["fault", "denied", "--service", "ssm"]);
    let (code, told) = rollout("1.1.0");
    assert_eq!(code, Some(0), "{told}");
    let said =
        "tags of the service keep the record, and tags cannot lock (parameters are not permitted:";
    assert_eq!(told.matches(said).count(), 1, "{told}");
    let missing = "is not authorized to perform: ssm:GetParameters on resource: arn:aws:ssm:eu-central-1:123456789012:parameter/ecsdeploy/main/web";
    assert!(told.contains(missing), "{told}");
    let calls = served.census()["calls"].to_string();
    assert!(
        calls.contains("TagResource") && calls.contains("UntagResource"),
        "{calls}"
    );
    let asked = json!({"cluster": "main", "services": ["web"], "include": ["TAGS"]});
    let (_, answer) = served.ecs("DescribeServices", &asked);
    assert!(!answer.to_string().contains("ecsdeploy:"), "{answer}");

    // One refusal, and the permission is there again.
    served.poke(&["clear-faults"]);
    let once = |service: &str, operation: &str| {
        let rule = [
            "fault",
            "denied",
            "--service",
            service,
            "--operation",
            operation,
        ];
        served.poke(&[&rule[..], &["--times", "1"]].concat());
    };
    once("ecr", "DescribeImages");
    let (code, told) = rollout("1.0.0");
    assert_eq!(code, Some(1), "{told}");
    let hint = "hint: allow ecr:DescribeImages to this identity";
    assert!(told.contains(hint), "{told}");
    once("iam", "PassRole");
    let (code, told) = rollout("1.0.0");
    assert_eq!(code, Some(1), "{told}");
    let missing = "is not authorized to perform: iam:PassRole on resource: arn:aws:iam::123456789012:role/web-execution";
    assert!(told.contains(missing), "{told}");
    let (code, told) = rollout("1.0.0");
    assert_eq!(code, Some(0), "{told}");
}
