//! A stage for whole rollouts: the real SDK against the sandbox, in virtual time.
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

use std::cell::Cell;
use std::path::Path;
use std::sync::{Arc, Mutex};

use aws_config::SdkConfig;
use ecsdeploy::adapters::aws::{Answer, Auto, Aws, Function};
use ecsdeploy::adapters::host::Signals;
use ecsdeploy::cli::args::Speed;
use ecsdeploy::cli::stage::{SandboxClock, SharedSandbox};
use ecsdeploy::core::id::{Cluster, ServiceKey, ServiceName};
use ecsdeploy::core::journal::Owner;
use ecsdeploy::core::report::{Entry, Event, Outcome, Report};
use ecsdeploy::core::service::{Intent, OnCancel};
use ecsdeploy::core::taskdef::{ImageOverride, Overrides};
use ecsdeploy::engine::{Means, Pinning, Ran, Request, SurveyError, Wanted, roll_out};
use ecsdeploy::ports::{Audience, Clock, Wake};
use ecsdeploy::sandbox::Sandbox;
use jiff::Timestamp;
use serde_json::{Value, json};

/// A request as it arrives at the sandbox.
pub type HttpRequest = http::Request<bytes::Bytes>;

/// A sandbox with clients and a clock.
pub struct Stage {
    pub sandbox: SharedSandbox,
    pub aws: Aws,
    pub clock: SandboxClock,
    pub config: SdkConfig,
}

/// The sandbox's clock, with a signal at a sleep.
struct Cut {
    clock: SandboxClock,
    /// Sleeps until then.
    left: Cell<u32>,
}

/// One rollout as it went.
pub struct Story {
    pub outcome: Outcome,
    pub report: Report,
}

