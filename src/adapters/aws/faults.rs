//! From the SDK's errors to faults that `core` can judge.
//!
//! **Invariant:** a call whose answer did not arrive is never called refused: it may have been carried out.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
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

/// Error codes that say that the credentials themselves are of no use.
const CREDENTIALS: [&str; 5] = [
    "ExpiredTokenException",
    "ExpiredToken",
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
];

/// Error codes of a throttled call that was still throttled after the last attempt.
const THROTTLED: [&str; 4] = [
    "ThrottlingException",
    "Throttling",
    "TooManyRequestsException",
    "RequestLimitExceeded",
];

pub fn fault<E>(operation: &str, error: &SdkError<E, HttpResponse>) -> Fault
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ServiceError(answer) => {
            let code = answer.err().code().unwrap_or_default();
            Fault {
                operation: operation.to_owned(),
                kind: kind_of(code, answer.raw().status().as_u16()),
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

fn kind_of(code: &str, status: u16) -> FaultKind {
    if DENIED.contains(&code) {
        FaultKind::Denied
    } else if CREDENTIALS.contains(&code) {
        FaultKind::NoCredentials
    } else if status >= 500 || code.is_empty() || THROTTLED.contains(&code) {
        FaultKind::Unanswered
    } else {
        FaultKind::Refused
    }
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
        for (code, status, kind) in [
            ("AccessDeniedException", 400, FaultKind::Denied),
            ("ExpiredTokenException", 400, FaultKind::NoCredentials),
            ("ThrottlingException", 400, FaultKind::Unanswered),
            ("ServerException", 500, FaultKind::Unanswered),
            ("ClientException", 400, FaultKind::Refused),
            // Not an answer of the service: a proxy's, perhaps.
            ("", 403, FaultKind::Unanswered),
            ("", 503, FaultKind::Unanswered),
        ] {
            assert_eq!(kind_of(code, status), kind, "{code} {status}");
        }
    }
}
