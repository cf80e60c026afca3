//! The shape of `ecsdeploy.yml`, field by field. The comments here are what `ecsdeploy schema` prints and editors show.
//!
//! **Invariant:** an unknown key is an error, and an absent one is told apart from one that says the default, so that
//! an environment lays over only what it names.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::code_deploy::CodeDeployConfig;
use super::duration::HumanDuration;
use super::gate_shape::{CanaryTasks, GateList, StepList};
use super::journal::JournalPlace;
use crate::core::weights::Weights;
use crate::text::complaint::Complaint;
use crate::text::yaml;

/// What ecsdeploy deploys: Amazon ECS services, and what differs from one environment to the next.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "ecsdeploy.yml")]
pub struct Config {
    /// AWS region. Absent: the one of the AWS SDK's own chain (`AWS_REGION`, the profile, the instance).
    pub region: Option<String>,
    /// Name or ARN of the ECS cluster of every service that names none itself.
    pub cluster: Option<String>,
    /// Template values for every service; the lowest layer.
    #[serde(default)]
    pub values: Map<String, Value>,
    /// The services, by the name they have here.
    pub services: BTreeMap<String, ServiceConfig>,
    /// Where the record of a rollout is kept, which locks the service and lets a run that died be taken up: `auto` (SSM
    /// parameters, or tags of the service where those are not permitted), `ssm`, `tags`, `none`, or `file:DIRECTORY`,
    /// relative to this file. Default: `auto`.
    pub journal: Option<JournalPlace>,
    /// What is secret in environment variables, options and arguments, beside what looks it. Secrets are never printed.
    #[serde(default)]
    pub redact: RedactConfig,
    /// What to lay over the above when `--env NAME` chooses an environment.
    #[serde(default)]
    pub environments: BTreeMap<String, EnvironmentConfig>,
}

/// Names, whatever their case, that make a value secret or open; `*` stands for any stretch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedactConfig {
    /// Values of these names are hidden, though nothing betrays that they are secret.
    #[serde(default)]
    pub hide: Vec<String>,
    /// Values of these names are shown, though they look secret. A private key, a token of a known form or a password
    /// in a URL is hidden all the same.
    #[serde(default)]
    pub show: Vec<String>,
}

/// One ECS service; in an environment, only what is different there.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceConfig {
    /// Name of the ECS service. Absent: the key of this block.
    pub service: Option<String>,
    /// Name or ARN of the ECS cluster.
    pub cluster: Option<String>,
    /// The task definition, relative to this file: `.json`, `.yaml` or `.yml` as it is, or a Handlebars template
    /// `.json.hbs`. Absent: the task definition that the service runs now.
    pub task_definition: Option<String>,
    /// Members of the service that change along with it, relative to this file: the same kinds of file, with
    /// CreateService's members. What the file does not name is left alone. Absent: nothing but the task definition.
    pub service_definition: Option<String>,
    /// Template values for this service.
    #[serde(default)]
    pub values: Map<String, Value>,
    /// Files of template values (YAML or JSON), relative to this file, later ones over earlier ones. In an
    /// environment, the list takes the place of the service's own.
    pub values_files: Option<Vec<String>>,
    /// Whether an image's tag in Amazon ECR is resolved to its digest and the task definition pins both. Default: true.
    pub pin_images: Option<bool>,
    /// How a rollout goes and when it has failed.
    #[serde(default)]
    pub rollout: RolloutConfig,
}

