//! `ecsdeploy status` of each kind of service, at rest, while a rollout is held, and when one was left.
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

#[expect(dead_code, reason = "each suite uses a part of the stage")]
mod common;

use std::cell::{Cell, RefCell};
use std::time::Duration;

use common::{HttpRequest, Listener, Stage, cut, operation, owner, with_image};
use ecsdeploy::adapters::aws::Auto;
use ecsdeploy::core::gate::{Approval, Check, Gate};
use ecsdeploy::core::report::Report;
use ecsdeploy::core::rollout::Wish;
use ecsdeploy::core::service::{CanarySize, OnCancel, StrategyAsked};
use ecsdeploy::engine::{Eyes, Means, Nobody, Ran, Request, inspect, roll_out};
use ecsdeploy::ports::{Clock, Journal as _, Wake};
use ecsdeploy::text::status::{self, OnRecord};
use jiff::Timestamp;

const WEB: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:1.1.0";

fn web(gates: Vec<Gate>) -> Request {
    let mut request = with_image("main", "web", WEB);
    request.intent.gates = Some(gates);
    request.intent.bake = Duration::from_secs(30);
    request
}

fn approval() -> Vec<Gate> {
    vec![Gate::new(Check::Approval(Approval::default()))]
}

async fn page(stage: &Stage) -> String {
    let target = with_image("main", "web", WEB).target;
    let journal = Auto::new(&stage.config);
    let overview = inspect(&target, &stage.aws, &journal).await.unwrap();
    let now = stage.clock.now();
    let left = |_: &_, _: &_| "AWS goes on".to_owned();
    let on_record = OnRecord::of(&overview, left, now);
    let on_record = on_record.as_ref();
    let data = status::json(&overview, on_record);
    assert_eq!(data["rollout"].is_null(), on_record.is_none());
    status::text(&overview, on_record, now, stage.aws.date().unwrap_or(now))
}

/// Looks at the page at the nth sleep, and ends the run there.
struct Peek<'a> {
    stage: &'a Stage,
    sleeps: Cell<u32>,
    page: RefCell<String>,
}

impl Clock for Peek<'_> {
    fn now(&self) -> Timestamp {
        self.stage.clock.now()
    }

    async fn sleep_until(&self, until: Timestamp) -> Wake {
        if self.sleeps.get() == 0 {
            let page = Box::pin(page(self.stage)).await;
            self.page.replace(page);
            return Wake::Interrupted;
        }
        self.sleeps.set(self.sleeps.get() - 1);
        self.stage.clock.sleep_until(until).await
    }

    async fn pass_until(&self, until: Timestamp) -> Wake {
        self.stage.clock.pass_until(until).await
    }
}

/// The page while the rollout is driven, after so many sleeps.
async fn held(stage: &Stage, request: Request, sleeps: u32) -> String {
    let clock = Peek {
        stage,
        sleeps: Cell::new(sleeps),
        page: RefCell::default(),
    };
    let eyes = Eyes {
        cloud: &stage.aws,
        prober: &stage.sandbox,
        people: &Nobody,
    };
    let means = Means {
        cloud: &eyes,
        clock: &clock,
        journal: &Auto::new(&stage.config),
        owner: owner("anna"),
        on_cancel: OnCancel::Leave,
        wish: None,
    };
    let mut listener = Listener(Report::new());
    Box::pin(roll_out(request, &means, &mut listener))
        .await
        .unwrap();
    clock.page.take()
}

fn check(page: &str, says: &[&str], never: &[&str]) {
    println!("{page}");
    for said in says {
        assert!(page.contains(said), "{said}\n{page}");
    }
    for said in never {
        assert!(!page.contains(said), "{said}\n{page}");
    }
}

