//! Commit statuses and deployments.
//!
//! A deployment that a run of the same commit left running is taken up. Its environment's address is set where one is
//! named and another stands there.

use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Call, Failed};
use super::gitlab::{GitLab, Reference};
use crate::core::post::{Light, Place, Status};

const STATUS: Call = Call {
    what: "set the commit's status",
    needs: "the token needs the scope `api` and the role Developer",
};
const DEPLOY: Call = Call {
    what: "record the deployment",
    needs: "the token needs the role Developer, and a protected environment's list of deployers must have it",
};

/// Characters of a description ("Set commit pipeline status").
const DESCRIPTION: usize = 255;

#[derive(Debug, Deserialize)]
struct Deployment {
    id: u64,
    #[serde(default)]
    sha: String,
    #[serde(default)]
    status: String,
    environment: Option<Environment>,
}

#[derive(Debug, Deserialize)]
struct Environment {
    id: u64,
    external_url: Option<String>,
}

impl GitLab {
    pub(super) async fn mark_status(&self, status: &Status) -> Result<(), Failed> {
        match &status.at {
            Place::Commit => self.set_commit_status(status).await,
            Place::Environment { name, url } => {
                self.set_deployment(name, url.as_deref(), state(status.light))
                    .await
            }
        }
    }

    async fn set_commit_status(&self, status: &Status) -> Result<(), Failed> {
        let settings = &self.settings;
        let description: String = status.says.chars().take(DESCRIPTION).collect();
        let mut body = json!({
            "state": state(status.light),
            "name": status.name,
            "description": description,
        });
        for (name, value) in [
            ("target_url", settings.run.clone().map(Value::from)),
            ("pipeline_id", settings.pipeline.map(Value::from)),
        ] {
            if let Some(value) = value {
                body[name] = value;
            }
        }
        let path = format!("/projects/{}/statuses/{}", settings.project, settings.sha);
        let set = self
            .client
            .post::<Value>(STATUS, &self.access()?, &path, &body)
            .await;
        match set {
            // It stands so already.
            Err(failed) if says_so_already(&failed) => Ok(()),
            other => other.map(|_| ()),
        }
    }

    async fn set_deployment(
        &self,
        environment: &str,
        url: Option<&str>,
        state: &str,
    ) -> Result<(), Failed> {
        let root = format!("/projects/{}/deployments", self.settings.project);
        let token = self.any_token()?;
        let known = self.memory().deployment;
        let id = match known {
            Some(id) => id,
            None => self.deployment(&root, environment, url).await?,
        };
        self.memory().deployment = Some(id);
        if known.is_none() && state == self::state(Light::Underway) {
            return Ok(());
        }
        let path = format!("{root}/{id}");
        let _: Deployment = self
            .client
            .put(DEPLOY, &token, &path, &json!({"status": state}))
            .await?;
        Ok(())
    }

    /// The deployment that an earlier run of this commit left running, or a new one that runs.
    async fn deployment(
        &self,
        root: &str,
        environment: &str,
        url: Option<&str>,
    ) -> Result<u64, Failed> {
        let token = self.any_token()?;
        let name: String = form_urlencoded::byte_serialize(environment.as_bytes()).collect();
        let path = format!("{root}?environment={name}&order_by=id&sort=desc&per_page=1");
        let newest: Vec<Deployment> = self.client.get(DEPLOY, &token, &path).await?;
        let is_left = |it: &Deployment| it.sha == self.settings.sha && it.status == "running";
        let deployment = match newest.into_iter().find(is_left) {
            Some(left) => left,
            None => self.make_deployment(root, environment).await?,
        };
        if let (Some(url), Some(known)) = (url, deployment.environment)
            && known.external_url.as_deref() != Some(url)
        {
            let path = format!(
                "/projects/{}/environments/{}",
                self.settings.project, known.id
            );
            let body = json!({"external_url": url});
            let _: Value = self.client.put(DEPLOY, &token, &path, &body).await?;
        }
        Ok(deployment.id)
    }

    async fn make_deployment(&self, root: &str, environment: &str) -> Result<Deployment, Failed> {
        let body = json!({
            "environment": environment,
            "sha": self.settings.sha,
            "ref": self.settings.reference,
            "tag": self.settings.kind == Reference::Tag,
            "status": state(Light::Underway),
        });
        self.client
            .post(DEPLOY, &self.any_token()?, root, &body)
            .await
    }
}

/// Statuses and deployments share these words.
fn state(light: Light) -> &'static str {
    match light {
        Light::Underway => "running",
        Light::Green => "success",
        Light::Red => "failed",
        Light::Unsettled => "canceled",
    }
}

/// `Cannot transition status via :run from :running`.
fn says_so_already(failed: &Failed) -> bool {
    failed.status == Some(400)
        && failed
            .error
            .to_string()
            .contains("Cannot transition status")
}