/// How a rollout goes and when it has failed.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RolloutConfig {
    /// How the new revision takes over. Default: `auto`.
    pub strategy: Option<StrategyName>,
    /// How long the whole rollout may take, beside the time that its steps are held and that people have. Default: `30m`.
    pub timeout: Option<HumanDuration>,
    /// The rollout has failed when this many tasks of the new deployment have failed; 0 leaves that verdict to ECS.
    #[serde(default, deserialize_with = "count")]
    #[schemars(skip_serializing_if = "Option::is_none")]
    pub max_failed_tasks: Option<u32>,
    /// What to do when the new revision fails. Default: `rollback`.
    pub on_failure: Option<OnFailure>,
    /// What to do when the run is cancelled. Default: `leave`.
    pub on_cancel: Option<OnCancel>,
    /// A canary first: a number of tasks (`1`), or a percentage (`10%`).
    pub canary: Option<CanaryTasks>,
    /// Task sets: percent of production traffic, step by step: rising, whole percents, a last 100 understood.
    #[schemars(with = "Option<Vec<u32>>")]
    pub weights: Option<Weights>,
    /// Task sets: ARN of the listener rule of the production traffic, where the target groups do not tell it.
    pub rule: Option<String>,
    /// Task sets: ARN of the listener rule of the test traffic.
    pub test_rule: Option<String>,
    /// Task sets: how long a side without traffic is kept at most before it is removed: less when CloudWatch or the
    /// target group shows that nothing is under way there. Default: `5m`.
    pub drain: Option<HumanDuration>,
    /// Names and documents for AWS CodeDeploy, where it deploys the service.
    #[serde(default)]
    pub codedeploy: CodeDeployConfig,
    /// For how long each step must hold before the rollout goes on. Default: the strategy's own.
    pub bake: Option<HumanDuration>,
    /// What must hold in each step before the rollout goes on. Default: `tasks`, `targets`, and the service's own
    /// deployment alarms. An empty list asks nothing.
    pub gates: Option<GateList>,
    /// The steps, smallest first, for strategies that have steps. Default: the strategy's own.
    pub steps: Option<StepList>,
}

/// What is different in one environment.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentConfig {
    /// AWS region.
    pub region: Option<String>,
    /// Name or ARN of the ECS cluster; also of services that name another outside this environment.
    pub cluster: Option<String>,
    /// Template values, over those of the services outside this environment.
    #[serde(default)]
    pub values: Map<String, Value>,
    /// What is different for single services, by their name above.
    #[serde(default)]
    pub services: BTreeMap<String, ServiceConfig>,
}

/// How the new revision takes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StrategyName {
    /// What the service itself is set up for.
    #[default]
    Auto,
    /// Tasks are replaced little by little, by ECS.
    Rolling,
    /// All traffic at once, moved by ECS to a second target group.
    BlueGreen,
    /// A part first: ECS's own canary where the service can shift traffic, else tasks beside it.
    Canary,
    /// Equal steps of traffic, moved by ECS.
    Linear,
    /// The weights of two task sets in one listener rule.
    TaskSets,
    /// A deployment by AWS CodeDeploy.
    CodeDeploy,
}

/// What to do when the new revision fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Bring the revision that served before back.
    #[default]
    Rollback,
    /// Leave the service as it is, and a canary beside it, for somebody to look at.
    Leave,
}

/// What to do when the run is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnCancel {
    /// Leave the deployment to go on; the same command takes it up again.
    #[default]
    Leave,
    /// Bring the revision that served before back.
    Rollback,
}

/// What becomes of an image's tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PinImages {
    /// A tag in Amazon ECR becomes `repository:tag@digest`.
    #[default]
    ToDigest,
    /// Images stay as they are written.
    Never,
}

/// A number of tasks.
fn count<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<u32>, D::Error> {
    let Some(said) = Option::<i64>::deserialize(reader)? else {
        return Ok(None);
    };
    let count = u32::try_from(said);
    let wrong = |_| {
        D::Error::custom(format!(
            "`{said}` is no number of tasks: 0 or more are allowed"
        ))
    };
    count.map(Some).map_err(wrong)
}

impl Config {
    /// The configuration in `text`, the content of the file `name`.
    pub fn parse(name: &str, text: &str) -> Result<Self, Complaint> {
        let config: Self = yaml::read(name, text)?;
        config.check_environments(name, text)?;
        config.check_strategies(name, text)?;
        Ok(config)
    }

    /// An environment lays over services; it never adds one, for that is nearly always a misspelt name.
    fn check_environments(&self, name: &str, text: &str) -> Result<(), Complaint> {
        for (environment, block) in &self.environments {
            for service in block.services.keys() {
                if !self.services.contains_key(service) {
                    let path = ["environments", environment, "services", service];
                    let complaint = Complaint::new(format!("unknown service `{service}`"))
                        .allow(self.services.keys())
                        .spelling(service, self.services.keys());
                    let place = yaml::place_of(name, text, &path);
                    return Err(place.into_iter().fold(complaint, Complaint::at));
                }
            }
        }
        Ok(())
    }
}
