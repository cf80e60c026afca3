//! One project, one commit, perhaps one merge request: what a job of a pipeline reports to.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::Deserialize;

use super::client::{Call, Client, Failed, Token};
use crate::core::post::{Comment, Sought, Status};
use crate::ports::{Forge, ForgeError};

const FIND: Call = Call {
    what: "find the commit's merge request",
    needs: "the token needs the scope `read_api`",
};

/// Where to report.
#[derive(Clone, Debug)]
pub struct Settings {
    /// CI_API_V4_URL.
    pub api: String,
    /// A project's or a group's access token: without it there are deployments only.
    pub access_token: Option<String>,
    pub job_token: Option<String>,
    /// CI_PROJECT_ID.
    pub project: u64,
    pub sha: String,
    /// CI_COMMIT_REF_NAME, and whether it is a tag.
    pub reference: String,
    pub kind: Reference,
    pub pipeline: Option<u64>,
    /// Absent: that of the merged commit is looked for.
    pub merge_request: Option<MergeRequest>,
    /// The page of this job.
    pub run: Option<String>,
    /// What people said before counts for nothing.
    pub since: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    Branch,
    Tag,
}

/// A merge request, in the project that it is made to: a fork's pipeline runs in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MergeRequest {
    pub project: u64,
    pub number: u64,
}

/// The project, as the tokens see it.
#[derive(Debug)]
pub struct GitLab {
    pub(super) client: Client,
    pub(super) settings: Settings,
    memory: Mutex<Memory>,
}

/// What was learned by earlier calls.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    pub merge_request: Sought<MergeRequest>,
    pub user: Option<u64>,
    pub note: Option<Posted>,
    pub deployment: Option<u64>,
}

/// Our note, as it reads.
#[derive(Clone, Debug)]
pub(super) struct Posted {
    pub id: u64,
    pub marker: String,
    pub body: String,
}

#[derive(Debug, Deserialize)]
struct Listed {
    iid: u64,
    project_id: u64,
    #[serde(default)]
    state: String,
}

impl GitLab {
    pub fn open(settings: Settings) -> Self {
        let memory = Memory {
            merge_request: settings.merge_request.map_or(Sought::NotYet, Sought::Found),
            ..Memory::default()
        };
        Self {
            client: Client::new(&settings.api),
            settings,
            memory: Mutex::new(memory),
        }
    }

    /// Whether there is a token that may write notes and statuses.
    pub fn has_access(&self) -> bool {
        self.settings.access_token.is_some()
    }

    /// The merge request that was named, else the one that the commit came by; looked for once.
    pub async fn find_merge_request(&self) -> Result<Option<u64>, ForgeError> {
        let found = self.merge_request().await?;
        Ok(found.map(|found| found.number))
    }

    pub(super) async fn merge_request(&self) -> Result<Option<MergeRequest>, Failed> {
        match self.memory().merge_request {
            Sought::Found(known) => return Ok(Some(known)),
            Sought::Nowhere => return Ok(None),
            Sought::NotYet => {}
        }
        let Settings { project, sha, .. } = &self.settings;
        let path = format!("/projects/{project}/repository/commits/{sha}/merge_requests");
        let listed: Vec<Listed> = self.client.get(FIND, &self.access()?, &path).await?;
        let merged = listed.iter().find(|it| it.state == "merged");
        let found = merged.or(listed.first()).map(|it| MergeRequest {
            project: it.project_id,
            number: it.iid,
        });
        self.memory().merge_request = found.into();
        Ok(found)
    }

    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The token for what a job's own may not do.
    pub(super) fn access(&self) -> Result<Token, Failed> {
        let token = self.settings.access_token.clone();
        token.map(Token::Access).ok_or_else(|| Failed {
            status: None,
            error: ForgeError::Denied {
                what: "write to the merge request".to_owned(),
                said: "CI_JOB_TOKEN may not".to_owned(),
                needs: "set ECSDEPLOY_GITLAB_TOKEN or GITLAB_TOKEN to a project access token of the scope `api`"
                    .to_owned(),
            },
        })
    }

    /// The token for what either may do.
    pub(super) fn any_token(&self) -> Result<Token, Failed> {
        match self.settings.job_token.clone() {
            Some(token) if !self.has_access() => Ok(Token::Job(token)),
            _ => self.access(),
        }
    }
}

impl Forge for GitLab {
    async fn upsert(&self, comment: &Comment) -> Result<(), ForgeError> {
        Ok(Box::pin(self.upsert_note(comment)).await?)
    }

    async fn mark(&self, status: &Status) -> Result<(), ForgeError> {
        Ok(Box::pin(self.mark_status(status)).await?)
    }
}
