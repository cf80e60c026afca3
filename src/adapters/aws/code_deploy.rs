//! AWS CodeDeploy, over awsJson: deployment groups, deployments and their targets.
//!
//! **Invariant:** a group is taken only if it says itself that it deploys the service. Looking for one among all
//! applications is bounded, and comes last. Nothing is remembered from look to look but the names of targets, which
//! do not change.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Aws;
use super::json_service::{Api, Repeat};
use super::observe::{all, unreadable};
use crate::core::id::DeploymentId;
use crate::core::live::{CodeDeployment, DeploymentGroup, GroupKey};
use crate::core::rollout::{Fault, FaultKind, GroupSearch, Receipt};

pub const API: Api = Api {
    id: "CodeDeploy",
    host: "codedeploy",
    target: "CodeDeploy_20141006",
    content_type: "application/x-amz-json-1.1",
};

/// BatchGetDeployments and BatchGetDeploymentTargets take so many at most.
const PER_CALL: usize = 25;

/// So many groups are looked at in a search: accounts with hundreds are throttled long before.
const SEARCHED: usize = 50;

/// Which targets a deployment has, listed once it has any: an ECS service is one, for as long as the deployment lasts.
#[derive(Clone, Debug, Default)]
pub struct Targets(Arc<Mutex<BTreeMap<DeploymentId, Vec<Value>>>>);

impl Targets {
    fn of(&self, id: &DeploymentId) -> Option<Vec<Value>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(id).cloned()
    }

    fn remember(&self, id: &DeploymentId, targets: &[Value]) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(id.clone(), targets.to_vec());
    }
}

const UNFINISHED: [&str; 5] = ["Created", "Queued", "InProgress", "Baking", "Ready"];

impl Aws {
    async fn code_deploy(&self, operation: &'static str, input: Value) -> Result<Value, Fault> {
        self.code_deploy
            .call(operation, input, Repeat::Freely)
            .await
    }

    /// The group of that name, or of a deployment that made a task set, or of the usual names, or of a search.
    pub(super) async fn code_deploy_group(
        &self,
        search: &GroupSearch,
    ) -> Result<Option<DeploymentGroup>, Fault> {
        if let Some(key) = self.likely_group(search).await?
            && let Some(group) = self.group(&key).await?
            && deploys(&group, search)
        {
            return Ok(Some(group));
        }
        if search.application.is_some() && search.group.is_some() {
            return Ok(None);
        }
        self.search_group(search).await
    }

    async fn likely_group(&self, search: &GroupSearch) -> Result<Option<GroupKey>, Fault> {
        let (cluster, service) = (search.key.cluster.short(), search.key.service.short());
        if search.application.is_none()
            && search.group.is_none()
            && let Some(id) = &search.deployment
            && let Some(made) = self.deployment_info(id).await?
        {
            return Ok(Some(CodeDeployment::new(made, Vec::new()).group()));
        }
        let application = search.application.clone();
        let group = search.group.clone();
        Ok(Some(GroupKey {
            application: application.unwrap_or_else(|| format!("AppECS-{cluster}-{service}")),
            group: group.unwrap_or_else(|| format!("DgpECS-{cluster}-{service}")),
        }))
    }

    async fn group(&self, key: &GroupKey) -> Result<Option<DeploymentGroup>, Fault> {
        let input = json!({
            "applicationName": key.application,
            "deploymentGroupName": key.group,
        });
        let asked = self.code_deploy("GetDeploymentGroup", input).await;
        let answer = present(
            asked,
            &[
                "ApplicationDoesNotExistException",
                "DeploymentGroupDoesNotExistException",
            ],
        )?;
        Ok(answer.map(|answer| DeploymentGroup::new(answer["deploymentGroupInfo"].clone())))
    }

