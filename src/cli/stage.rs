//! The sandbox as a stage: AWS clients whose every request it answers, and clocks that it moves.
//!
//! **Invariant:** in virtual time nothing waits. Our sleeps and the SDK's advance the sandbox instead.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{AsyncSleep, Sleep};
use aws_smithy_async::time::TimeSource;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::timeout::TimeoutConfig;
use bytes::Bytes;
use jiff::Timestamp;

use super::args::Speed;
use crate::adapters::aws::{Answer, Function, retries};
use crate::adapters::host::Signals;
use crate::core::gate::{Probe, Reply};
use crate::core::rollout::{Fault, FaultKind};
use crate::ports::{Clock, Prober, Wake};
use crate::sandbox::{Outcome, Sandbox, Time};

/// Sleeping is what makes the sandbox's time pass.
#[derive(Clone, Debug)]
pub struct SandboxClock {
    sandbox: SharedSandbox,
    speed: Speed,
    signals: Signals,
}

impl SandboxClock {
    pub fn new(sandbox: SharedSandbox, speed: Speed, signals: Signals) -> Self {
        Self {
            sandbox,
            speed,
            signals,
        }
    }
}

impl Clock for SandboxClock {
    fn now(&self) -> Timestamp {
        self.sandbox.now()
    }

    async fn sleep_until(&self, until: Timestamp) -> Wake {
        // Lets the signal listener run, which virtual time would otherwise starve.
        tokio::task::yield_now().await;
        let Speed::Times(times) = self.speed else {
            self.sandbox.advance(until);
            return self.signals.pause(Duration::ZERO).await;
        };
        while self.sandbox.now() < until {
            let left =
                Duration::try_from(until.duration_since(self.sandbox.now())).unwrap_or_default();
            let step = left.min(Duration::from_secs(1));
            if self.signals.pause(step.div_f64(times)).await == Wake::Interrupted {
                return Wake::Interrupted;
            }
            let next = self.sandbox.now() + step;
            self.sandbox.advance(next.min(until));
        }
        self.signals.pause(Duration::ZERO).await
    }

    async fn pass_until(&self, until: Timestamp) -> Wake {
        // Whoever works beside this moves the time, and is polled again whenever that may have happened.
        let passed = |_: &mut Context<'_>| {
            if self.sandbox.now() < until {
                Poll::Pending
            } else {
                Poll::Ready(Wake::Due)
            }
        };
        std::future::poll_fn(passed).await
    }

    async fn attend<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        // On the heap, for each layer of waiting would hold the work once more.
        self.signals.attend(Box::pin(work)).await
    }
}

/// A probe is one request to a load balancer of the sandbox: to the one of that name, else to the only one there is, as
/// if every other name led to it. Bodies are not modelled; they are empty.
impl Prober for SharedSandbox {
    async fn probe(&self, probe: &Probe) -> Result<Reply, Fault> {
        let fault = |message: String| Fault {
            operation: format!("GET {}", probe.url),
            kind: FaultKind::Unanswered,
            code: String::new(),
            message,
        };
        let url: http::Uri = probe
            .url
            .parse()
            .map_err(|error| fault(format!("{error}")))?;
        let headers = probe.headers.iter().cloned().collect();
        let knock = self.lock().knock(&url, headers).map_err(fault)?;
        Ok(Reply {
            status: knock.status,
            body: String::new(),
            took: Duration::from_millis(knock.took.millis()),
        })
    }
}

/// The sandbox, held by the SDK's connector, its clock, its sleeps, and ours.
#[derive(Clone)]
pub struct SharedSandbox(Arc<Mutex<Sandbox>>);

impl SharedSandbox {
    pub fn new(sandbox: Sandbox) -> Self {
        Self(Arc::new(Mutex::new(sandbox)))
    }

    pub fn lock(&self) -> MutexGuard<'_, Sandbox> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn now(&self) -> Timestamp {
        let millis = i64::try_from(self.lock().now().millis()).unwrap_or(i64::MAX);
        Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
    }

    pub fn advance(&self, to: Timestamp) {
        let millis = u64::try_from(to.as_millisecond()).unwrap_or_default();
        self.lock().advance(Time::from_millis(millis));
    }

    /// Carries a request to the sandbox and its answer back, however long that takes.
    pub fn carry(&self, request: &http::Request<Bytes>) -> Answer {
        let mut sandbox = self.lock();
        let exchange = sandbox.exchange(request);
        let arrives = sandbox.now() + exchange.after;
        sandbox.advance(arrives);
        match exchange.outcome {
            Outcome::Answered(response) => Ok(response),
            Outcome::Lost => Err(ConnectorError::io("the connection broke".into())),
        }
    }

    /// What AWS clients need to speak to the sandbox and sleep by its clock.
    pub fn config(&self) -> SdkConfig {
        let mouth = self.clone();
        let region = self.lock().world.region.clone();
        let credentials = Credentials::from_keys("AKIASANDBOX", "sandbox", None);
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region))
            .endpoint_url("http://sandbox.invalid")
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(Function::new(move |request| mouth.carry(&request)))
            .retry_config(retries(None))
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(
                aws_sdk_ecs::config::StalledStreamProtectionConfig::disabled(),
            )
            .sleep_impl(self.clone())
            .time_source(self.clone())
            .build()
    }
}

impl std::fmt::Debug for SharedSandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sandbox")
    }
}

impl AsyncSleep for SharedSandbox {
    fn sleep(&self, duration: Duration) -> Sleep {
        let sandbox = self.clone();
        Sleep::new(async move {
            let until = sandbox.now() + duration;
            sandbox.advance(until);
        })
    }
}

impl TimeSource for SharedSandbox {
    fn now(&self) -> SystemTime {
        Self::now(self).into()
    }
}
