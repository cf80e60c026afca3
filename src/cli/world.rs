//! The composition root: which AWS, which clock.
//!
//! **Invariant:** credentials are looked for, and clients built, only by the commands that call AWS. With `--sandbox`
//! nothing leaves the process.

use std::io::IsTerminal as _;
use std::path::Path;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_http_client::tls;
use jiff::Timestamp;

use super::args::{Speed, WorldArgs};
use super::failure::{Exit, Failure};
use super::stage::{SandboxClock, SharedSandbox};
use super::{input, stdout};
use crate::adapters::aws::{Aws, retries, timeouts};
use crate::adapters::host::{self, HostClock, Signals};
use crate::adapters::http::Http;
use crate::core::gate::{Probe, Reply};
use crate::core::id::ServiceKey;
use crate::core::preflight::Session;
use crate::core::rollout::Fault;
use crate::ports::{Clock, Prober, Wake};
use crate::sandbox::Sandbox;

/// The name of a directory's sandbox world.
pub const WORLD_FILE: &str = "sandbox.yml";

/// Virtual seconds in a second, when somebody watches.
const WATCHABLE: f64 = 30.0;

/// What a command works on.
pub struct World {
    pub aws: Aws,
    pub clock: AnyClock,
    /// What tells the clock, and a rehearsal, to stop.
    pub signals: Signals,
    pub prober: AnyProber,
    /// For clients of other services.
    pub config: SdkConfig,
    sandbox: Option<SharedSandbox>,
}

/// The clock that fits the cloud.
pub enum AnyClock {
    Host(HostClock),
    Sandbox(SandboxClock),
}

/// Who sends a gate's probes.
pub enum AnyProber {
    Network(Http),
    /// To the sandbox's load balancers.
    Sandbox(SharedSandbox),
}

impl World {
    /// AWS itself, or with `--sandbox` the sandbox of the directory.
    pub async fn open(
        args: &WorldArgs,
        region: Option<&str>,
        directory: &Path,
    ) -> Result<Self, Failure> {
        Self::with(args, region, directory, listen()?).await
    }

    /// For a command that listens already.
    pub async fn with(
        args: &WorldArgs,
        region: Option<&str>,
        directory: &Path,
        signals: Signals,
    ) -> Result<Self, Failure> {
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
            clock: AnyClock::Host(HostClock::new(signals.clone())),
            signals,
            prober: AnyProber::Network(Http::network()),
            config,
            sandbox: None,
        })
    }

    fn sandbox(args: &WorldArgs, directory: &Path, signals: Signals) -> Result<Self, Failure> {
        let file = directory.join(WORLD_FILE);
        if !host::exists(&file) {
            return Err(Failure::usage(format!(
                "there is no {} to make a sandbox of",
                file.display()
            ))
            .hint(
                "--sandbox plays the world that a directory's sandbox.yml describes; see examples/",
            ));
        }
        let text = input::read(&file)?;
        let sandbox = Sandbox::new(&text, args.seed).map_err(|error| {
            Failure::usage(format!("failed to read {}", file.display())).because(&error)
        })?;
        // The SDK draws its retry jitter from this generator; seeded, a run repeats itself.
        fastrand::seed(args.seed);
        let shared = SharedSandbox::new(sandbox);
        let clock = SandboxClock::new(shared.clone(), speed(args.speed), signals.clone());
        let config = shared.config();
        Ok(Self {
            aws: Aws::new(&config),
            clock: AnyClock::Sandbox(clock),
            signals,
            prober: AnyProber::Sandbox(shared.clone()),
            config,
            sandbox: Some(shared),
        })
    }

    /// Where this is, in a word.
    pub fn place(&self) -> &'static str {
        if self.sandbox.is_some() {
            "sandbox"
        } else {
            "AWS"
        }
    }

    pub fn is_sandbox(&self) -> bool {
        self.sandbox.is_some()
    }

    /// The service's page in the AWS console; the sandbox has none.
    pub fn console(&self, target: &ServiceKey) -> Option<String> {
        let region = self.config.region().filter(|_| !self.is_sandbox())?;
        let (cluster, service) = (target.cluster.short(), target.service.short());
        Some(format!(
            "https://{region}.console.aws.amazon.com/ecs/v2/clusters/{cluster}/services/{service}/health?region={region}"
        ))
    }

    /// How long this run can call AWS, as far as its environment tells.
    pub fn session(&self) -> Session {
        if self.is_sandbox() {
            Session::Lasting
        } else {
            session(host::variable)
        }
    }

    /// Says, last of all, what a run against the sandbox called, so that its cost on AWS is known before.
    pub fn note_calls(&self) {
        let Some(sandbox) = &self.sandbox else { return };
        let sandbox = sandbox.lock();
        let calls: Vec<String> = sandbox
            .calls()
            .iter()
            .map(|((_, operation), count)| format!("{operation} {count}"))
            .collect();
        stdout::note_last(&format!("calls            {}\n", calls.join(", ")));
    }
}

