//! One repository, one commit, perhaps one pull request: what a job of a workflow reports to.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::client::Client;
use crate::core::post::{Comment, Sought, Status};
use crate::ports::{Forge, ForgeError};

/// Where to report.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `https://api.github.com`, or an Enterprise server's `https://HOST/api/v3`.
    pub api: String,
    /// `https://api.github.com/graphql`, or an Enterprise server's `https://HOST/api/graphql`.
    pub graphql: String,
    pub token: String,
    /// `OWNER/NAME`.
    pub repository: String,
    /// The commit that is deployed.
    pub sha: String,
    /// Absent: that of the merged commit is looked for.
    pub pull_request: Option<u64>,
    /// The page of this run.
    pub run: Option<String>,
    /// What people said before counts for nothing.
    pub since: Timestamp,
}

/// Why there is no way to report.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("`{0}` is not OWNER/NAME of a repository")]
    Repository(String),
    #[error("`{0}` is not the full id of a commit")]
    Commit(String),
    #[error("the address or the token cannot be used: {0}")]
    Unusable(String),
}

/// The repository, as the token sees it.
#[derive(Debug)]
pub struct GitHub {
    pub(super) client: Client,
    pub(super) settings: Settings,
    memory: Mutex<Memory>,
}

/// What was learned by earlier calls.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    pub pull_request: Sought<u64>,
    pub login: Option<String>,
    pub comment: Option<Posted>,
    pub deployment: Option<Deployment>,
}

/// Our comment, as it reads.
#[derive(Clone, Debug)]
pub(super) struct Posted {
    pub id: u64,
    pub marker: String,
    pub body: String,
}

/// The deployment of this rollout, and the one before it.
#[derive(Clone, Debug)]
pub(super) struct Deployment {
    pub id: u64,
    pub before: Option<u64>,
}

impl GitHub {
    pub fn open(settings: Settings) -> Result<Self, OpenError> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        let parts: Vec<&str> = settings.repository.split('/').collect();
        let is_name =
            |part: &&str| !part.trim_matches('.').is_empty() && part.chars().all(is_plain);
        if parts.len() != 2 || !parts.iter().all(is_name) {
            return Err(OpenError::Repository(settings.repository));
        }
        let is_hex = settings.sha.chars().all(|c| c.is_ascii_hexdigit());
        if settings.sha.len() < 40 || !is_hex {
            return Err(OpenError::Commit(settings.sha));
        }
        let memory = Memory {
            pull_request: settings.pull_request.map_or(Sought::NotYet, Sought::Found),
            ..Memory::default()
        };
        Ok(Self {
            client: Client::new(&settings)?,
            settings,
            memory: Mutex::new(memory),
        })
    }

    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Forge for GitHub {
    async fn upsert(&self, comment: &Comment) -> Result<(), ForgeError> {
        Ok(Box::pin(self.upsert_comment(comment)).await?)
    }

    async fn mark(&self, status: &Status) -> Result<(), ForgeError> {
        Ok(Box::pin(self.mark_status(status)).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_made_of_plain_names_only() {
        let check = |repository: &str, sha: &str, is_well: bool| {
            let settings = Settings {
                api: "https://api.github.com".to_owned(),
                graphql: "https://api.github.com/graphql".to_owned(),
                token: "t".to_owned(),
                repository: repository.to_owned(),
                sha: sha.to_owned(),
                pull_request: None,
                run: None,
                since: Timestamp::UNIX_EPOCH,
            };
            let opened = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap()
                .block_on(async { GitHub::open(settings) });
            assert_eq!(opened.is_ok(), is_well, "{repository} {sha}: {opened:?}");
        };
        let sha = "0123456789abcdef0123456789abcdef01234567";
        check("acme/shop.web-1", sha, true);
        check("acme", sha, false);
        check("acme/../user", sha, false);
        check("acme/..", sha, false);
        check("acme/shop?x", sha, false);
        check("acme/shop", "main", false);
        check(
            "acme/shop",
            "../../../../../../../../../../../../../user",
            false,
        );
    }
}
