//! From every error to headline, causes, hints and exit code: the only place that knows exit codes.
//!
//! **Invariant:** an exit code tells the truth about the service. 0 is said only when the wanted revision serves, or
//! when the command that was asked for did its work.

mod way_back;

use std::error::Error;
use std::fmt::Write as _;
use std::process::ExitCode;

use crate::core::gate::Verdict;
use crate::core::plan::Refusal;
use crate::core::report::{Cause, Outcome};
use crate::core::rollout::{Fault, FaultKind};
use crate::core::service_document::ServiceDocumentError;
use crate::engine::SurveyError;
use crate::ports::JournalError;
use crate::text::ci::github::Spot;
use crate::text::{Complaint, Paint};

/// What the process's exit says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    Done = 0,
    Failed = 1,
    Usage = 2,
    Changes = 3,
    RolledBack = 4,
    Stranded = 5,
    Interrupted = 6,
    Contested = 7,
}

/// Sources: aws-actions/configure-aws-credentials, `role-duration-seconds`; IAM user guide, "maximum session duration".
const LONGER_SESSIONS: &str = "a role's session by OIDC lasts 1 h unless more is asked for: raise role-duration-seconds of aws-actions/configure-aws-credentials (elsewhere --duration-seconds), and the role's MaxSessionDuration to as much";

/// Each code, its word, and what it says; the documentation and `--help` are made from it.
pub const EXITS: [(Exit, &str, &str); 8] = [
    (
        Exit::Done,
        "done",
        "it worked; for a rollout: the wanted revision serves (with --detach: its deployment runs)",
    ),
    (Exit::Failed, "failed", "it failed and nothing was changed"),
    (
        Exit::Usage,
        "usage",
        "the command line, a file or a value is wrong; nothing was changed",
    ),
    (
        Exit::Changes,
        "changes",
        "diff or plan found changes, and --exit-code asked",
    ),
    (
        Exit::RolledBack,
        "rolled back",
        "the rollout failed and the old revision serves again",
    ),
    (
        Exit::Stranded,
        "stopped",
        "the rollout failed and the service needs a hand",
    ),
    (
        Exit::Interrupted,
        "interrupted",
        "told to stop, or unable to learn how the deployment ends, or the time to watch was over; the same command takes it up again",
    ),
    (
        Exit::Contested,
        "contested",
        "another rollout or deployment has the service",
    ),
];

impl Exit {
    pub fn code(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}

/// A command that did not do what was asked.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    pub headline: String,
    /// Each explains the one before.
    pub causes: Vec<String>,
    pub hints: Vec<String>,
    /// Where in a file, if it is about one.
    pub spot: Option<Box<Spot>>,
}

impl Failure {
    pub fn new(exit: Exit, headline: impl Into<String>) -> Self {
        Self {
            exit,
            headline: headline.into(),
            causes: Vec::new(),
            hints: Vec::new(),
            spot: None,
        }
    }

    pub fn usage(headline: impl Into<String>) -> Self {
        Self::new(Exit::Usage, headline)
    }

    /// A command that only looks was told to stop.
    pub fn stopped() -> Self {
        Self::new(Exit::Interrupted, "told to stop before it was done").hint("nothing was changed")
    }

    #[must_use]
    pub fn cause(mut self, cause: impl ToString) -> Self {
        self.causes.push(cause.to_string());
        self
    }

