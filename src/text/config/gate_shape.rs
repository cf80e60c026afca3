//! The shape of a gate and of a step in `ecsdeploy.yml`, field by field.
//!
//! **Invariant:** what a gate is read from is exactly what the schema shows; what the fields must be together is said
//! at the gate's place in the file.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::duration::HumanDuration;
use crate::core::gate::Gate;
use crate::core::service::{CanarySize, Step};

/// A gate, read and found sound.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "GateFields")]
pub struct GateConfig(pub Gate);

/// A list of gates whose names differ.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Vec<GateConfig>")]
pub struct GateList(pub Vec<Gate>);

/// A step, read and found sound.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "StepFields")]
pub struct StepConfig(pub Step);

/// Steps whose shares of traffic rise.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Vec<StepConfig>")]
pub struct StepList(pub Vec<Step>);

/// One condition for going on: exactly one of `tasks`, `targets`, `alarms`, `metric`, `errors`, `http`, `task` and
/// `approval`, and how it is judged.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GateFields {
    /// Its name in reports, different from those of its neighbours. Default: the kind of the check.
    pub name: Option<String>,
    /// Tasks of the new revision run, are well, and do not keep failing. Write `{}` for the defaults.
    pub tasks: Option<TasksFields>,
    /// Targets of the new revision are healthy in their target groups. Write `{}`.
    pub targets: Option<TargetsFields>,
    /// CloudWatch alarms, metric and composite ones, that must not be in ALARM.
    pub alarms: Option<Vec<String>>,
    /// With `alarms`: what an alarm in INSUFFICIENT_DATA says. Default: `no_data`.
    pub insufficient_data: Option<InsufficientData>,
    /// A CloudWatch metric, or metric math, with bounds.
    pub metric: Option<MetricFields>,
    /// The new revision's requests fail no more often than the old one's. Needs a target group for each.
    pub errors: Option<ErrorsKind>,
    /// With `errors`: when a difference counts.
    pub compare: Option<CompareFields>,
    /// A URL answers as it should.
    pub http: Option<HttpFields>,
    /// A task, run once, ends with exit code 0.
    pub task: Option<TaskFields>,
    /// A person says so; `ecsdeploy promote` always counts. Write `{}` for that alone.
    pub approval: Option<ApprovalFields>,
    /// Time between two looks.
    pub interval: Option<HumanDuration>,
    /// So many looks (of a metric: periods) must pass. Not of a task or an approval.
    pub count: Option<u32>,
    /// For so long must it hold. Default: the step's `bake`. Not of a task or an approval.
    pub bake: Option<HumanDuration>,
    /// For so long, after the bake, may it stay undecided.
    pub timeout: Option<HumanDuration>,
    /// So many failed looks are borne. Not of `errors` or an approval.
    pub failure_limit: Option<u32>,
    /// With `alarms` and `metric`: so many looks without data are borne. None of them ever passes.
    pub no_data_limit: Option<u32>,
    /// So many looks in a row that did not work are borne.
    pub error_limit: Option<u32>,
}

/// How many failing tasks are borne.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TasksFields {
    /// So many tasks of the new revision may fail. Default: 1.
    pub max_restarts: Option<u32>,
}

/// Nothing to choose.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetsFields {}

/// What an alarm in INSUFFICIENT_DATA says.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InsufficientData {
    /// Nothing was measured.
    NoData,
    /// Silence is well.
    Ok,
}

/// A metric and what its points may be: either `namespace`, `name`, `dimensions` and `stat`, or `queries` and `result`.
/// Dimension values and expressions may hold `{cluster}`, `{service}`, `{target_group}` and `{load_balancer}`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricFields {
    /// Such as `AWS/ApplicationELB`.
    pub namespace: Option<String>,
    /// Such as `TargetResponseTime`.
    pub name: Option<String>,
    /// All dimensions that the metric is published under, by name.
    #[serde(default)]
    pub dimensions: BTreeMap<String, String>,
    /// `Sum`, `Average`, `Minimum`, `Maximum`, `SampleCount`, `p99`, …
    pub stat: Option<String>,
    /// Several metrics and metric math over them.
    pub queries: Option<Vec<QueryFields>>,
    /// The id of the query whose points are judged.
    pub result: Option<String>,
    /// Length of one point: a whole number of minutes. Default: `1m`.
    pub period: Option<HumanDuration>,
    /// The least that a point may be.
    pub min: Option<f64>,
    /// The most that a point may be.
    pub max: Option<f64>,
    /// Instead of `min` and `max`: the most that the new revision's point may be, as a multiple of the old one's.
    pub max_ratio: Option<f64>,
    /// A period with fewer samples is no data.
    pub min_samples: Option<f64>,
    /// With `queries`: the id of the query that counts samples.
    pub samples: Option<String>,
    /// What a period without a point is. Default: `no_data`.
    pub missing: Option<MissingKind>,
    /// How long CloudWatch may take to publish a period. Default: `2m`.
    pub delay: Option<HumanDuration>,
}

/// What a period without a point is.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MissingKind {
    /// Nothing was measured.
    NoData,
    /// Zero: for counts that are published only when they are not.
    Zero,
}

