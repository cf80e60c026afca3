//! From the SDK's errors to faults that `core` can judge.
//!
//! **Invariant:** a call whose answer did not arrive is never called refused: it may have been carried out.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_runtime::retries::classifiers::{THROTTLING_ERRORS, TRANSIENT_ERRORS};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::core::rollout::{Fault, FaultKind};

/// Error codes that say "not allowed", across the services called here.
const DENIED: [&str; 4] = [
    "AccessDeniedException",
    "AccessDenied",
    "UnauthorizedOperation",
    "NotAuthorized",
];

/// Error codes that say that the credentials themselves are of no use (AWS API references, "common errors").
const CREDENTIALS: [&str; 8] = [
    "ExpiredTokenException",
    "ExpiredToken",
    "RequestExpired",
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "MissingAuthenticationToken",
];

/// What the SDK does not know to pass by: Parameter Store's, for a parameter that is being written at this moment (SSM API
/// reference, PutParameter).
const PASSING: [&str; 1] = ["TooManyUpdates"];

/// Some services throttle with it; from a call that makes something it says that no more of those may be (ECS API
/// reference, CreateTaskSet: "the limit for the resource was exceeded").
const LIMIT: &str = "LimitExceededException";
const MAKING: [&str; 3] = ["Create", "Register", "Tag"];

pub fn fault<E>(operation: &str, error: &SdkError<E, HttpResponse>) -> Fault
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ServiceError(answer) => {
            let code = answer.err().code().unwrap_or_default();
            Fault {
                operation: operation.to_owned(),
                kind: kind_of(operation, code, answer.raw().status().as_u16()),
                code: code.to_owned(),
                message: answer
                    .err()
                    .message()
                    .unwrap_or("no reason given")
                    .to_owned(),
            }
        }
        other => Fault {
            operation: operation.to_owned(),
            kind: if lacks_credentials(other) {
                FaultKind::NoCredentials
            } else {
                FaultKind::Unanswered
            },
            code: String::new(),
            message: causes(other),
        },
    }
}

fn kind_of(operation: &str, code: &str, status: u16) -> FaultKind {
    if DENIED.contains(&code) {
        FaultKind::Denied
    } else if CREDENTIALS.contains(&code) {
        FaultKind::NoCredentials
    } else if code == LIMIT && MAKING.iter().any(|verb| operation.starts_with(verb)) {
        FaultKind::Refused
    } else if status >= 500 || code.is_empty() || passes(code) {
        FaultKind::Unanswered
    } else {
        FaultKind::Refused
    }
}

/// Whether the same call may work in a while: whatever the SDK repeats is, after the last attempt, no refusal.
fn passes(code: &str) -> bool {
    [THROTTLING_ERRORS, TRANSIENT_ERRORS, &PASSING]
        .iter()
        .any(|codes| codes.contains(&code))
}

/// The error and what it says caused it, each once.
fn causes(error: &(dyn Error + 'static)) -> String {
    let mut said: Vec<String> = Vec::new();
    let mut cause = Some(error);
    while let Some(error) = cause {
        let text = error.to_string();
        if said.last() != Some(&text) {
            said.push(text);
        }
        cause = error.source();
    }
    said.join(": ")
}

fn lacks_credentials(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<CredentialsError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_statuses_become_kinds() {
        use FaultKind::{Denied, NoCredentials, Refused, Unanswered};
        for (code, status, kind) in [
            ("AccessDeniedException", 400, Denied),
            ("ExpiredTokenException", 400, NoCredentials),
            ("ExpiredToken", 403, NoCredentials),
            ("SignatureDoesNotMatch", 403, NoCredentials),
            ("ThrottlingException", 400, Unanswered),
            ("ThrottledException", 400, Unanswered),
            ("Throttling", 400, Unanswered),
            ("PriorRequestNotComplete", 400, Unanswered),
            ("RequestTimeout", 400, Unanswered),
            ("TooManyUpdates", 400, Unanswered),
            ("ServerException", 500, Unanswered),
            ("ClientException", 400, Refused),
            // Limits that no waiting moves.
            ("DeploymentLimitExceededException", 400, Refused),
            ("ParameterLimitExceeded", 400, Refused),
            ("TooManyTargets", 400, Refused),
            // Not an answer of the service: a proxy's, perhaps.
            ("", 403, Unanswered),
            ("", 503, Unanswered),
        ] {
            let said = kind_of("UpdateService", code, status);
            assert_eq!(said, kind, "{code} {status}");
        }
    }

    #[test]
    fn a_limit_stands_in_the_way_only_of_what_makes_something() {
        for (operation, kind) in [
            ("CreateTaskSet", FaultKind::Refused),
            ("RegisterTaskDefinition", FaultKind::Refused),
            ("TagResource", FaultKind::Refused),
            ("DeleteTaskSet", FaultKind::Unanswered),
            ("DescribeServices", FaultKind::Unanswered),
        ] {
            assert_eq!(kind_of(operation, LIMIT, 400), kind, "{operation}");
        }
    }
}