    /// The error and everything that it says caused it.
    #[must_use]
    pub fn because(mut self, error: &dyn Error) -> Self {
        self.causes.push(error.to_string());
        let mut source = error.source();
        while let Some(error) = source {
            self.causes.push(error.to_string());
            source = error.source();
        }
        self
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// On one line.
    pub fn line(&self) -> String {
        let parts = std::iter::once(&self.headline).chain(&self.causes);
        let parts: Vec<&str> = parts.map(String::as_str).collect();
        parts.join(": ").replace('\n', " ")
    }

    /// For people, on stderr.
    pub fn render(&self) -> String {
        let mut text = format!("error: {}\n", self.headline);
        for cause in &self.causes {
            let indented = cause.trim_end().replace('\n', "\n  ");
            let _ = writeln!(text, "  {indented}");
        }
        for hint in &self.hints {
            let indented = hint.trim_end().replace('\n', "\n      ");
            let _ = writeln!(text, "hint: {indented}");
        }
        text
    }
}

impl From<Complaint> for Failure {
    fn from(complaint: Complaint) -> Self {
        let spot = complaint.place().map(|place| {
            Box::new(Spot {
                file: place.file().to_owned(),
                line: place.line(),
                column: Some(place.column()),
            })
        });
        let failure = Self::usage(complaint.message());
        let details = complaint.details(Paint::Plain);
        Self {
            spot,
            ..details.into_iter().fold(failure, Self::cause)
        }
    }
}

impl From<crate::adapters::host::FileError> for Failure {
    fn from(error: crate::adapters::host::FileError) -> Self {
        let failure = Self::usage(error.to_string());
        match error.source() {
            Some(source) => failure.cause(source),
            None => failure,
        }
    }
}

impl From<SurveyError> for Failure {
    fn from(error: SurveyError) -> Self {
        match error {
            SurveyError::Fault(fault) => fault.into(),
            SurveyError::Refused(refusal) => refusal.into(),
            SurveyError::NoService(ref key) => Self::new(Exit::Failed, error.to_string())
                .hint("check the name, the cluster and the region")
                .hint(format!(
                    "ecsdeploy deploys to a service that exists. Create it once, with Terraform (aws_ecs_service with \
                     lifecycle {{ ignore_changes = [task_definition] }}) or with\n\
                     aws ecs create-service --cluster {} --service-name {} --task-definition FAMILY --desired-count 1 …",
                    key.cluster, key.service
                )),
            SurveyError::NoImage { .. } => Self::new(Exit::Failed, error.to_string())
                .hint("push the image first, or check the tag")
                .hint("--keep-tags deploys without asking ECR"),
            SurveyError::ImageNotActive { .. } => Self::new(Exit::Failed, error.to_string())
                .hint("restore the image in ECR, or choose another tag"),
            SurveyError::NoPrevious(_)
            | SurveyError::CameBack { .. }
            | SurveyError::CodeDeployMoves { .. }
            | SurveyError::NoHistory { .. } => way_back::none(&error),
            SurveyError::NoTaskDefinition(_) => Self::new(Exit::Failed, error.to_string()),
            SurveyError::Image(_) | SurveyError::Override(_) => {
                Self::usage("failed to apply the overrides").because(&error)
            }
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let headline = refusal.to_string();
        match refusal {
            Refusal::Busy { .. } => Self::new(Exit::Contested, headline)
                .hint("wait for it to end, or take the service over with --supersede"),
            Refusal::Strategy { change, .. } => change
                .into_iter()
                .fold(Self::new(Exit::Failed, headline), Self::hint),
            Refusal::Unfit { findings } => findings.iter().fold(
                Self::new(Exit::Failed, headline),
                |failure, finding| match &finding.hint {
                    Some(hint) => failure.cause(finding).hint(hint),
                    None => failure.cause(finding),
                },
            ),
            Refusal::Unheard { said, why, .. } => Self::usage(headline)
                .cause(why)
                .hint(format!("it goes with {}", said.to.words())),
            Refusal::HandOver { .. } => Self::usage(headline).hint("leave out --detach"),
            Refusal::Unwatchable => Self::new(Exit::Failed, headline)
                .hint("ecsdeploy status shows its task sets, and a rollout of them that is on record"),
            Refusal::NoGroup { tried } => Self::new(Exit::Failed, headline)
                .cause(format!(
                    "neither {} of the application {} nor another group that this identity may list names it",
                    tried.group, tried.application
                ))
                .hint("name it: --codedeploy-application and --codedeploy-deployment-group")
                .hint("finding it takes codedeploy:GetDeploymentGroup, ListApplications and ListDeploymentGroups"),
            Refusal::Managed(ServiceDocumentError::Fixed { .. }) => Self::usage(headline).hint(
                "only a new service can have another value; leave the member out of the file",
            ),
            Refusal::Managed(_) => {
                Self::usage(headline).hint("leave the member out of the service definition's file")
            }
            Refusal::NotActive { .. }
            | Refusal::Controller { .. }
            | Refusal::Unmanageable { .. } => Self::new(Exit::Failed, headline),
        }
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Fault(fault) => fault.into(),
            JournalError::Aborted { .. } => Self::new(Exit::Failed, error.to_string())
                .hint("an abort stands; once it has gone back, the rollout can be run again"),
            other => Self::new(Exit::Failed, "failed to use the journal").because(&other),
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        let failure = Self::new(Exit::Failed, format!("failed to call {}", fault.operation));
        match fault.kind {
            FaultKind::NoCredentials => failure
                .cause(&fault.message)
                .hint("sign in (aws sso login), set AWS_PROFILE or --profile, or in CI assume a role by OIDC")
                .hint("--sandbox runs without an AWS account"),
            FaultKind::Denied => {
                let failure = failure.cause(&fault);
                match missing_action(&fault.message) {
                    Some(action) => failure.hint(format!("allow {action} to this identity")),
                    None => failure,
                }
            }
            FaultKind::Refused if fault.code == "ClusterNotFoundException" => failure
                .cause(&fault)
                .hint("check the cluster's name and the region: aws ecs list-clusters"),
            FaultKind::Refused | FaultKind::Unanswered => failure.cause(&fault),
        }
    }
}

/// The action that AWS says this identity may not perform: a call may need others than its own, such as `iam:PassRole`.
/// Source: IAM user guide, "Troubleshoot access denied error messages".
fn missing_action(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("is not authorized to perform: ")?;
    rest.split_whitespace().next()
}

/// What an outcome says to the caller: nothing for success, else the failure with its exit code.
pub fn judge(outcome: &Outcome) -> Result<(), Failure> {
    match outcome {
        Outcome::Unchanged | Outcome::Completed => Ok(()),
        Outcome::RolledBack { cause } => Err(Failure::new(
            Exit::RolledBack,
            "the rollout failed; the old revision serves again",
        )
        .with(cause)),
        Outcome::Failed { cause } => Err(Failure::new(
            Exit::Failed,
            "the rollout failed; the service was not changed",
        )
        .with(cause)),
        Outcome::Stranded { cause } => Err(Failure::new(
            Exit::Stranded,
            "the rollout failed and the service needs a hand",
        )
        .with(cause)
        .hint("ecsdeploy status shows where it stands")),
        Outcome::Superseded { by } => Err(Failure::new(
            Exit::Contested,
            format!("deployment {by} took the service over"),
        )
        .cause("this run's deployment is no longer the service's primary deployment")
        .hint("its own run decides whether the service is well; ecsdeploy status shows it")),
    }
}

impl Failure {
    pub fn with(self, cause: &Cause) -> Self {
        let failure = self.cause(cause);
        match cause {
            Cause::CircuitBreaker { .. } | Cause::TasksFailing { .. } => failure
                .hint("the failed tasks above say why they stopped; their logs say more"),
            Cause::Unrunnable { .. } => {
                failure.hint("check the image's name, tag and platform, and the execution role's rights to pull it")
            }
            Cause::Alarm { .. } => failure.hint("look at the alarms' history in CloudWatch"),
            Cause::Gate { verdict, .. } => failure.hint(match verdict {
                Verdict::NoData => "give the gate more traffic, more time, or ask it in a later step",
                Verdict::Error => "what the gate looks at could not be read: check its name, its reach and ecsdeploy's rights",
                _ => "the gate's lines above say what was measured, step by step",
            }),
            Cause::Stopped { .. } => failure.hint("somebody stopped it or deployed over it, or it waited for longer than it may"),
            Cause::Deadline { .. } => failure.hint("--timeout gives it longer; the service events say what held it up"),
            Cause::Refused { .. } => failure.hint("AWS's own words above say what it did not accept"),
            Cause::NoCredentials { .. } => failure.hint(LONGER_SESSIONS),
            Cause::Blind { .. } => failure.hint("what AWS was told to do goes on, and nothing else is done; the same command takes it up again"),
            Cause::Restless => failure.hint("that is a defect of ecsdeploy: please report it with the lines above"),
            Cause::NotOurs { .. } => {
                failure.hint("rename or delete that service; the canary needs its name")
            }
            Cause::Cancelled { .. } | Cause::ServiceGone { .. } => failure,
            Cause::FailedByCodeDeploy { .. } => {
                failure.hint("the deployment's lifecycle events in CodeDeploy say which step failed")
            }
            Cause::FailedByEcs { .. } => failure.hint("the service events above are ECS's account of it"),
            Cause::NoWayBack { .. } => failure.hint("roll out a revision that works: the service has no completed one"),
            Cause::UndoFailed { .. } => {
                failure.hint("roll out a revision that works, or raise the desired capacity and run the same command")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::id::DeploymentId;

    #[test]
    fn each_way_that_a_rollout_ends_has_its_code() {
        let cause = || Cause::Cancelled {
            by: "anna".to_owned(),
        };
        let by = DeploymentId::new("ecs-svc/3");
        for (outcome, exit) in [
            (Outcome::Unchanged, None),
            (Outcome::Completed, None),
            (Outcome::Failed { cause: cause() }, Some(Exit::Failed)),
            (
                Outcome::RolledBack { cause: cause() },
                Some(Exit::RolledBack),
            ),
            (Outcome::Stranded { cause: cause() }, Some(Exit::Stranded)),
            (Outcome::Superseded { by }, Some(Exit::Contested)),
        ] {
            let judged = judge(&outcome).err().map(|failure| failure.exit);
            assert_eq!(judged, exit, "{outcome}");
        }
        assert_eq!([Exit::Stranded as u8, Exit::Contested as u8], [5, 7]);
    }
}