/// One query of GetMetricData: either a metric or an `expression`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QueryFields {
    /// A lower-case letter, then letters, digits and underscores.
    pub id: String,
    /// Such as `AWS/ApplicationELB`.
    pub namespace: Option<String>,
    /// Name of the metric.
    pub name: Option<String>,
    /// All dimensions that the metric is published under, by name.
    #[serde(default)]
    pub dimensions: BTreeMap<String, String>,
    /// `Sum`, `Average`, `p99`, …
    pub stat: Option<String>,
    /// Metric math over the ids of other queries.
    pub expression: Option<String>,
}

/// How errors are judged.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorsKind {
    /// By evidence against the old revision, which may be looked at every minute.
    Compare,
}

/// When a difference of error rates counts.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CompareFields {
    /// The largest probability of undoing an equally good revision, over the whole rollout. Default: 0.01.
    pub alpha: Option<f64>,
    /// Fewer errors than these never undo. Default: 5.
    pub min_errors: Option<u64>,
    /// The least ratio of error rates that undoes. Default: 1.5.
    pub min_ratio: Option<f64>,
    /// Requests that each side must have had before it passes. Default: 100.
    pub min_requests: Option<u64>,
    /// With `min_errors` and more, errors that equal rates must lead to expect before it passes. Default: 3.
    pub min_expected_errors: Option<f64>,
}

/// A GET request and what its answer must be.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpFields {
    /// `http://…` or `https://…`, asked from where ecsdeploy runs.
    pub url: String,
    /// Request headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Statuses that are well. Default: 200 to 299.
    #[serde(default)]
    pub status: Vec<u16>,
    /// Text that the body must contain, within its first 64 KiB.
    pub contains: Option<String>,
    /// The whole answer must be there within so many milliseconds.
    pub max_latency_ms: Option<u64>,
    /// Which redirects are followed. Default: `same_host`.
    pub redirects: Option<RedirectsKind>,
    /// How long an answer is awaited. Default: `10s`.
    pub timeout: Option<HumanDuration>,
}

/// Which redirects are followed.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RedirectsKind {
    /// The redirect itself is the answer.
    None,
    /// Those to the same scheme, host and port.
    SameHost,
    /// All.
    Any,
}

/// A task that is run once, in the service's own network and capacity.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskFields {
    /// Instead of the image's own command.
    #[serde(default)]
    pub command: Vec<String>,
    /// The container that runs the command and whose exit code counts. Default: the one behind the load balancer for
    /// the command, all for the exit code.
    pub container: Option<String>,
    /// Family, `family:revision` or ARN. Default: the new revision.
    pub task_definition: Option<String>,
}

/// How a person says so on the pull request.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalFields {
    /// A label that approves.
    pub label: Option<String>,
    /// A comment, this text alone, that approves.
    pub comment: Option<String>,
}

/// One step: either `traffic` or `tasks`, for how long, and what must hold.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepFields {
    /// Percent of production traffic on the new revision; 0: before it has any.
    pub traffic: Option<f64>,
    /// Tasks of the new revision: a number, or a share of the service's, such as `10%`.
    pub tasks: Option<CanaryTasks>,
    /// For so long must the step hold. Default: the rollout's `bake`.
    pub bake: Option<HumanDuration>,
    /// What must hold. Default: the rollout's `gates`.
    pub gates: Option<GateList>,
}

/// A number of tasks, or a share in percent.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "Size")]
pub struct CanaryTasks(pub CanarySize);

#[derive(Deserialize)]
#[serde(untagged, expecting = "a number of tasks, or a share such as 10%")]
enum Size {
    Tasks(u32),
    Share(String),
}

impl TryFrom<Size> for CanaryTasks {
    type Error = String;

    fn try_from(size: Size) -> Result<Self, String> {
        match size {
            Size::Tasks(tasks @ 1..) => Ok(Self(CanarySize::Tasks(tasks))),
            Size::Tasks(0) => Err("a step without tasks is no step".to_owned()),
            Size::Share(text) => text
                .strip_suffix('%')
                .and_then(|percent| percent.parse().ok())
                .filter(|percent| *percent > 0.0 && *percent <= 100.0)
                .map(|percent| Self(CanarySize::Percent(percent)))
                .ok_or_else(|| {
                    format!("`{text}` is neither a number of tasks nor a share such as 10%")
                }),
        }
    }
}

impl FromStr for CanaryTasks {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let size = text.parse().map(Size::Tasks);
        size.unwrap_or_else(|_| Size::Share(text.to_owned()))
            .try_into()
    }
}

impl JsonSchema for CanaryTasks {
    fn schema_name() -> Cow<'static, str> {
        "CanaryTasks".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number of tasks, or a share of the service's such as 10%.",
            "anyOf": [
                {"type": "integer", "minimum": 1},
                {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?%$"},
            ],
        })
    }
}

impl JsonSchema for GateConfig {
    fn schema_name() -> Cow<'static, str> {
        "Gate".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        GateFields::json_schema(generator)
    }
}

impl JsonSchema for GateList {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Gates".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Vec::<GateConfig>::json_schema(generator)
    }
}

impl JsonSchema for StepList {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Steps".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Vec::<StepConfig>::json_schema(generator)
    }
}

impl JsonSchema for StepConfig {
    fn schema_name() -> Cow<'static, str> {
        "Step".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        StepFields::json_schema(generator)
    }
}
