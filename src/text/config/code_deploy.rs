//! Names and documents for AWS CodeDeploy, as `ecsdeploy.yml` gives them.

use schemars::JsonSchema;
use serde::Deserialize;

/// What CodeDeploy is asked for, of a service of the CODE_DEPLOY controller.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
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
    #[must_use]
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
