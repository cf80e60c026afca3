//! How traffic comes to the new revision, as `ecsdeploy.yml` says it: canary sizes, weights, CodeDeploy's names.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Visitor};

use crate::core::service::CanarySize;

const SHAPE: &str = "a number of tasks (1) or a percentage (10%)";

/// `1` or `10%`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CanaryText(CanarySize);

impl CanaryText {
    pub fn get(self) -> CanarySize {
        self.0
    }
}

impl FromStr for CanaryText {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not {SHAPE}");
        let size = match text.strip_suffix('%') {
            Some(percent) => match percent.trim().parse::<f64>() {
                Ok(percent) if percent > 0.0 && percent <= 100.0 => CanarySize::Percent(percent),
                _ => return Err(wrong()),
            },
            None => match text.parse::<u32>() {
                Ok(tasks) if tasks > 0 => CanarySize::Tasks(tasks),
                _ => return Err(wrong()),
            },
        };
        Ok(Self(size))
    }
}

impl<'de> Deserialize<'de> for CanaryText {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(Words)
    }
}

struct Words;

impl Visitor<'_> for Words {
    type Value = CanaryText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SHAPE)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<CanaryText, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, tasks: u64) -> Result<CanaryText, E> {
        tasks.to_string().parse().map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, tasks: i64) -> Result<CanaryText, E> {
        tasks.to_string().parse().map_err(E::custom)
    }
}

impl JsonSchema for CanaryText {
    fn schema_name() -> Cow<'static, str> {
        "Canary".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": SHAPE,
            "anyOf": [
                { "type": "integer", "minimum": 1 },
                { "type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?%$|^[1-9][0-9]*$" },
            ],
        })
    }
}

/// What CodeDeploy is asked for, of a service of the CODE_DEPLOY controller.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeDeployConfig {
    /// Name of the application. Absent: found, or `AppECS-CLUSTER-SERVICE`.
    pub application: Option<String>,
    /// Name of the deployment group. Absent: found, or `DgpECS-CLUSTER-SERVICE`.
    pub deployment_group: Option<String>,
    /// Name of a deployment configuration, which says how traffic moves. Absent: the deployment group's own.
    pub deployment_config: Option<String>,
    /// An AppSpec (`.yml`, `.yaml` or `.json`), relative to this file, for its hooks; its task definition is replaced.
    /// Absent: one is made of the service as it is.
    pub appspec: Option<String>,
}

impl CodeDeployConfig {
    /// This block laid over `base`.
    pub fn over(&self, base: &Self) -> Self {
        let first = |over: &Option<String>, base: &Option<String>| over.clone().or(base.clone());
        Self {
            application: first(&self.application, &base.application),
            deployment_group: first(&self.deployment_group, &base.deployment_group),
            deployment_config: first(&self.deployment_config, &base.deployment_config),
            appspec: first(&self.appspec, &base.appspec),
        }
    }
}
