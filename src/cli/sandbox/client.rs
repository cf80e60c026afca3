//! `ecsdeploy sandbox census` and `ecsdeploy sandbox poke`: asking a sandbox that is being served.

use bytes::Bytes;
use clap::Subcommand;
use http::{Request, StatusCode, Uri};
use serde_json::Value;

use super::PORT;
use super::census::describe;
use super::door::{CENSUS, POKE};
use crate::adapters::loopback;
use crate::cli::failure::{Exit, Failure};
use crate::cli::stdout;
use crate::sandbox::faults::{Fault, Rule, Throttling, When};
use crate::sandbox::{Duration, Poke, Whom};

/// Show what is in a sandbox that is being served
#[derive(clap::Args, Debug)]
pub struct CensusArgs {
    #[command(flatten)]
    at: At,
    /// What to print
    #[arg(long, value_enum, default_value = "text")]
    output: CensusOutput,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum CensusOutput {
    /// For people
    Text,
    /// One JSON document
    Json,
}

/// Do to a sandbox what AWS has no operation for
#[derive(clap::Args, Debug)]
pub struct PokeArgs {
    #[command(flatten)]
    at: At,
    #[command(subcommand)]
    kind: PokeKind,
}

/// Which sandbox.
#[derive(clap::Args, Debug)]
struct At {
    /// URL of the sandbox
    #[arg(long, value_name = "URL", env = "AWS_ENDPOINT_URL")]
    endpoint: Option<Uri>,
    /// Port of the sandbox on this machine, whatever the URL is
    #[arg(long)]
    port: Option<u16>,
}

#[derive(Subcommand, Debug)]
enum PokeKind {
    /// Let health checks fail
    Sicken(WhomArgs),
    /// Let health checks hang
    Hang(WhomArgs),
    /// Make all well again
    Heal(WhomArgs),
    /// Let essential containers exit with 137
    Kill(WhomArgs),
    /// Let a share of requests fail
    ErrorRate {
        #[command(flatten)]
        of: WhomArgs,
        /// Share of requests that get a 5xx, 0 to 1
        rate: f64,
    },
    /// Set the mean time to answer a request
    Latency {
        #[command(flatten)]
        of: WhomArgs,
        /// Such as 250ms
        #[arg(value_parser = duration)]
        mean: Duration,
    },
    /// Add a rule that spoils calls
    Fault(FaultArgs),
    /// Take all rules away
    ClearFaults,
    /// Switch AWS's request rates on or off
    Throttling { rates: Rates },
    /// Move the clock on
    Hurry {
        /// Such as 10m; at most 24h
        #[arg(value_parser = duration)]
        by: Duration,
    },
    /// Put an alarm into a state until its next evaluation
    Alarm {
        name: String,
        /// OK, ALARM or INSUFFICIENT_DATA
        state: String,
        #[arg(long)]
        reason: Option<String>,
    },
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Rates {
    Aws,
    Off,
}

#[derive(clap::Args, Debug)]
#[group(required = true, multiple = false)]
struct WhomArgs {
    /// All tasks of this image, such as web:1.2.0
    #[arg(long)]
    image: Option<String>,
    /// One task, by id or ARN
    #[arg(long)]
    task: Option<String>,
}

#[derive(clap::Args, Debug)]
struct FaultArgs {
    /// throttle, denied, error, reset, lost, slow=DURATION, or stale=DURATION
    #[arg(value_parser = fault)]
    fault: Fault,
    /// Name that requests to the service are signed with, such as ecs
    #[arg(long)]
    service: Option<String>,
    /// Operation; Describe* means all that begin so
    #[arg(long)]
    operation: Option<String>,
    /// Only the nth call
    #[arg(long, group = "when")]
    nth: Option<u64>,
    /// Every nth call
    #[arg(long, group = "when")]
    every: Option<u64>,
    /// Each call with this probability
    #[arg(long, group = "when")]
    chance: Option<f64>,
    /// At most so many calls
    #[arg(long)]
    times: Option<u64>,
}

pub async fn census(args: &CensusArgs) -> Result<(), Failure> {
    let census = args.at.ask("GET", CENSUS, Bytes::new()).await?;
    let text = match args.output {
        CensusOutput::Text => describe(&census),
        CensusOutput::Json => {
            serde_json::to_string_pretty(&census).expect("a JSON document") + "\n"
        }
    };
    stdout::data(&text)
}

pub async fn poke(args: &PokeArgs) -> Result<(), Failure> {
    let poke = serde_json::to_vec(&args.kind.poke()).expect("a poke is plain data");
    let answer = args.at.ask("POST", POKE, poke.into()).await?;
    stdout::note(&format!(
        "done             at {}\n",
        answer["now"].as_str().unwrap_or("-")
    ));
    Ok(())
}

impl At {
    async fn ask(&self, method: &str, path: &str, body: Bytes) -> Result<Value, Failure> {
        let address = self.address()?;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &address)
            .header("content-type", "application/json")
            .body(body)
            .expect("a path and plain headers make a request");
        let response = loopback::ask(&address, request).await.map_err(|error| {
            Failure::new(Exit::Failed, "failed to ask the sandbox")
                .because(&error)
                .hint("is it being served? ecsdeploy sandbox [DIR] serves one")
        })?;
        let answer: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        if response.status() == StatusCode::OK {
            return Ok(answer);
        }
        Err(match answer["error"].as_str() {
            Some(says) => Failure::new(Exit::Failed, "the sandbox refused").cause(says),
            None => Failure::new(Exit::Failed, format!("{address} is no ecsdeploy sandbox")),
        })
    }

