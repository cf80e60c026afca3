//! Argument groups that several commands share.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value};

use super::container::ContainerArgs;
use crate::text::config::HumanDuration;

/// Which service, and where its configuration is.
#[derive(Args, Clone, Debug)]
pub struct ServiceArgs {
    /// Directory of ecsdeploy.yml, or the file itself
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// Environment block of ecsdeploy.yml
    #[arg(long, value_name = "NAME", env = "ECSDEPLOY_ENV")]
    pub env: Option<String>,
    /// Cluster; overrides ecsdeploy.yml
    #[arg(long)]
    pub cluster: Option<String>,
    /// Service of ecsdeploy.yml; without a configuration, the ECS service
    #[arg(long)]
    pub service: Option<String>,
}

/// What the task definition is made of. From lowest to highest: values of ecsdeploy.yml, of its environment, values files, --set, and the options named after what they set.
#[derive(Args, Clone, Debug)]
pub struct DocumentArgs {
    /// Task definition: .json, .yaml, or a template .json.hbs; overrides ecsdeploy.yml
    #[arg(long, value_name = "FILE")]
    pub task_definition: Option<PathBuf>,
    /// File of values for the template (YAML or JSON); may be repeated
    #[arg(long = "values", value_name = "FILE")]
    pub values_files: Vec<PathBuf>,
    /// One value for the template; dots nest; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Image of a container; the name may be left out where it is plain which one is meant
    #[arg(long = "image", value_name = "[CONTAINER=]REF")]
    pub images: Vec<String>,
    /// Task CPU: units, or "0.5 vCPU"
    #[arg(long)]
    pub cpu: Option<String>,
    /// Task memory: MiB, or "1 GB"
    #[arg(long)]
    pub memory: Option<String>,
    /// Task role, by name or ARN
    #[arg(long, value_name = "ROLE")]
    pub task_role: Option<String>,
    /// Execution role, by name or ARN
    #[arg(long, value_name = "ROLE")]
    pub execution_role: Option<String>,
    /// Begin with a registered task definition instead of a file: FAMILY, FAMILY:REVISION or ARN
    #[arg(long, value_name = "NAME", conflicts_with = "task_definition")]
    pub revision: Option<String>,
    #[command(flatten)]
    pub container: ContainerArgs,
}

/// What else of the service changes.
#[derive(Args, Clone, Debug)]
pub struct ManagedArgs {
    /// Members of the service to change along with it (.json, .yaml or .json.hbs), as CreateService names them; what the file does not name is left alone. Overrides ecsdeploy.yml
    #[arg(long, value_name = "FILE")]
    pub service_definition: Option<PathBuf>,
    /// Members of the service, as a JSON object; over those of the service definition
    #[arg(long, value_name = "OBJECT", value_parser = object)]
    pub members: Option<Map<String, Value>>,
}

/// Whether image tags are resolved.
#[derive(Args, Clone, Debug)]
pub struct PinArgs {
    /// Keep image tags as they are; by default ECR tags are pinned to their digests
    #[arg(long)]
    pub keep_tags: bool,
}

/// Which AWS.
#[derive(Args, Clone, Debug)]
pub struct WorldArgs {
    /// AWS region; overrides ecsdeploy.yml and AWS_REGION
    #[arg(long)]
    pub region: Option<String>,
    /// Profile of ~/.aws/config
    #[arg(long)]
    pub profile: Option<String>,
    /// Play against the embedded sandbox that the directory's sandbox.yml describes, with no AWS account
    #[arg(long)]
    pub sandbox: bool,
    /// Sandbox: virtual seconds in a second, or max; by default max, and 30 on a terminal
    #[arg(long, value_name = "N|max", value_parser = Speed::parse)]
    pub speed: Option<Speed>,
    /// Sandbox: seed of everything that varies
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// How fast the sandbox's time passes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    Max,
    Times(f64),
}

/// What is written to stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people
    Text,
    /// One JSON document
    Json,
    /// One JSON document a line, as things happen
    Jsonl,
}

impl Speed {
    fn parse(text: &str) -> Result<Self, String> {
        if text == "max" {
            return Ok(Self::Max);
        }
        match text.parse::<f64>() {
            Ok(times) if times > 0.0 && times.is_finite() => Ok(Self::Times(times)),
            _ => Err("a number greater than 0, or max, is allowed".to_owned()),
        }
    }
}

/// For clap: `90s`, `15m`, `1h30m`.
pub fn duration(text: &str) -> Result<Duration, <HumanDuration as std::str::FromStr>::Err> {
    text.parse::<HumanDuration>().map(HumanDuration::get)
}

/// For clap: a JSON object.
pub fn object(text: &str) -> Result<Map<String, Value>, String> {
    serde_json::from_str(text).map_err(|_| "a JSON object is allowed".to_owned())
}
