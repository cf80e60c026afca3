//! What one service comes to, in one environment: the layers of `ecsdeploy.yml` laid over each other.
//!
//! **Invariant:** all that an environment says wins over all that is said outside it. A staging run therefore never
//! lands on the cluster that a service names for production.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Map, Value};

use super::code_deploy::CodeDeployConfig;
use super::gate_shape::{CanaryTasks, GateList, StepList};
use super::shape::{
    Config, EnvironmentConfig, OnCancel, OnFailure, PinImages, RolloutConfig, ServiceConfig,
    StrategyName,
};
use crate::core::gate::Gate;
use crate::core::redact::Rules;
use crate::core::service::{CanarySize, Step};
use crate::core::weights::Weights;
use crate::text::complaint::Complaint;
use crate::text::values::merge;

/// How long a rollout may take when the configuration does not say: ECS needs about ten minutes to see that a service
/// behind a load balancer with default health checks and deregistration delay (300 s) is steady.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_mins(30);

/// One service of the configuration, in one environment, with nothing left to look up in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// The key of the service in the configuration.
    pub name: String,
    /// Name of the ECS service.
    pub service: String,
    /// Name or ARN of the ECS cluster, if the configuration says it.
    pub cluster: Option<String>,
    /// AWS region, if the configuration says it.
    pub region: Option<String>,
    /// The environment that was chosen.
    pub environment: Option<String>,
    /// Path of the task definition as it is written: relative to the configuration.
    pub task_definition: Option<String>,
    /// Path of the service definition as it is written: relative to the configuration.
    pub service_definition: Option<String>,
    /// Template values, before values files and `--set`.
    pub values: Map<String, Value>,
    /// Names of the values that were said of this service alone.
    pub own_values: BTreeSet<String>,
    /// Paths of values files as they are written, to be laid over `values` in this order.
    pub values_files: Vec<String>,
    pub pin_images: PinImages,
    pub rollout: Rollout,
    pub journal: super::JournalPlace,
    pub redact: Rules,
}

/// How the rollout goes and when it has failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Rollout {
    pub strategy: StrategyName,
    pub timeout: Duration,
    /// How many failed tasks of the new deployment fail the rollout; 0 leaves the verdict to ECS, `None` says nothing.
    pub max_failed_tasks: Option<u32>,
    pub on_failure: OnFailure,
    pub on_cancel: OnCancel,
    pub canary: Option<CanarySize>,
    /// Empty: the strategy's own.
    pub weights: Option<Weights>,
    pub rule: Option<String>,
    pub test_rule: Option<String>,
    pub drain: Option<Duration>,
    pub codedeploy: CodeDeployConfig,
    /// For how long each step must hold, if the configuration says it.
    pub bake: Option<Duration>,
    /// `None`: the defaults.
    pub gates: Option<Vec<Gate>>,
    /// Empty: the strategy's own.
    pub steps: Vec<Step>,
}

impl Default for Rollout {
    fn default() -> Self {
        RolloutConfig::default().over(&RolloutConfig::default())
    }
}

impl Config {
    /// The service named `service` (or the only one there is) in the environment named `environment` (or in none).
    pub fn resolve(
        &self,
        environment: Option<&str>,
        service: Option<&str>,
    ) -> Result<Resolved, Complaint> {
        let block = match environment {
            Some(name) => pick(&self.environments, "environment", name)?.clone(),
            None => EnvironmentConfig::default(),
        };
        let name = self.choose(service)?;
        let base = pick(&self.services, "service", name)?;
        let over = block.services.get(name).cloned().unwrap_or_default();
        let values = [&self.values, &base.values, &block.values, &over.values];
        let pin = over.pin_images.or(base.pin_images);
        let cluster = [&over.cluster, &block.cluster, &base.cluster, &self.cluster];
        Ok(Resolved {
            name: name.to_owned(),
            service: first([&over.service, &base.service]).unwrap_or_else(|| name.to_owned()),
            cluster: first(cluster),
            region: first([&block.region, &self.region]),
            environment: environment.map(str::to_owned),
            task_definition: first([&over.task_definition, &base.task_definition]),
            service_definition: first([&over.service_definition, &base.service_definition]),
            values: values.into_iter().cloned().fold(Map::new(), merge),
            own_values: base
                .values
                .keys()
                .chain(over.values.keys())
                .cloned()
                .collect(),
            values_files: files(&over, base),
            pin_images: pin.map_or_else(PinImages::default, PinImages::from),
            rollout: over.rollout.over(&base.rollout),
            journal: self.journal.clone().unwrap_or_default(),
            redact: Rules {
                hide: self.redact.hide.clone(),
                show: self.redact.show.clone(),
            },
        })
    }

