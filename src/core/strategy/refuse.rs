//! Strategies that a service cannot do because of its deployment controller, and what would have to change.
//!
//! Source: ECS API reference, `UpdateService`, `deploymentController`: a service changes to or from `ECS` and
//! `EXTERNAL`, and from `CODE_DEPLOY`, but never to `CODE_DEPLOY`.

use crate::core::id::ServiceKey;
use crate::core::plan::Refusal;

/// Source: AWS provider, `aws_ecs_service`: `deployment_controller.type` forces a new resource.
const TERRAFORM: &str = "Terraform replaces the service when deployment_controller { type } changes: it deletes the one that \
     serves. Make a second aws_ecs_service beside it, move the traffic there, then remove the first";

/// Of a service of the ECS controller.
pub fn another_controller(controller: &'static str) -> Refusal {
    let (asked, takes): (_, &[&str]) = if controller == "EXTERNAL" {
        (
            "a weighted shift between task sets",
            &[
                "task sets take a service of the controller EXTERNAL, which itself has no task definition, load balancer, \
                 network or launch type: its task sets have them; and two target groups in one listener rule, weights 100 and 0",
                "an existing service is changed by aws ecs update-service --deployment-controller type=EXTERNAL, then \
                 aws ecs create-task-set and aws ecs update-service-primary-task-set; try it on a copy first",
            ],
        )
    } else {
        (
            "a deployment by CodeDeploy",
            &[
                "no service can be changed to the controller CODE_DEPLOY: it is made with it \
                 (aws ecs create-service --deployment-controller type=CODE_DEPLOY), and takes two target groups, \
                 a CodeDeploy application and a deployment group",
            ],
        )
    };
    let keep = "keep the controller and ask for --strategy rolling, blue-green, canary or linear";
    let change = std::iter::once(&keep).chain(takes).chain([&TERRAFORM]);
    Refusal::Strategy {
        asked,
        lacks: "its deployment controller is ECS".to_owned(),
        change: change.map(|line| (*line).to_owned()).collect(),
    }
}

/// Of a service of another controller, which ECS's own engine does not deploy.
pub fn needs_ecs(asked: &'static str, controller: &str, instead: &str) -> Refusal {
    let change = [
        instead,
        "or change the controller: aws ecs update-service --deployment-controller type=ECS, with the task definition, \
         load balancer and network that its task sets have now",
        TERRAFORM,
    ];
    Refusal::Strategy {
        asked,
        lacks: format!("its deployment controller is {controller}"),
        change: change.map(str::to_owned).to_vec(),
    }
}

/// Of a service whose own deployment strategy shifts traffic.
pub fn not_rolling(own: &str, target: &ServiceKey) -> Refusal {
    let (cluster, service) = (&target.cluster, &target.service);
    Refusal::Strategy {
        asked: "a rolling deployment",
        lacks: format!("its deploymentConfiguration.strategy is {own}"),
        change: vec![
            format!(
                "aws ecs update-service --cluster {cluster} --service {service} --deployment-configuration strategy=ROLLING"
            ),
            "Terraform: deployment_configuration { strategy = \"ROLLING\" }".to_owned(),
            "or leave out --strategy: ECS shifts the traffic as the service is set up".to_owned(),
        ],
    }
}

/// Of a count that is asked for along with a shift between task sets, which both scale with it.
pub fn counted(count: u32, target: &ServiceKey) -> Refusal {
    let (cluster, service) = (target.cluster.short(), &target.service);
    Refusal::Strategy {
        asked: "another desired count along with a weighted shift between task sets",
        lacks: "its task sets scale with that count, and no step of the shift changes it"
            .to_owned(),
        change: vec![format!(
            "before or after the rollout: aws ecs update-service --cluster {cluster} --service {service} --desired-count {count}"
        )],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_harmless_way_comes_first_and_what_terraform_deletes_last() {
        for controller in ["EXTERNAL", "CODE_DEPLOY"] {
            let Refusal::Strategy { change, .. } = another_controller(controller) else {
                panic!("it is about the strategy");
            };
            assert!(
                change[0].starts_with("keep the controller"),
                "the harmless way comes first"
            );
            assert!(
                change
                    .last()
                    .is_some_and(|last| last.contains("deletes the one that serves"))
            );
        }
    }
}
