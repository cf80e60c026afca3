//! Retry and its limits: the one place in the program where a call is repeated, and where it is given up.
//!
//! **Invariant:** a call that makes something anew each time (RegisterTaskDefinition has no client token, a forced
//! UpdateService starts another deployment) is repeated only where AWS says that it did nothing, that is when
//! it was throttled. After any other lost answer the machine looks first.

use std::time::Duration;

use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{
    ClassifyRetry, RetryAction, RetryClassifierPriority, RetryReason,
};
use aws_smithy_types::retry::{ErrorKind, RetryConfig};
use aws_smithy_types::timeout::TimeoutConfig;

use crate::core::rollout::{Fault, FaultKind, Receipt};

/// Attempts for one call. AWS's standard mode makes 3; a deployment waits out a longer squall rather than fail.
const ATTEMPTS: u32 = 6;

/// One attempt of one call.
const ATTEMPT: Duration = Duration::from_secs(20);

/// One call with all its attempts and the pauses between them: a look that takes longer is worth less than another one.
const CALL: Duration = Duration::from_secs(40);

/// One change with all its calls. Before a change the record is written, in two calls; both together end within the
/// lease, so that nobody who finds it expired finds the change still under way.
pub const CHANGE: Duration = Duration::from_secs(30);

pub fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(CALL)
        .build()
}

/// The change, or that it was given up: it may have been made.
pub async fn within(
    limit: Duration,
    operation: &str,
    change: impl Future<Output = Result<Receipt, Fault>>,
) -> Result<Receipt, Fault> {
    let given_up = |_| Fault {
        operation: operation.to_owned(),
        kind: FaultKind::Unanswered,
        code: String::new(),
        message: format!("no answer within {} s", limit.as_secs()),
    };
    let made = tokio::time::timeout(limit, change).await;
    made.map_err(given_up)?
}

/// The SDK's standard mode, unless the user's own settings (`AWS_MAX_ATTEMPTS`, `AWS_RETRY_MODE`) say otherwise.
pub fn retries(asked: Option<&RetryConfig>) -> RetryConfig {
    let asked = asked.cloned().unwrap_or_else(RetryConfig::standard);
    let default = asked.max_attempts() == RetryConfig::standard().max_attempts();
    if default {
        asked.with_max_attempts(ATTEMPTS)
    } else {
        asked
    }
}

/// Lets only throttled calls be repeated.
#[derive(Debug)]
pub struct OnlyThrottled;

impl ClassifyRetry for OnlyThrottled {
    fn classify_retry(&self, _: &InterceptorContext) -> RetryAction {
        RetryAction::NoActionIndicated
    }

    fn classify_retry_v2(&self, _: &InterceptorContext, previous: &RetryAction) -> RetryAction {
        match previous {
            RetryAction::RetryIndicated(RetryReason::RetryableError {
                kind: ErrorKind::ThrottlingError,
                ..
            }) => previous.clone(),
            RetryAction::NoActionIndicated => RetryAction::NoActionIndicated,
            _ => RetryAction::RetryForbidden,
        }
    }

    fn name(&self) -> &'static str {
        "only throttled"
    }

    fn priority(&self) -> RetryClassifierPriority {
        // After the SDK's own: status codes, modelled errors, transient errors, and AWS's codes just after those.
        let transient = RetryClassifierPriority::transient_error_classifier();
        RetryClassifierPriority::run_after(RetryClassifierPriority::run_after(transient))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::journal::LEASE;

    #[test]
    fn a_record_is_written_and_a_change_made_within_one_lease() {
        let written = CALL * 2;
        assert!(written + CHANGE < LEASE.unsigned_abs());
        assert_eq!(timeouts().operation_timeout(), Some(CALL));
    }

    #[tokio::test]
    async fn a_change_without_an_answer_is_given_up_and_may_have_been_made() {
        let change = std::future::pending();
        let fault = within(Duration::ZERO, "ModifyRule", change)
            .await
            .unwrap_err();
        assert!(fault.is_unanswered());
        assert_eq!(fault.to_string(), "ModifyRule: no answer within 0 s");
    }
}
