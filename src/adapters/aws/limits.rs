//! Retry and its limits: the one place in the program where a call is repeated.
//!
//! **Invariant:** a call that makes something anew each time (RegisterTaskDefinition has no client token, a forced
//! UpdateService starts another deployment) is repeated only where AWS says that it did nothing, that is when
//! it was throttled. After any other lost answer the machine looks first.

use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{
    ClassifyRetry, RetryAction, RetryClassifierPriority, RetryReason,
};
use aws_smithy_types::retry::{ErrorKind, RetryConfig};

/// Attempts for one call. AWS's standard mode makes 3; a deployment waits out a longer squall rather than fail.
const ATTEMPTS: u32 = 6;

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
