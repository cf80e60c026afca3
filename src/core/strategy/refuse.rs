//! Strategies that a service cannot do because of its deployment controller, and what would have to change.
//!
//! Source: ECS API reference, `UpdateService`, `deploymentController`: a service changes to or from `ECS` and
//! `EXTERNAL`, and from `CODE_DEPLOY`, but never to `CODE_DEPLOY`.

use crate::core::plan::Refusal;

/// Of a service of the ECS controller.
pub fn another_controller(controller: &'static str) -> Refusal {
    let (asked, change) = if controller == "EXTERNAL" {
        (
            "a weighted shift between task sets",
            "change the controller: aws ecs update-service --deployment-controller type=EXTERNAL, \
             or Terraform: deployment_controller { type = \"EXTERNAL\" }",
        )
    } else {
        (
            "a deployment by CodeDeploy",
            "make the service anew with it: aws ecs create-service --deployment-controller type=CODE_DEPLOY, \
             or Terraform: deployment_controller { type = \"CODE_DEPLOY\" }; no service can be changed to it",
        )
    };
    Refusal::Strategy {
        asked,
        lacks: "its deployment controller is ECS".to_owned(),
        change: vec![
            change.to_owned(),
            "or keep the controller and ask for --strategy rolling, blue-green, canary or linear"
                .to_owned(),
        ],
    }
}

/// Of a service of another controller, which ECS's own engine does not deploy.
pub fn needs_ecs(asked: &'static str, controller: &str, instead: &str) -> Refusal {
    Refusal::Strategy {
        asked,
        lacks: format!("its deployment controller is {controller}"),
        change: vec![
            instead.to_owned(),
            "or change the controller: aws ecs update-service --deployment-controller type=ECS, \
             or Terraform: deployment_controller { type = \"ECS\" }"
                .to_owned(),
        ],
    }
}
