//! Commit statuses and deployments.
//!
//! A deployment is of one service in one environment (`task` names the service). It is taken up again by a run that
//! goes on where another died; and when the service serves, its deployment before becomes inactive. GitHub's own
//! `auto_inactive` would do that to the deployments of all other services of the environment too.

use serde::Deserialize;
use serde_json::{Value, json};

use super::github::{Deployment, GitHub};
use super::refusal::{Call, Failed};
use crate::core::post::{Light, Place, Status};

const STATUS: Call = Call {
    what: "set the commit's status",
    needs: "statuses: write",
};
const DEPLOY: Call = Call {
    what: "record the deployment",
    needs: "deployments: write",
};

/// Characters of a description ("Create a commit status", "Create a deployment status").
const DESCRIPTION: usize = 140;

#[derive(Debug, Deserialize)]
struct Listed {
    id: u64,
    sha: String,
}

#[derive(Debug, Deserialize)]
struct State {
    state: String,
}

impl GitHub {
    pub(super) async fn mark_status(&self, status: &Status) -> Result<(), Failed> {
        match &status.at {
            Place::Commit => self.set_commit_status(status).await,
            Place::Environment { name, url } => {
                let deployment = self.deployment(name, &status.name).await?;
                let url = url.as_deref();
                self.set_deployment_status(
                    deployment.id,
                    deployment_state(status.light),
                    status,
                    url,
                )
                .await?;
                if let (Light::Green, Some(before)) = (status.light, deployment.before) {
                    self.set_deployment_status(before, "inactive", status, None)
                        .await?;
                }
                Ok(())
            }
        }
    }

    async fn set_commit_status(&self, status: &Status) -> Result<(), Failed> {
        let state = match status.light {
            Light::Underway => "pending",
            Light::Green => "success",
            Light::Red => "failure",
            Light::Unsettled => "error",
        };
        let mut body = json!({
            "state": state,
            "context": status.name,
            "description": brief(&status.says),
        });
        add(&mut body, "target_url", self.settings.run.as_deref());
        let path = format!("/statuses/{}", self.settings.sha);
        let _: Value = self.client.post(STATUS, &path, &body).await?;
        Ok(())
    }

    /// The deployment of this rollout: the one that an earlier run of it left unsettled, or a new one.
    async fn deployment(&self, environment: &str, task: &str) -> Result<Deployment, Failed> {
        if let Some(known) = self.memory().deployment.clone() {
            return Ok(known);
        }
        let query = [
            ("environment", environment),
            ("task", task),
            ("per_page", "2"),
        ];
        let newest: Vec<Listed> = self.client.get(DEPLOY, "/deployments", &query).await?;
        let before = |index: usize| newest.get(index).map(|listed| listed.id);
        let deployment = match newest.first() {
            Some(left) if left.sha == self.settings.sha && self.is_unsettled(left.id).await? => {
                Deployment {
                    id: left.id,
                    before: before(1),
                }
            }
            _ => Deployment {
                id: self.make_deployment(environment, task).await?,
                before: before(0),
            },
        };
        self.memory().deployment = Some(deployment.clone());
        Ok(deployment)
    }

    async fn is_unsettled(&self, id: u64) -> Result<bool, Failed> {
        let path = format!("/deployments/{id}/statuses");
        let newest: Vec<State> = self.client.get(DEPLOY, &path, &[("per_page", "1")]).await?;
        let state = newest.first().map(|newest| newest.state.as_str());
        Ok(!matches!(state, Some("success" | "failure" | "inactive")))
    }

    async fn make_deployment(&self, environment: &str, task: &str) -> Result<u64, Failed> {
        let body = json!({
            "ref": self.settings.sha,
            "task": task,
            "environment": environment,
            "auto_merge": false,
            "required_contexts": [],
        });
        let made: Listed = self.client.post(DEPLOY, "/deployments", &body).await?;
        Ok(made.id)
    }

    async fn set_deployment_status(
        &self,
        id: u64,
        state: &str,
        status: &Status,
        url: Option<&str>,
    ) -> Result<(), Failed> {
        let mut body = json!({
            "state": state,
            "description": brief(&status.says),
            "auto_inactive": false,
        });
        add(&mut body, "log_url", self.settings.run.as_deref());
        add(&mut body, "environment_url", url);
        let path = format!("/deployments/{id}/statuses");
        let _: Value = self.client.post(DEPLOY, &path, &body).await?;
        Ok(())
    }
}

fn deployment_state(light: Light) -> &'static str {
    match light {
        Light::Underway => "in_progress",
        Light::Green => "success",
        Light::Red => "failure",
        Light::Unsettled => "error",
    }
}

fn add(body: &mut Value, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        body[name] = value.into();
    }
}

fn brief(text: &str) -> String {
    if text.chars().count() <= DESCRIPTION {
        return text.to_owned();
    }
    let kept: String = text.chars().take(DESCRIPTION - 1).collect();
    format!("{kept}…")
}
