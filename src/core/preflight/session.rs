//! Credentials that end before the rollout may.

use jiff::Timestamp;

use crate::core::plan::Plan;
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

/// Whether the rollout may outlive the credentials that it begins with.
pub fn outlives(plan: &Plan, session: Session, now: Timestamp) -> Option<Finding> {
    let limit = plan.time_limit();
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
    let finding = || {
        Finding::warning(
            "credentials",
            format!("the rollout may take {minutes} min, and its credentials {said}"),
        )
        .hint(
            "raise role-duration-seconds of aws-actions/configure-aws-credentials and the role's MaxSessionDuration; \
             a rollout whose credentials end is left as it stands, for the same command to take up (exit code 6)",
        )
    };
    (limit.as_secs() > left).then(finding)
}
