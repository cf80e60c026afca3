//! What `rollback` says where it knows no way back, or where the service has taken one already.
//!
//! **Invariant:** each of them names the command that goes on, which always takes a revision by name.

use super::{Exit, Failure};
use crate::engine::SurveyError;

pub fn none(error: &SurveyError) -> Failure {
    let failed = Failure::new(Exit::Failed, error.to_string());
    match error {
        SurveyError::CameBack { left, further, .. } => {
            let failed = further.iter().fold(failed, |failed, further| {
                failed.hint(format!("--to {} goes further back", further.short()))
            });
            let left = left.short();
            failed.hint(format!("--to {left} deploys what it left all the same"))
        }
        SurveyError::CodeDeployMoves { deployment, .. } => {
            let takes_back =
                format!("aws deploy stop-deployment --deployment-id {deployment} --auto-rollback-enabled");
            Failure::new(Exit::Contested, error.to_string())
                .hint(format!("{takes_back} takes it back"))
                .hint("--to REVISION takes the service over all the same")
        }
        SurveyError::NoHistory { serving } => {
            let serving = serving.short();
            let family = serving.split(':').next().unwrap_or_default();
            failed
                .hint(format!(
                    "name the revision: --to NUMBER; the run that brought {serving} told which one it replaced (output \
                     previous-task-definition-arn)"
                ))
                .hint(format!(
                    "aws ecs list-task-definitions --family-prefix {family} --sort DESC lists those that there are"
                ))
        }
        _ => failed
            .hint("ECS remembers deployments for 90 days: ecs:ListServiceDeployments and ecs:DescribeServiceRevisions read them")
            .hint("name the revision: --to NUMBER"),
    }
}
