//! Which pull request the commit belongs to, where the event does not say.

use serde::Deserialize;

use super::github::GitHub;
use super::refusal::{Call, Failed};
use crate::core::post::Sought;
use crate::ports::ForgeError;

const FIND: Call = Call {
    what: "find the commit's pull request",
    needs: "pull-requests: read",
};

#[derive(Debug, Deserialize)]
struct Pull {
    number: u64,
    merge_commit_sha: Option<String>,
    #[serde(default)]
    state: String,
}

impl GitHub {
    /// The pull request that was named, else the one that the commit came by; looked for once.
    pub async fn find_pull_request(&self) -> Result<Option<u64>, ForgeError> {
        Ok(self.pull_request().await?)
    }

    pub(super) async fn pull_request(&self) -> Result<Option<u64>, Failed> {
        match self.memory().pull_request {
            Sought::Found(known) => return Ok(Some(known)),
            Sought::Nowhere => return Ok(None),
            Sought::NotYet => {}
        }
        let sha = &self.settings.sha;
        let path = format!("/commits/{sha}/pulls");
        let pulls: Vec<Pull> = self.client.get(FIND, &path, &[]).await?;
        let found = choose(&pulls, sha);
        self.memory().pull_request = found.into();
        Ok(found)
    }
}

/// The one whose merge made the commit; else one that is open; else the first.
fn choose(pulls: &[Pull], sha: &str) -> Option<u64> {
    let made = |pull: &&Pull| pull.merge_commit_sha.as_deref() == Some(sha);
    let is_open = |pull: &&Pull| pull.state == "open";
    let mut each = pulls.iter();
    let chosen = pulls.iter().find(made).or_else(|| each.find(is_open));
    chosen.or(pulls.first()).map(|pull| pull.number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pull_request_whose_merge_made_the_commit_is_meant() {
        let check = |pulls: serde_json::Value, number| {
            let pulls: Vec<Pull> = serde_json::from_value(pulls).unwrap();
            assert_eq!(choose(&pulls, "abc"), number);
        };
        let closed = serde_json::json!({"number": 1, "merge_commit_sha": null, "state": "closed"});
        let open = serde_json::json!({"number": 2, "merge_commit_sha": "x", "state": "open"});
        let merged = serde_json::json!({"number": 3, "merge_commit_sha": "abc", "state": "closed"});
        check(serde_json::json!([closed, open, merged]), Some(3));
        check(serde_json::json!([closed, open]), Some(2));
        check(serde_json::json!([closed]), Some(1));
        check(serde_json::json!([]), None);
    }
}