impl Stage {
    /// The world of an example directory.
    pub fn example(name: &str) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("examples")
            .join(name)
            .join("sandbox.yml");
        Self::world(&std::fs::read_to_string(file).unwrap())
    }

    pub fn world(text: &str) -> Self {
        Self::over(SharedSandbox::new(Sandbox::new(text, 1).unwrap()))
    }

    pub fn over(sandbox: SharedSandbox) -> Self {
        let config = sandbox.config();
        Self {
            aws: Aws::new(&config),
            clock: SandboxClock::new(sandbox.clone(), Speed::Max, Signals::none()),
            sandbox,
            config,
        }
    }

    /// The same world, with something between the clients and the sandbox.
    pub fn through(
        &self,
        between: impl Fn(&SharedSandbox, HttpRequest) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let sandbox = self.sandbox.clone();
        let http = Function::new(move |request| between(&sandbox, request));
        let config = self.config.to_builder().http_client(http).build();
        Self {
            aws: Aws::new(&config),
            clock: self.clock.clone(),
            sandbox: self.sandbox.clone(),
            config,
        }
    }

    pub fn ecs(&self) -> aws_sdk_ecs::Client {
        aws_sdk_ecs::Client::new(&self.config)
    }

    /// Looks, plans and drives to the end, with the journal that needs no setting.
    pub async fn rollout(&self, request: Request) -> Result<Story, SurveyError> {
        let mut listener = Listener(Report::new());
        let journal = Auto::new(&self.config);
        let ran = Box::pin(roll_out(request, &self.means(&journal), &mut listener)).await?;
        Ok(Story {
            outcome: outcome(ran),
            report: listener.0,
        })
    }

    pub fn means<'a, J>(&'a self, journal: &'a J) -> Means<'a, Aws, SandboxClock, J> {
        Means {
            cloud: &self.aws,
            clock: &self.clock,
            journal,
            owner: owner("anna"),
            on_cancel: OnCancel::Leave,
            wish: None,
        }
    }

    /// How often an operation was called.
    pub fn calls(&self, operation: &str) -> u64 {
        let sandbox = self.sandbox.lock();
        let calls = sandbox.calls().iter();
        calls
            .filter(|((_, name), _)| name == operation)
            .map(|(_, n)| n)
            .sum()
    }

    /// Names of all SSM parameters.
    pub fn parameters(&self) -> Vec<String> {
        let listed = self.ask("AmazonSSM.DescribeParameters", &json!({}));
        let parameters = listed["Parameters"].as_array().unwrap().iter();
        parameters
            .map(|p| p["Name"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Names of the services that there are in the cluster `main`.
    pub fn services(&self) -> Vec<String> {
        let listed = self.ask("ListServices", &json!({"cluster": "main"}));
        let arns = listed["serviceArns"].as_array().unwrap().iter();
        let name = |arn: &Value| arn.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        arns.map(name).collect()
    }

    /// One of them, as DescribeServices tells of it.
    pub fn service(&self, name: &str) -> Value {
        let named = json!({"cluster": "main", "services": [name]});
        self.ask("DescribeServices", &named)["services"][0].take()
    }

    /// What is answered to somebody else.
    pub fn ask(&self, target: &str, input: &Value) -> Value {
        ask(&mut self.sandbox.lock(), target, input)
    }

    /// Somebody deploys this image of the examples' service `web` with a client of their own.
    pub fn deploy_by_hand(&self, tag: &str) {
        let running = json!({"taskDefinition": self.service("web")["taskDefinition"]});
        let running = self.ask("DescribeTaskDefinition", &running)["taskDefinition"].take();
        let kept = [
            "family",
            "containerDefinitions",
            "networkMode",
            "cpu",
            "memory",
        ];
        let kept = kept
            .iter()
            .chain(&["executionRoleArn", "requiresCompatibilities"]);
        let mut wanted: Value = kept.map(|name| (*name, running[name].clone())).collect();
        let image = format!("123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:{tag}");
        wanted["containerDefinitions"][0]["image"] = image.into();
        let made = self.ask("RegisterTaskDefinition", &wanted);
        let arn = &made["taskDefinition"]["taskDefinitionArn"];
        let update = json!({"cluster": "main", "service": "web", "taskDefinition": arn});
        self.ask("UpdateService", &update);
    }

    /// Revision numbers of a family, the active ones.
    pub async fn revisions(&self, family: &str) -> Vec<String> {
        let listed = self
            .ecs()
            .list_task_definitions()
            .family_prefix(family)
            .send()
            .await
            .unwrap();
        listed.task_definition_arns().to_vec()
    }
}

impl Story {
    pub fn events(&self, wanted: impl Fn(&Event) -> bool) -> usize {
        self.report
            .entries
            .iter()
            .filter(|entry| wanted(&entry.event))
            .count()
    }
}

/// How a run ended that had the service to itself.
pub fn outcome(ran: Ran) -> Outcome {
    match ran {
        Ran::Ended { outcome, .. } => outcome,
        other => panic!("it did not end: {other:?}"),
    }
}

/// A run that a signal reaches at its nth sleep.
pub async fn cut(stage: &Stage, request: Request, sleeps: u32, on_cancel: OnCancel) -> Ran {
    let journal = Auto::new(&stage.config);
    let clock = Cut {
        clock: stage.clock.clone(),
        left: Cell::new(sleeps),
    };
    let means = Means {
        cloud: &stage.aws,
        clock: &clock,
        journal: &journal,
        owner: owner("anna"),
        on_cancel,
        wish: None,
    };
    let mut listener = Listener(Report::new());
    roll_out(request, &means, &mut listener).await.unwrap()
}

impl Clock for Cut {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn sleep_until(&self, until: Timestamp) -> Wake {
        if self.left.get() == 0 {
            return Wake::Interrupted;
        }
        self.left.set(self.left.get() - 1);
        self.clock.sleep_until(until).await
    }

    async fn pass_until(&self, until: Timestamp) -> Wake {
        self.clock.pass_until(until).await
    }
}

pub fn owner(user: &str) -> Owner {
    Owner {
        user: user.to_owned(),
        host: "laptop".to_owned(),
        pid: 7,
        run: None,
    }
}

pub struct Listener(pub Report);

impl Audience for Listener {
    fn hear(&mut self, entry: &Entry) {
        self.0.record(entry.at, entry.event.clone());
    }
}

/// The running definition of the example's service with another image.
pub fn with_image(cluster: &str, service: &str, image: &str) -> Request {
    let images = vec![image.parse::<ImageOverride>().unwrap()];
    Request {
        target: ServiceKey {
            cluster: Cluster::from(cluster),
            service: ServiceName::from(service),
        },
        wanted: Wanted::Running(Overrides {
            images,
            ..Overrides::default()
        }),
        pinning: Pinning::Pin,
        intent: Intent::default(),
    }
}

/// The operation of a request, in whichever of AWS's protocols.
pub fn operation(request: &HttpRequest) -> String {
    let target = request.headers().get("x-amz-target");
    let named = target.and_then(|target| target.to_str().ok()?.rsplit('.').next());
    if let Some(named) = named {
        return named.to_owned();
    }
    let body = String::from_utf8_lossy(request.body());
    let mut pairs = body.split('&');
    let action = pairs.find_map(|pair| pair.strip_prefix("Action="));
    action.unwrap_or_default().to_owned()
}

/// Whether it is in the protocol of Elastic Load Balancing and CloudWatch: a form, answered in XML.
pub fn is_query(request: &HttpRequest) -> bool {
    !request.headers().contains_key("x-amz-target")
}

/// Somebody else's request in one of AWS's JSON protocols; the target is `ListTasks`, of ECS, or `CodeDeploy_20141006.GetDeployment`.
pub fn call(target: &str, input: &Value) -> HttpRequest {
    let target = match target.split_once('.') {
        Some(_) => target.to_owned(),
        None => format!("AmazonEC2ContainerServiceV20141113.{target}"),
    };
    let request = http::Request::builder().method("POST").uri("/");
    request
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", target)
        .body(bytes::Bytes::from(input.to_string()))
        .unwrap()
}

/// What the sandbox answers somebody else.
pub fn ask(sandbox: &mut Sandbox, target: &str, input: &Value) -> Value {
    let answer = sandbox.answer(&call(target, input));
    serde_json::from_slice(answer.body()).unwrap()
}

pub fn refusal(status: u16, error: &str) -> http::Response<bytes::Bytes> {
    let body = json!({"__type": error, "message": "no"}).to_string();
    let answer = http::Response::builder().status(status);
    answer.body(bytes::Bytes::from(body)).unwrap()
}

/// Bodies of all requests of one operation, as they passed.
#[derive(Clone, Default)]
pub struct Tape(Arc<Mutex<Vec<(String, Value)>>>);

impl Tape {
    pub fn record(&self, request: &HttpRequest) {
        let body = serde_json::from_slice(request.body()).unwrap_or_default();
        self.0.lock().unwrap().push((operation(request), body));
    }

    pub fn bodies(&self, of: &str) -> Vec<Value> {
        let tape = self.0.lock().unwrap();
        tape.iter()
            .filter(|(name, _)| name == of)
            .map(|(_, body)| body.clone())
            .collect()
    }
}