/// From now on a signal is a wish to stop.
pub fn listen() -> Result<Signals, Failure> {
    Signals::listen(stopping, stop_at_once)
        .map_err(|error| Failure::new(Exit::Failed, "failed to listen for signals").because(&error))
}

async fn connect(region: Option<&str>, profile: Option<&str>) -> SdkConfig {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(
            tls::rustls_provider::CryptoMode::AwsLc,
        ))
        .build_https();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .timeout_config(timeouts());
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

/// Only a session in environment variables cannot be fetched anew: they are the first source that the SDK looks at, and
/// what it fetches from the others it renews. `AWS_CREDENTIAL_EXPIRATION` stands beside them where `aws configure
/// export-credentials` wrote them.
fn session(variable: impl Fn(&str) -> Option<String>) -> Session {
    let is_set = |name| variable(name).is_some();
    if !is_set("AWS_ACCESS_KEY_ID") || !is_set("AWS_SESSION_TOKEN") {
        return Session::Lasting;
    }
    let until = variable("AWS_CREDENTIAL_EXPIRATION");
    let until = until.and_then(|text| text.parse().ok());
    until.map_or(Session::Untold, Session::Until)
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

fn stopping() {
    stdout::note("stopping         within 7 s; a second signal stops at once\n");
}

fn stop_at_once() -> ! {
    std::process::exit(i32::from(Exit::Interrupted as u8))
}

impl Prober for AnyProber {
    async fn probe(&self, probe: &Probe) -> Result<Reply, Fault> {
        match self {
            Self::Network(http) => http.probe(probe).await,
            Self::Sandbox(sandbox) => sandbox.probe(probe).await,
        }
    }
}

impl Clock for AnyClock {
    fn now(&self) -> Timestamp {
        match self {
            Self::Host(clock) => clock.now(),
            Self::Sandbox(clock) => clock.now(),
        }
    }

    async fn sleep_until(&self, until: Timestamp) -> Wake {
        match self {
            Self::Host(clock) => clock.sleep_until(until).await,
            Self::Sandbox(clock) => clock.sleep_until(until).await,
        }
    }

    async fn pass_until(&self, until: Timestamp) -> Wake {
        match self {
            Self::Host(clock) => clock.pass_until(until).await,
            Self::Sandbox(clock) => clock.pass_until(until).await,
        }
    }

    async fn attend<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        match self {
            Self::Host(clock) => clock.attend(Box::pin(work)).await,
            Self::Sandbox(clock) => clock.attend(Box::pin(work)).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(variables: &[(&str, &str)], expected: Session) {
        let read = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        assert_eq!(session(read), expected, "{variables:?}");
    }

    #[test]
    fn only_a_session_in_the_environment_ends() {
        let (key, token) = (("AWS_ACCESS_KEY_ID", "AKIA"), ("AWS_SESSION_TOKEN", "t"));
        let until = ("AWS_CREDENTIAL_EXPIRATION", "1970-01-01T00:01:00+00:00");
        let minute = Timestamp::from_second(60).expect("a small number of seconds is a time");
        check(&[], Session::Lasting);
        check(&[key], Session::Lasting);
        check(&[until, ("AWS_PROFILE", "prod")], Session::Lasting);
        check(&[key, token], Session::Untold);
        check(&[key, token, until], Session::Until(minute));
        let unreadable = ("AWS_CREDENTIAL_EXPIRATION", "soon");
        check(&[key, token, unreadable], Session::Untold);
    }
}