    async fn search_group(&self, search: &GroupSearch) -> Result<Option<DeploymentGroup>, Fault> {
        let applications = match &search.application {
            Some(named) => vec![named.clone()],
            None => {
                self.names("ListApplications", Map::new(), "applications")
                    .await?
            }
        };
        let mut looked_at = 0;
        for application in applications {
            let of = Map::from_iter([("applicationName".to_owned(), json!(application))]);
            let groups = self
                .names("ListDeploymentGroups", of, "deploymentGroups")
                .await?;
            let wanted = |name: &&String| search.group.as_ref().is_none_or(|group| group == *name);
            for group in groups.iter().filter(wanted) {
                let key = GroupKey {
                    application: application.clone(),
                    group: group.clone(),
                };
                if let Some(group) = self.group(&key).await?.filter(|it| deploys(it, search)) {
                    return Ok(Some(group));
                }
                looked_at += 1;
                if looked_at >= SEARCHED {
                    return Ok(None);
                }
            }
        }
        Ok(None)
    }

    /// All pages of a list of names.
    async fn names(
        &self,
        operation: &'static str,
        mut input: Map<String, Value>,
        member: &str,
    ) -> Result<Vec<String>, Fault> {
        let mut names = Vec::new();
        loop {
            let mut page = self
                .code_deploy(operation, Value::Object(input.clone()))
                .await?;
            let token = page["nextToken"].take();
            names.extend(all(page, member).filter_map(|name| Some(name.as_str()?.to_owned())));
            if !token.is_string() {
                return Ok(names);
            }
            input.insert("nextToken".to_owned(), token);
        }
    }

    /// The group's unfinished deployments, and those made since.
    pub(super) async fn code_deployments(
        &self,
        key: &GroupKey,
        since: Option<Timestamp>,
    ) -> Result<Vec<CodeDeployment>, Fault> {
        let of = |member: &str, value: Value| {
            Map::from_iter([
                ("applicationName".to_owned(), json!(key.application)),
                ("deploymentGroupName".to_owned(), json!(key.group)),
                (member.to_owned(), value),
            ])
        };
        let unfinished = of("includeOnlyStatuses", json!(UNFINISHED));
        let mut ids = self
            .names("ListDeployments", unfinished, "deployments")
            .await?;
        if let Some(since) = since {
            let since = of("createTimeRange", json!({"start": since.as_second()}));
            ids.extend(self.names("ListDeployments", since, "deployments").await?);
        }
        ids.sort();
        ids.dedup();
        self.deployments(&ids).await
    }

    /// The group's newest deployments that have ended, newest first.
    pub(super) async fn ended_deployments(
        &self,
        key: &GroupKey,
    ) -> Result<Vec<CodeDeployment>, Fault> {
        let input = json!({
            "applicationName": key.application,
            "deploymentGroupName": key.group,
            "includeOnlyStatuses": ["Succeeded", "Failed", "Stopped"],
        });
        let page = self.code_deploy("ListDeployments", input).await?;
        let ids = all(page, "deployments").filter_map(|id| Some(id.as_str()?.to_owned()));
        let ids: Vec<String> = ids.take(PER_CALL).collect();
        let mut found = self.deployments(&ids).await?;
        found.sort_by(|a, b| b.created().total_cmp(&a.created()));
        Ok(found)
    }

    async fn deployments(&self, ids: &[String]) -> Result<Vec<CodeDeployment>, Fault> {
        let mut found = Vec::new();
        for some in ids.chunks(PER_CALL) {
            let input = json!({"deploymentIds": some});
            let answer = self.code_deploy("BatchGetDeployments", input).await?;
            found.extend(
                all(answer, "deploymentsInfo").map(|info| CodeDeployment::new(info, Vec::new())),
            );
        }
        Ok(found)
    }

    pub(super) async fn code_deployment(
        &self,
        id: &DeploymentId,
    ) -> Result<Option<CodeDeployment>, Fault> {
        let Some(info) = self.deployment_info(id).await? else {
            return Ok(None);
        };
        let has_begun = !matches!(info["status"].as_str(), Some("Created" | "Queued"));
        let targets = if has_begun {
            self.deployment_targets(id).await?
        } else {
            Vec::new()
        };
        Ok(Some(CodeDeployment::new(info, targets)))
    }