#[tokio::test]
async fn a_service_at_rest_shows_what_its_controller_has() {
    let steady = page(&Stage::example("fargate-web")).await;
    let rolling = [
        "ECS controller, ROLLING strategy",
        "PRIMARY  COMPLETED   web:1  2/2 running",
        "healthy",
    ];
    check(
        &steady,
        &rolling,
        &["rollout ", "could not be read", "task sets", "traffic "],
    );
    let sets = page(&Stage::example("external-task-sets")).await;
    check(
        &sets,
        &[
            "EXTERNAL controller\n",
            "PRIMARY  STEADY_STATE web:1",
            "scale 100 %",
            "100 % to web,",
            " 0 % to web-alternate",
        ],
        &["could not be read", "\ndeployments"],
    );
    let code_deploy = page(&Stage::example("code-deploy")).await;
    check(
        &code_deploy,
        &[
            "CODE_DEPLOY controller\n",
            "task sets\n  PRIMARY",
            "traffic ",
        ],
        &["could not be read"],
    );
    let native = page(&Stage::example("fargate-canary-shift")).await;
    check(
        &native,
        &["CANARY strategy", "traffic ", "target group"],
        &["could not be read"],
    );
}

#[tokio::test]
async fn a_rollout_that_is_held_says_where_it_stands_and_whom_it_waits_for() {
    let person = "approval       waits for a person: ecsdeploy promote, or ecsdeploy abort; until ";
    let next = "next             ecsdeploy promote lets it go on; ecsdeploy abort rolls it back";
    let driven =
        "driven by        anna on laptop, process 7, since 2026-01-15T09:00:00Z; last heard of ";
    let stage = Stage::example("external-task-sets");
    let mut request = web(approval());
    request.intent.weights = "10,50".parse().unwrap();
    let says = [
        "rollout          web:2 in the place of web:1: task sets at 10 %, 50 %, 100 %",
        driven,
        "stands           raises the new task set, which has no traffic yet",
        "gates            at 0 % of the traffic, first asked ",
        person,
        next,
        "  PRIMARY  STEADY_STATE web:1  2/2 running",
        "  ACTIVE   STEADY_STATE web:2  2/2 running",
        "traffic          100 % to web, 0 % to web-alternate, by rule ",
    ];
    check(
        &held(&stage, request.clone(), 20).await,
        &says,
        &["ECS says"],
    );

    let stage = Stage::example("external-task-sets");
    request.intent.gates = None;
    request.intent.bake = Duration::from_mins(30);
    let shifted = held(&stage, request, 20).await;
    let says = [
        "stands           10 % of the traffic is on the new task set, since ",
        "; held until 2026-01-15T09:3",
        "next             ecsdeploy status shows how it goes on; ecsdeploy abort rolls it back",
        "traffic          90 % to web, 10 % to web-alternate, by rule ",
        "target group web-alternate, 10 %\n  10.",
    ];
    check(&shifted, &says, &[]);

    let stage = Stage::example("fargate-web");
    let mut request = web(approval());
    request.intent.strategy = StrategyAsked::Canary(CanarySize::Tasks(1));
    let says = [
        "web:2 in the place of web:1: canary of 1 beside the service, then rolling",
        driven,
        "stands           the canary's tasks run well, first seen ",
        "gates            at 1 canary task, first asked ",
        person,
        next,
        "canary           web-canary beside it: web:2, 1 desired, 1 running, 0 pending",
    ];
    check(&held(&stage, request, 20).await, &says, &[]);

    let stage = Stage::example("fargate-canary-shift");
    let says = [
        "web:2 in the place of web:1: ECS's own canary shift",
        "stands           follows the deployment ecs-svc/",
        person,
        next,
        "PRIMARY  IN_PROGRESS web:2",
        "IN_PROGRESS at POST_SCALE_UP, production weight 0 %; ECS waits to be told to go on, and rolls back at 2026-01-16T",
        "traffic          100 % to web, 0 % to web-alternate, by rule ",
        "target group web-alternate, 0 %\n  10.",
    ];
    check(&held(&stage, web(approval()), 20).await, &says, &[]);

    let stage = Stage::example("code-deploy");
    let says = [
        "web:2 in the place of web:1: CodeDeploy's ",
        "stands           follows the deployment d-",
        person,
        next,
        "CodeDeploy says  d-",
        "deploys web:2, ",
        "  ACTIVE   STEADY_STATE web:2",
    ];
    check(&held(&stage, web(approval()), 30).await, &says, &[]);
}