    fn choose<'a>(&'a self, service: Option<&'a str>) -> Result<&'a str, Complaint> {
        let mut names = self.services.keys().map(String::as_str);
        match (service, names.next(), names.next()) {
            (Some(name), ..) | (None, Some(name), None) => Ok(name),
            (None, None, _) => Err(Complaint::new("there is no service under `services`")),
            (None, Some(_), Some(_)) => Err(Complaint::new(
                "there are several services and none is chosen",
            )
            .allow(self.services.keys())
            .hint("choose one with --service NAME")),
        }
    }
}

impl RolloutConfig {
    /// This block laid over `base`, laid over the defaults.
    fn over(&self, base: &Self) -> Rollout {
        let timeout = self.timeout.or(base.timeout);
        let gates = self.gates.as_ref().or(base.gates.as_ref());
        let steps = self.steps.as_ref().or(base.steps.as_ref());
        Rollout {
            strategy: self.strategy.or(base.strategy).unwrap_or_default(),
            timeout: timeout.map_or(DEFAULT_TIMEOUT, super::HumanDuration::get),
            max_failed_tasks: self.max_failed_tasks.or(base.max_failed_tasks),
            on_failure: self.on_failure.or(base.on_failure).unwrap_or_default(),
            on_cancel: self.on_cancel.or(base.on_cancel).unwrap_or_default(),
            canary: self.canary.or(base.canary).map(|CanaryTasks(size)| size),
            weights: self.weights.clone().or_else(|| base.weights.clone()),
            rule: first([&self.rule, &base.rule]),
            test_rule: first([&self.test_rule, &base.test_rule]),
            drain: self.drain.or(base.drain).map(super::HumanDuration::get),
            codedeploy: self.codedeploy.over(&base.codedeploy),
            bake: self.bake.or(base.bake).map(super::HumanDuration::get),
            gates: gates.map(|GateList(gates)| gates.clone()),
            steps: steps.map_or_else(Vec::new, |StepList(steps)| steps.clone()),
        }
    }
}

impl From<bool> for PinImages {
    fn from(pin: bool) -> Self {
        if pin { Self::ToDigest } else { Self::Never }
    }
}

/// The highest layer that says anything.
fn first<const N: usize>(layers: [&Option<String>; N]) -> Option<String> {
    layers.into_iter().flatten().next().cloned()
}

fn files(over: &ServiceConfig, base: &ServiceConfig) -> Vec<String> {
    let list = over.values_files.as_ref().or(base.values_files.as_ref());
    list.cloned().unwrap_or_default()
}

fn pick<'a, T>(
    blocks: &'a BTreeMap<String, T>,
    kind: &str,
    name: &str,
) -> Result<&'a T, Complaint> {
    blocks.get(name).ok_or_else(|| {
        let complaint = Complaint::new(format!("unknown {kind} `{name}`"));
        if blocks.is_empty() {
            return complaint.hint(format!("there is no {kind} in the configuration"));
        }
        complaint.allow(blocks.keys()).spelling(name, blocks.keys())
    })
}