    /// `host:port`.
    fn address(&self) -> Result<String, Failure> {
        // The URL may come from the environment of another sandbox, but a port was typed here.
        let (Some(endpoint), None) = (&self.endpoint, self.port) else {
            return Ok(format!("127.0.0.1:{}", self.port.unwrap_or(PORT)));
        };
        match (endpoint.scheme_str(), endpoint.host()) {
            (Some("http"), Some(host)) => {
                Ok(format!("{host}:{}", endpoint.port_u16().unwrap_or(80)))
            }
            _ => Err(Failure::usage(format!("{endpoint} is no sandbox's URL"))
                .hint("a sandbox's URL is like http://127.0.0.1:4599")),
        }
    }
}

impl PokeKind {
    fn poke(&self) -> Poke {
        match self {
            Self::Sicken(whom) => Poke::Sicken(whom.whom()),
            Self::Hang(whom) => Poke::Hang(whom.whom()),
            Self::Heal(whom) => Poke::Heal(whom.whom()),
            Self::Kill(whom) => Poke::Kill(whom.whom()),
            Self::ErrorRate { of, rate } => Poke::ErrorRate {
                of: of.whom(),
                rate: *rate,
            },
            Self::Latency { of, mean } => Poke::Latency {
                of: of.whom(),
                mean: *mean,
            },
            Self::Fault(args) => Poke::Fault(args.rule()),
            Self::ClearFaults => Poke::ClearFaults,
            Self::Throttling { rates: Rates::Aws } => Poke::Throttling(Throttling::Aws),
            Self::Throttling { rates: Rates::Off } => Poke::Throttling(Throttling::Off),
            Self::Hurry { by } => Poke::Hurry(*by),
            Self::Alarm {
                name,
                state,
                reason,
            } => Poke::Alarm {
                name: name.clone(),
                state: state.clone(),
                reason: reason.clone(),
            },
        }
    }
}

impl WhomArgs {
    fn whom(&self) -> Whom {
        match (&self.image, &self.task) {
            (Some(image), _) => Whom::Image(image.clone()),
            (None, task) => Whom::Task(task.clone().unwrap_or_default()),
        }
    }
}

impl FaultArgs {
    fn rule(&self) -> Rule {
        let when = match (self.nth, self.every, self.chance) {
            (Some(n), ..) => When::Nth(n),
            (_, Some(n), _) => When::Every(n),
            (.., Some(probability)) => When::Chance(probability),
            _ => When::Always,
        };
        Rule {
            service: self.service.clone(),
            operation: self.operation.clone(),
            when,
            times: self.times,
            fault: self.fault,
        }
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    Duration::parse(text)
        .ok_or_else(|| "a duration such as 250ms, 20s or 10m is allowed".to_owned())
}

fn fault(text: &str) -> Result<Fault, String> {
    match text.split_once('=') {
        Some(("slow", by)) => duration(by).map(Fault::Slow),
        Some(("stale", by)) => duration(by).map(Fault::Stale),
        None if text == "throttle" => Ok(Fault::Throttle),
        None if text == "denied" => Ok(Fault::Denied),
        None if text == "error" => Ok(Fault::Error),
        None if text == "reset" => Ok(Fault::Reset),
        None if text == "lost" => Ok(Fault::Lost),
        _ => Err(
            "throttle, denied, error, reset, lost, slow=DURATION or stale=DURATION is allowed"
                .to_owned(),
        ),
    }
}
