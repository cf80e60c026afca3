//! The composition root: which AWS, which clock.
//!
//! **Invariant:** credentials are looked for, and clients built, only by the commands that call AWS. With `--sandbox`
//! nothing leaves the process.

use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{AsyncSleep, Sleep};
use aws_smithy_async::time::TimeSource;
use aws_smithy_http_client::tls;
use aws_smithy_types::timeout::TimeoutConfig;
use jiff::Timestamp;

use super::args::{Speed, WorldArgs};
use super::failure::{Exit, Failure};
use super::stdout;
use crate::adapters::aws::{Aws, Function, retries};
use crate::adapters::host::{self, HostClock, Signals};
use crate::ports::{Clock, Wake};
use crate::sandbox::{Sandbox, Time};

/// The name of a directory's sandbox world.
const WORLD_FILE: &str = "sandbox.yml";

/// Virtual seconds in a second, when somebody watches.
const WATCHABLE: f64 = 30.0;

/// One attempt of one call may take so long.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(20);

/// What a command works on.
pub struct World {
    pub aws: Aws,
    pub clock: AnyClock,
    sandbox: Option<Shared>,
}

/// The clock that fits the cloud.
pub enum AnyClock {
    Host(HostClock),
    Sandbox(SandboxClock),
}

impl World {
    /// AWS itself, or with `--sandbox` the sandbox of the directory.
    pub async fn open(args: &WorldArgs, region: Option<&str>, directory: &Path) -> Result<Self, Failure> {
        let signals = Signals::listen(stop_at_once)
            .map_err(|error| Failure::new(Exit::Failed, "failed to listen for signals").because(&error))?;
        if args.sandbox {
            return Self::sandbox(args, directory, signals);
        }
        let region = args.region.as_deref().or(region);
        let config = connect(region, args.profile.as_deref()).await;
        if config.region().is_none() {
            return Err(Failure::usage("no AWS region is set")
                .hint("set region in ecsdeploy.yml, --region, or AWS_REGION"));
        }
        Ok(Self {
            aws: Aws::new(&config),
            clock: AnyClock::Host(HostClock::new(signals)),
            sandbox: None,
        })
    }

    fn sandbox(args: &WorldArgs, directory: &Path, signals: Signals) -> Result<Self, Failure> {
        let file = directory.join(WORLD_FILE);
        if !host::exists(&file) {
            return Err(Failure::usage(format!("there is no {} to make a sandbox of", file.display()))
                .hint("--sandbox plays the world that a directory's sandbox.yml describes; see examples/"));
        }
        let text = host::read(&file)?;
        let sandbox = Sandbox::new(&text, args.seed).map_err(|error| {
            Failure::usage(format!("failed to read {}", file.display())).because(&error)
        })?;
        // The SDK draws its retry jitter from this generator; seeded, a run repeats itself.
        fastrand::seed(args.seed);
        let shared = Shared(Arc::new(Mutex::new(sandbox)));
        Ok(Self {
            aws: Aws::new(&shared.config()),
            clock: AnyClock::Sandbox(SandboxClock {
                sandbox: shared.clone(),
                speed: speed(args.speed),
                signals,
            }),
            sandbox: Some(shared),
        })
    }

    /// Where this is, in a word.
    pub fn place(&self) -> &'static str {
        if self.sandbox.is_some() { "sandbox" } else { "AWS" }
    }

    /// Says what a run against the sandbox called, so that its cost on AWS is known before.
    pub fn note_calls(&self) {
        let Some(sandbox) = &self.sandbox else { return };
        let sandbox = sandbox.lock();
        let calls: Vec<String> = sandbox
            .calls()
            .iter()
            .map(|((_, operation), count)| format!("{operation} {count}"))
            .collect();
        stdout::note(&format!("calls            {}\n", calls.join(", ")));
    }
}

async fn connect(region: Option<&str>, profile: Option<&str>) -> SdkConfig {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc))
        .build_https();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).build());
    if let Some(profile) = profile {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = region {
        loader = loader.region(Region::new(region.to_owned()));
    }
    let config = loader.load().await;
    let retries = retries(config.retry_config());
    config.into_builder().retry_config(retries).build()
}

fn speed(asked: Option<Speed>) -> Speed {
    asked.unwrap_or_else(|| {
        if std::io::stderr().is_terminal() {
            Speed::Times(WATCHABLE)
        } else {
            Speed::Max
        }
    })
}

fn stop_at_once() -> ! {
    std::process::exit(i32::from(Exit::Interrupted as u8))
}

impl Clock for AnyClock {
    fn now(&self) -> Timestamp {
        match self {
            Self::Host(clock) => clock.now(),
            Self::Sandbox(clock) => clock.sandbox.now(),
        }
    }

    async fn sleep_until(&self, until: Timestamp) -> Wake {
        match self {
            Self::Host(clock) => clock.sleep_until(until).await,
            Self::Sandbox(clock) => clock.sleep_until(until).await,
        }
    }
}

/// Sleeping is what makes the sandbox's time pass.
pub struct SandboxClock {
    sandbox: Shared,
    speed: Speed,
    signals: Signals,
}

impl SandboxClock {
    async fn sleep_until(&self, until: Timestamp) -> Wake {
        // Lets the signal listener run, which virtual time would otherwise starve.
        tokio::task::yield_now().await;
        let Speed::Times(times) = self.speed else {
            self.sandbox.advance(until);
            return self.signals.pause(Duration::ZERO).await;
        };
        while self.sandbox.now() < until {
            let left = Duration::try_from(until.duration_since(self.sandbox.now())).unwrap_or_default();
            let step = left.min(Duration::from_secs(1));
            if self.signals.pause(step.div_f64(times)).await == Wake::Interrupted {
                return Wake::Interrupted;
            }
            let next = self.sandbox.now() + step;
            self.sandbox.advance(next.min(until));
        }
        self.signals.pause(Duration::ZERO).await
    }
}

/// The sandbox, held by the SDK's connector, its clock, its sleeps, and ours.
#[derive(Clone)]
struct Shared(Arc<Mutex<Sandbox>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Sandbox> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        let millis = i64::try_from(self.lock().now().millis()).unwrap_or(i64::MAX);
        Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
    }

    fn advance(&self, to: Timestamp) {
        let millis = u64::try_from(to.as_millisecond()).unwrap_or_default();
        self.lock().advance(Time::from_millis(millis));
    }

    fn config(&self) -> SdkConfig {
        let mouth = self.clone();
        let region = self.lock().world.region.clone();
        let credentials = Credentials::from_keys("AKIASANDBOX", "sandbox", None);
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region))
            .endpoint_url("http://sandbox.invalid")
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(Function::new(move |request| Ok(mouth.lock().answer(&request))))
            .retry_config(retries(None))
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(aws_sdk_ecs::config::StalledStreamProtectionConfig::disabled())
            .sleep_impl(self.clone())
            .time_source(self.clone())
            .build()
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sandbox")
    }
}

impl AsyncSleep for Shared {
    fn sleep(&self, duration: Duration) -> Sleep {
        let sandbox = self.clone();
        Sleep::new(async move {
            let until = sandbox.now() + duration;
            sandbox.advance(until);
        })
    }
}

impl TimeSource for Shared {
    fn now(&self) -> SystemTime {
        Self::now(self).into()
    }
}