    async fn deployment_info(&self, id: &DeploymentId) -> Result<Option<Value>, Fault> {
        let input = json!({"deploymentId": id});
        let asked = self.code_deploy("GetDeployment", input).await;
        let answer = present(asked, &["DeploymentDoesNotExistException"])?;
        Ok(answer.map(|mut answer| answer["deploymentInfo"].take()))
    }

    async fn deployment_targets(&self, id: &DeploymentId) -> Result<Vec<Value>, Fault> {
        let ids = match self.code_deploy_targets.of(id) {
            Some(known) => known,
            None => self.list_targets(id).await?,
        };
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let input = json!({"deploymentId": id, "targetIds": ids});
        let asked = self.code_deploy("BatchGetDeploymentTargets", input).await;
        let answer = present(asked, &NO_TARGETS)?.unwrap_or_default();
        Ok(all(answer, "deploymentTargets").collect())
    }

    /// None before the deployment has begun.
    async fn list_targets(&self, id: &DeploymentId) -> Result<Vec<Value>, Fault> {
        let input = json!({"deploymentId": id});
        let listed = self.code_deploy("ListDeploymentTargets", input).await;
        let listed = present(listed, &NO_TARGETS)?;
        let ids = listed.map(|listed| all(listed, "targetIds").take(PER_CALL).collect());
        let ids: Vec<Value> = ids.unwrap_or_default();
        if !ids.is_empty() {
            self.code_deploy_targets.remember(id, &ids);
        }
        Ok(ids)
    }

    /// Made once: the operation has no client token, so an unanswered call is looked after before another is made.
    pub(super) async fn create_deployment(
        &self,
        members: Map<String, Value>,
    ) -> Result<Receipt, Fault> {
        let members = Value::Object(members);
        let repeat = Repeat::OnlyThrottled;
        let answer = self
            .code_deploy
            .call("CreateDeployment", members, repeat)
            .await?;
        match answer["deploymentId"].as_str() {
            Some(id) => Ok(Receipt::CodeDeployment(DeploymentId::new(id))),
            None => Err(unreadable(
                "CreateDeployment",
                "the answer names no deployment",
            )),
        }
    }

    pub(super) async fn stop_deployment(&self, id: &DeploymentId) -> Result<Receipt, Fault> {
        let input = json!({"deploymentId": id, "autoRollbackEnabled": true});
        self.code_deploy("StopDeployment", input).await?;
        Ok(Receipt::Stopped)
    }

    pub(super) async fn continue_deployment(&self, id: &DeploymentId) -> Result<Receipt, Fault> {
        let input = json!({"deploymentId": id, "deploymentWaitType": "READY_WAIT"});
        self.code_deploy("ContinueDeployment", input).await?;
        Ok(Receipt::Continued)
    }
}

/// A group may name the service of another cluster; without a cluster's name it would be the default one.
fn deploys(group: &DeploymentGroup, search: &GroupSearch) -> bool {
    group.deploys(search.key.cluster.short(), search.key.service.short())
}

/// A deployment that GetDeployment has just shown has none yet, or a read lags behind.
const NO_TARGETS: [&str; 3] = [
    "DeploymentNotStartedException",
    "DeploymentDoesNotExistException",
    "DeploymentTargetDoesNotExistException",
];

/// `None` where the error says that it is not there.
fn present(asked: Result<Value, Fault>, absent: &[&str]) -> Result<Option<Value>, Fault> {
    match asked {
        Ok(answer) => Ok(Some(answer)),
        Err(fault) if fault.kind == FaultKind::Refused && absent.contains(&fault.code.as_str()) => {
            Ok(None)
        }
        Err(fault) => Err(fault),
    }
}
