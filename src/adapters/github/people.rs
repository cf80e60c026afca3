//! What people say on the pull request: a label, or a comment that is a command.
//!
//! **Invariant:** a word counts only from somebody with write permission on the repository, as GitHub tells it when the
//! word is read, and only if it was said in the time of this run, or of the one it took up since that asked: what was
//! said of an earlier commit is not said of this one.

use jiff::Timestamp;
use serde::Deserialize;

use super::comments::User;
use super::github::GitHub;
use super::refusal::{Call, Failed};
use crate::core::gate::{Ask, Says, Word};
use crate::core::post::spoken;
use crate::core::rollout::{Fault, FaultKind};
use crate::ports::{ForgeError, People};

const COMMENTS: Call = Call {
    what: "read the pull request's comments",
    needs: "pull-requests: read",
};
const LABELS: Call = Call {
    what: "read the pull request's labels",
    needs: "pull-requests: read",
};
const RIGHTS: Call = Call {
    what: "learn whether a person may approve",
    needs: "metadata: read",
};

#[derive(Debug, Deserialize)]
struct Said {
    body: Option<String>,
    user: Option<User>,
    created_at: Timestamp,
}

#[derive(Debug, Deserialize)]
struct Label {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Happened {
    event: String,
    actor: Option<User>,
    label: Option<Label>,
    created_at: Timestamp,
}

#[derive(Debug, Deserialize)]
struct Rights {
    permission: String,
}

impl People for GitHub {
    async fn word(&self, ask: &Ask) -> Result<Option<Word>, Fault> {
        Box::pin(self.heard(ask)).await.map_err(fault)
    }
}

impl GitHub {
    async fn heard(&self, ask: &Ask) -> Result<Option<Word>, Failed> {
        let Some(pull) = self.pull_request().await? else {
            return Ok(None);
        };
        let since = self.settings.since.min(ask.since);
        let own = ask.how.comment.as_deref();
        if let Some(word) = self.in_comments(pull, own, since).await? {
            return Ok(Some(word));
        }
        match &ask.how.label {
            Some(label) => self.in_labels(pull, label, since).await,
            None => Ok(None),
        }
    }

    /// The newest word of somebody who may say it.
    async fn in_comments(
        &self,
        pull: u64,
        own: Option<&str>,
        since: Timestamp,
    ) -> Result<Option<Word>, Failed> {
        let path = format!("/issues/{pull}/comments");
        let query = [("since", since.to_string())];
        let query = query
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        let said: Vec<Said> = self.client.list(COMMENTS, &path, &query).await?;
        for said in said.into_iter().rev() {
            let says = said.body.as_deref().and_then(|body| spoken(body, own));
            // `since` is about edits too: an old comment that was edited now says nothing.
            let (Some(says), Some(user), true) = (says, said.user, said.created_at >= since) else {
                continue;
            };
            if self.may_approve(&user.login).await? {
                let by = user.login;
                return Ok(Some(Word { says, by }));
            }
        }
        Ok(None)
    }

    /// Whether the label is there, put there since by somebody who may (REST API "issue events": `labeled`).
    async fn in_labels(
        &self,
        pull: u64,
        label: &str,
        since: Timestamp,
    ) -> Result<Option<Word>, Failed> {
        let path = format!("/issues/{pull}/events");
        let happened: Vec<Happened> = self.client.list(LABELS, &path, &[]).await?;
        let last = happened.into_iter().rev().find(|it| {
            let is_it = it.label.as_ref().is_some_and(|it| it.name == label);
            is_it && matches!(it.event.as_str(), "labeled" | "unlabeled")
        });
        let is_set = |it: &Happened| it.event == "labeled" && it.created_at >= since;
        let Some(actor) = last.filter(is_set).and_then(|it| it.actor) else {
            return Ok(None);
        };
        let by = actor.login;
        let says = Says::Yes;
        Ok(self.may_approve(&by).await?.then_some(Word { says, by }))
    }

    async fn may_approve(&self, login: &str) -> Result<bool, Failed> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_[]".contains(c);
        if !login.chars().all(is_plain) {
            return Ok(false);
        }
        let login = login.replace('[', "%5B").replace(']', "%5D");
        let path = format!("/collaborators/{login}/permission");
        let rights = self.client.get::<Rights>(RIGHTS, &path, &[]).await;
        match rights {
            // "maintain" is told as "write" here.
            Ok(rights) => Ok(matches!(rights.permission.as_str(), "admin" | "write")),
            Err(failed) if failed.status == Some(404) => Ok(false),
            Err(failed) => Err(failed),
        }
    }
}

fn fault(failed: Failed) -> Fault {
    let error = failed.error;
    let kind = match error {
        ForgeError::Denied { .. } => FaultKind::Denied,
        ForgeError::Refused { .. } => FaultKind::Refused,
        ForgeError::Busy { .. } | ForgeError::Unanswered { .. } => FaultKind::Unanswered,
    };
    Fault {
        operation: "GitHub".to_owned(),
        kind,
        code: failed
            .status
            .map(|status| status.to_string())
            .unwrap_or_default(),
        message: error.to_string(),
    }
}
