//! Does a completed deployment serve? ECS's word is checked against the tasks and the target groups.

use std::collections::BTreeMap;

use super::behind::healthy;
use crate::core::id::TargetGroupArn;
use crate::core::live::{Deployment, Service, Target, Task};

/// The answer, and when it is not yes, what is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Serving {
    Yes,
    NotYet(String),
}

/// A deployment serves when its running tasks reach the service's healthy floor, at least one, and each
/// target group has as many healthy targets that are tasks of this deployment. A service of desired count 0 has
/// nothing to serve with.
pub fn serving(
    service: &Service,
    deployment: Deployment<'_>,
    tasks: &[Task],
    groups: &BTreeMap<TargetGroupArn, Vec<Target>>,
) -> Serving {
    if service.desired_count() == 0 {
        return Serving::Yes;
    }
    let needed = service.healthy_floor().max(1);
    if deployment.running_count() < needed {
        let running = deployment.running_count();
        return Serving::NotYet(format!("{running} of at least {needed} tasks are running"));
    }
    let id = deployment.id();
    let lacking = groups.iter().find_map(|(group, targets)| {
        let ours = tasks.iter().filter(|task| task.deployment() == id);
        let healthy = healthy(targets, ours);
        let name = target_group_name(group);
        (healthy < needed as usize)
            .then(|| format!("{healthy} of at least {needed} targets are healthy in {name}"))
    });
    lacking.map_or(Serving::Yes, Serving::NotYet)
}

/// `arn:…:targetgroup/NAME/ID` -> `NAME`.
fn target_group_name(group: &TargetGroupArn) -> &str {
    group.as_str().rsplit('/').nth(1).unwrap_or(group.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::live::TargetState;

    fn check(desired: u32, running: u32, targets: &[(&str, TargetState)], expected: &str) {
        let service = Service::new(json!({
            "desiredCount": desired,
            "deployments": [{"id": "ecs-svc/1", "status": "PRIMARY", "runningCount": running}]
        }));
        let task = Task::new(json!({"startedBy": "ecs-svc/1", "attachments": [
            {"details": [{"name": "privateIPv4Address", "value": "10.0.0.1"}]}]}));
        let targets = targets
            .iter()
            .map(|(id, state)| Target {
                id: (*id).to_owned(),
                port: 80,
                state: state.clone(),
                reason: String::new(),
                description: String::new(),
            })
            .collect();
        let groups = BTreeMap::from([(TargetGroupArn::from("arn:targetgroup/web/1"), targets)]);
        let deployment = service.primary().expect("one is given");
        let said = match serving(&service, deployment, &[task], &groups) {
            Serving::Yes => String::new(),
            Serving::NotYet(why) => why,
        };
        assert_eq!(said, expected);
    }

    #[test]
    fn healthy_targets_of_this_deployment_make_it_serve() {
        check(1, 1, &[("10.0.0.1", TargetState::Healthy)], "");
        check(0, 0, &[], "");
        check(
            1,
            0,
            &[("10.0.0.1", TargetState::Healthy)],
            "0 of at least 1 tasks are running",
        );
        check(
            1,
            1,
            &[("10.0.0.1", TargetState::Initial)],
            "0 of at least 1 targets are healthy in web",
        );
        check(1, 1, &[], "0 of at least 1 targets are healthy in web");
    }

    #[test]
    fn a_healthy_target_of_the_old_revision_does_not_count() {
        let targets = [
            ("10.0.0.1", TargetState::Initial),
            ("10.0.0.9", TargetState::Healthy),
        ];
        check(1, 1, &targets, "0 of at least 1 targets are healthy in web");
    }

    #[test]
    fn targets_that_no_task_is_known_to_stand_behind_do_not_count() {
        for id in ["10.0.0.9", "i-1"] {
            let targets = [(id, TargetState::Healthy)];
            check(1, 1, &targets, "0 of at least 1 targets are healthy in web");
        }
    }
}