#[tokio::test]
async fn a_rollout_that_goes_back_says_why_and_asks_for_nothing() {
    let bad = |request: Request| {
        let bad = with_image("main", "web", &WEB.replace("1.1.0", "1.2.0"));
        Request {
            wanted: bad.wanted,
            ..request
        }
    };
    let next = "next             ecsdeploy watch follows it\n";
    let stage = Stage::example("fargate-web");
    let says = [
        "stands           rolls back: ",
        "failed, and 2 end the rollout",
        next,
    ];
    check(
        &held(&stage, bad(web(Vec::new())), 15).await,
        &says,
        &["abort"],
    );
    let stage = Stage::example("external-task-sets");
    let says = [
        "stands           rolls back, ",
        "failed, and 2 end the rollout",
        "next             ecsdeploy status shows how it goes on\n",
    ];
    check(
        &held(&stage, bad(web(Vec::new())), 15).await,
        &says,
        &["abort"],
    );
}

#[tokio::test]
async fn a_rollout_that_was_left_says_who_left_it_what_it_was_told_and_how_to_go_on() {
    let stage = Stage::example("fargate-web");
    let left = cut(&stage, web(Vec::new()), 3, OnCancel::Leave).await;
    assert!(matches!(left, Ran::Interrupted { .. }), "{left:?}");
    let journal = Auto::new(&stage.config);
    let target = web(Vec::new()).target;
    let record = journal.load(&target).await.unwrap().unwrap();
    let by = "bob".to_owned();
    let wish = Wish::Undo { by };
    journal.wish(&target, record.fence, &wish).await.unwrap();
    stage
        .sandbox
        .advance(stage.clock.now() + Duration::from_mins(12));
    let says = [
        "rollout          web:2 in the place of web:1: rolling",
        "driven by        nobody: anna on laptop, process 7, since 2026-01-15T09:00:00Z, was last heard of 12 min ago",
        "stands           AWS goes on",
        "told             to roll back, by bob",
        "next             the same rollout command takes it up; ecsdeploy rollback turns it back",
    ];
    check(&page(&stage).await, &says, &["gates  "]);
}

#[tokio::test]
async fn what_may_not_be_read_is_said_and_the_rest_is_shown() {
    let stage = Stage::example("fargate-canary-shift");
    let blind = stage.through(|sandbox, request: HttpRequest| {
        let body = String::from_utf8_lossy(request.body()).into_owned();
        let is_denied = ["ListTasks", "ListServiceDeployments", "GetParameters"]
            .contains(&operation(&request).as_str());
        if !is_denied && !body.contains("Action=Describe") {
            return sandbox.carry(&request);
        }
        let body = r#"{"__type":"AccessDeniedException","message":"not authorized"}"#;
        let answer = http::Response::builder().status(400);
        Ok(answer.body(bytes::Bytes::from(body)).unwrap())
    });
    let says = [
        "PRIMARY  COMPLETED   web:1",
        "could not be read\n",
        "ListTasks: AccessDeniedException: not authorized",
        "ListServiceDeployments: AccessDeniedException: not authorized",
        "DescribeRules: ",
        "DescribeTargetHealth: ",
    ];
    check(&page(&blind).await, &says, &["GetParameters"]);
}

/// DescribeServices, GetParameters and the tags for what is on record, ListTasks twice, DescribeTasks,
/// DescribeTargetHealth, ListServiceDeployments, and DescribeServices of a canary.
#[tokio::test]
async fn a_look_takes_few_calls() {
    let stage = Stage::example("fargate-web");
    let before: u64 = stage.sandbox.lock().calls().values().sum();
    page(&stage).await;
    let calls: u64 = stage.sandbox.lock().calls().values().sum();
    assert_eq!(calls - before, 9, "{:?}", stage.sandbox.lock().calls());
}
