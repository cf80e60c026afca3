//! When a task needs an execution role (Amazon ECS developer guide, "Task execution IAM role").

use super::finding::{Finding, Subject};
use super::seek::seek;
use crate::core::taskdef::ImageRef;
use serde_json::Value;

/// What the ECS agent fetches with the execution role wherever the task runs: place, and what is done with it.
const EVERYWHERE: &[(&str, &str)] = &[
    (
        "containerDefinitions[].repositoryCredentials",
        "reads the credentials of a registry",
    ),
    ("containerDefinitions[].secrets[]", "reads a secret"),
    (
        "containerDefinitions[].logConfiguration.secretOptions[]",
        "reads a secret of its log driver",
    ),
    (
        "containerDefinitions[].environmentFiles[]",
        "reads an environment file",
    ),
];

pub(super) fn check(subject: &Subject<'_>) -> Vec<Finding> {
    if subject.definition.as_map().contains_key("executionRoleArn") {
        return Vec::new();
    }
    let mut reasons = everywhere(subject);
    if subject.fargate || subject.external {
        reasons.extend(without_an_instance(subject));
    }
    let finding = |(path, reason): (String, &str)| {
        Finding::error(
            "executionRoleArn",
            format!("is missing, and the task {reason} ({path})"),
        )
        .hint("name the role with --execution-role or in the definition")
    };
    // One missing role is one finding, whatever it is needed for.
    reasons
        .into_iter()
        .next()
        .map(finding)
        .into_iter()
        .collect()
}

fn everywhere(subject: &Subject<'_>) -> Vec<(String, &'static str)> {
    let document = subject.definition.as_map();
    let needs = |&(place, reason): &(&str, &'static str)| {
        seek(document, place)
            .into_iter()
            .map(move |it| (it.0, reason))
    };
    EVERYWHERE.iter().flat_map(needs).collect()
}

/// What an instance's own role does on EC2.
fn without_an_instance(subject: &Subject<'_>) -> Vec<(String, &'static str)> {
    let document = subject.definition.as_map();
    let is_ecr = |image: &Value| {
        image
            .as_str()
            .and_then(|text| text.parse::<ImageRef>().ok())
            .is_some_and(|image| image.ecr().is_some())
    };
    let pulls = seek(document, "containerDefinitions[].image")
        .into_iter()
        .filter(|(_, image)| is_ecr(image));
    let drivers = seek(
        document,
        "containerDefinitions[].logConfiguration.logDriver",
    )
    .into_iter();
    let logs = drivers.filter(|(_, driver)| *driver == "awslogs");
    pulls
        .map(|(path, _)| (path, "pulls from Amazon ECR"))
        .chain(logs.map(|(path, _)| (path, "logs with awslogs")))
        .collect()
}
