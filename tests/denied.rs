//! Calls that the caller's policies do not allow: whichever one of them a rollout is denied, from the start or once the
//! service was told to change, it ends with the truth, the permission is named, and the service serves.
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

#[expect(dead_code, reason = "each test uses its part of the stage")]
mod common;

use std::collections::BTreeSet;
use std::sync::Mutex;

use common::{Stage, operation, with_image};
use ecsdeploy::core::report::{Event, Outcome};
use ecsdeploy::engine::{Request, SurveyError};
use ecsdeploy::sandbox::Poke;
use ecsdeploy::sandbox::faults::{Fault, Rule, When};

fn web(tag: &str) -> Request {
    let image = format!("123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:{tag}");
    with_image("main", "web", &image)
}

fn deny(service: &str, operation: &str) -> Poke {
    Poke::Fault(Rule {
        service: Some(service.to_owned()),
        operation: Some(operation.to_owned()),
        when: When::Always,
        times: None,
        fault: Fault::Denied,
    })
}

/// When the permission is taken away.
#[derive(Clone, Copy, Debug)]
enum From {
    Start,
    /// Right after the first UpdateService.
    Update,
}

/// The example with one action denied.
fn denying(service: &str, operation: &str, from: From) -> Stage {
    let stage = Stage::example("fargate-web");
    let poke = deny(service, operation);
    match from {
        From::Start => {
            stage.sandbox.lock().poke(&poke).unwrap();
            stage
        }
        From::Update => {
            let left = Mutex::new(Some(poke));
            stage.through(move |sandbox, request| {
                let answer = sandbox.carry(&request);
                if common::operation(&request) == "UpdateService"
                    && let Some(poke) = left.lock().unwrap().take()
                {
                    sandbox.lock().poke(&poke).unwrap();
                }
                answer
            })
        }
    }
}

#[tokio::test]
async fn explore() {
    let stage = Stage::example("fargate-web");
    stage.rollout(web("1.1.0")).await.unwrap();
    let calls: Vec<(String, String)> = stage.sandbox.lock().calls().keys().cloned().collect();
    let mut calls = calls;
    calls.push(("iam".to_owned(), "PassRole".to_owned()));
    for (service, op) in calls {
        for from in [From::Start, From::Update] {
            for tag in ["1.1.0", "1.2.0"] {
                let stage = denying(&service, &op, from);
                let ended = stage.rollout(web(tag)).await;
                println!("== {service}:{op} {from:?} {tag}");
                match ended {
                    Ok(story) => {
                        println!("   {:?}", story.outcome);
                        for entry in &story.report.entries {
                            if let Event::Trouble { operation, message } = &entry.event {
                                println!("   trouble {operation}: {message}");
                            }
                        }
                    }
                    Err(error) => println!("   refused {error:?}"),
                }
                let (service, tasks) = state(&stage).await;
                println!("   {service} {tasks}");
            }
        }
    }
}

async fn state(stage: &Stage) -> (String, String) {
    stage.sandbox.lock().poke(&Poke::ClearFaults).unwrap();
    let ecs = Stage::over(stage.sandbox.clone()).ecs();
    let answer = ecs
        .describe_services()
        .cluster("main")
        .services("web")
        .send()
        .await
        .unwrap();
    let service = &answer.services()[0];
    let deps: Vec<String> = service
        .deployments()
        .iter()
        .map(|d| {
            format!(
                "{} {} {}/{} {:?}",
                d.status().unwrap(),
                d.task_definition().unwrap().rsplit('/').next().unwrap(),
                d.running_count(),
                d.desired_count(),
                d.rollout_state()
            )
        })
        .collect();
    (
        service
            .task_definition()
            .unwrap()
            .rsplit('/')
            .next()
            .unwrap()
            .to_owned(),
        format!("{deps:?} params {:?}", stage.parameters()),
    )
}
