//! Credentials that end before what is begun with them may.

use std::time::Duration;

use jiff::Timestamp;

use crate::core::taskdef::Finding;

/// How long this run can call AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Session {
    /// As long as it takes: the SDK fetches others before its credentials end, if they end at all.
    Lasting,
    /// A session whose credentials are all that there is.
    Until(Timestamp),
    /// The same, and nobody says until when.
    Untold,
}

/// What a role's session lasts by OIDC unless more is asked for (STS API reference, AssumeRoleWithWebIdentity:
/// `DurationSeconds`).
const USUAL_SECONDS: u64 = 3600;

/// What may last longer than the credentials that it begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasting {
    Rollout,
    /// Somebody else's rollout is watched.
    Watch,
    /// A one-off task is waited for.
    Task,
}

impl Lasting {
    /// What it is called, and what becomes of it without credentials.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Rollout => (
                "rollout",
                "a rollout whose credentials end is left as it stands, for the same command to take up (exit code 6)",
            ),
            Self::Watch => (
                "watch",
                "what is watched goes on, and the same command watches it further",
            ),
            Self::Task => (
                "wait for the task",
                "the task goes on, and nobody learns how it ends",
            ),
        }
    }
}

/// Whether what may take so long may outlive the credentials that it begins with.
pub fn outlives(
    what: Lasting,
    limit: Duration,
    session: Session,
    now: Timestamp,
) -> Option<Finding> {
    let (left, said) = match session {
        Session::Lasting => return None,
        Session::Until(end) => {
            let left = u64::try_from(end.duration_since(now).as_secs()).unwrap_or_default();
            (left, format!("end in {} min", left / 60))
        }
        Session::Untold => {
            let said = "are a role's session, which by OIDC lasts 1 h unless more is asked for";
            (USUAL_SECONDS, said.to_owned())
        }
    };
    let minutes = limit.as_secs().div_ceil(60);
    let (name, then) = what.words();
    let finding = || {
        let message = format!("the {name} may take {minutes} min, and its credentials {said}");
        Finding::warning("credentials", message).hint(format!(
            "raise role-duration-seconds of aws-actions/configure-aws-credentials and the role's MaxSessionDuration; {then}"
        ))
    };
    (limit.as_secs() > left).then(finding)
}
