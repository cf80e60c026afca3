//! Does a completed deployment serve? ECS's word is checked against the tasks and the target groups.

use std::collections::BTreeMap;

use super::behind::healthy;
use crate::core::id::TargetGroupArn;
use crate::core::live::{Deployment, Place, Service, Target, Task};

type Targets = BTreeMap<TargetGroupArn, Vec<Target>>;

/// The answer, and when it is not yes, what is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Serving {
    Yes,
    NotYet(String),
}

/// A deployment serves when its running tasks reach the service's healthy floor, at least one, and as many of them are
/// healthy targets in each place where they are registered. A service of desired count 0 has
/// nothing to serve with.
pub fn serving(
    service: &Service,
    deployment: Deployment<'_>,
    tasks: &[Task],
    places: &[Place],
    targets: &Targets,
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
    let lacking = places.iter().find_map(|place| {
        let ours = tasks.iter().filter(|task| task.deployment() == id);
        let healthy = healthy_in(place, targets, ours);
        let name = named(place);
        (healthy < needed as usize)
            .then(|| format!("{healthy} of at least {needed} targets are healthy in {name}"))
    });
    lacking.map_or(Serving::Yes, Serving::NotYet)
}

/// How many of these tasks are healthy targets there.
pub(super) fn healthy_in<'a>(
    place: &'a Place,
    targets: &'a Targets,
    ours: impl Iterator<Item = &'a Task>,
) -> usize {
    let there = place.iter().filter_map(|group| targets.get(group));
    healthy(there.flatten(), ours)
}

/// `arn:…:targetgroup/NAME/ID` -> `NAME`; of several, `NAME or NAME`.
pub(super) fn named(place: &Place) -> String {
    let names: Vec<&str> = place.iter().map(TargetGroupArn::name).collect();
    names.join(" or ")
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
        let group = TargetGroupArn::from("arn:targetgroup/web/1");
        let places = [Place::from([group.clone()])];
        let groups = Targets::from([(group, targets)]);
        let deployment = service.primary().expect("one is given");
        let said = match serving(&service, deployment, &[task], &places, &groups) {
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
