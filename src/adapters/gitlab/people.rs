//! What people say on the merge request: a label, or a note that is a command.
//!
//! **Invariant:** a word counts only from a member who may push (role Developer or higher), as GitLab tells it when
//! the word is read, and only if it was said in the time of this run, or of the one it took up since that asked: what
//! was said of an earlier commit is not said of this one.

use jiff::Timestamp;
use serde::Deserialize;

use super::client::{Call, Failed};
use super::gitlab::{GitLab, MergeRequest};
use super::notes::{User, notes, of};
use crate::core::gate::{Ask, Says, Word};
use crate::core::post::spoken;
use crate::core::rollout::{Fault, FaultKind};
use crate::ports::{ForgeError, People};

const READ: Call = Call {
    what: "read what is said on the merge request",
    needs: "the token needs the scope `read_api`",
};

/// `access_level` of the role Developer ("Members API").
const DEVELOPER: u64 = 30;

#[derive(Debug, Deserialize)]
struct Said {
    #[serde(default)]
    body: String,
    author: Option<User>,
    created_at: Timestamp,
}

#[derive(Debug, Deserialize)]
struct Labelled {
    user: Option<User>,
    action: String,
    label: Option<Label>,
    created_at: Timestamp,
}

#[derive(Debug, Deserialize)]
struct Label {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Member {
    access_level: u64,
}

impl People for GitLab {
    async fn word(&self, ask: &Ask) -> Result<Option<Word>, Fault> {
        Box::pin(self.heard(ask)).await.map_err(fault)
    }
}

impl GitLab {
    async fn heard(&self, ask: &Ask) -> Result<Option<Word>, Failed> {
        let Some(request) = self.merge_request().await? else {
            return Ok(None);
        };
        let since = self.settings.since.min(ask.since);
        let own = ask.how.comment.as_deref();
        if let Some(word) = self.in_notes(request, own, since).await? {
            return Ok(Some(word));
        }
        match &ask.how.label {
            Some(label) => self.in_labels(request, label, since).await,
            None => Ok(None),
        }
    }

    /// The newest word of somebody who may say it.
    async fn in_notes(
        &self,
        request: MergeRequest,
        own: Option<&str>,
        since: Timestamp,
    ) -> Result<Option<Word>, Failed> {
        let path = format!("{}?sort=asc&order_by=created_at", notes(request));
        let said: Vec<Said> = self.client.list(READ, &self.access()?, &path).await?;
        for said in said.into_iter().rev() {
            let is_new = said.created_at >= since;
            let (Some(says), Some(author), true) = (spoken(&said.body, own), said.author, is_new)
            else {
                continue;
            };
            if self.may_approve(request, author.id).await? {
                let by = author.username;
                return Ok(Some(Word { says, by }));
            }
        }
        Ok(None)
    }

    /// Whether the label is there, put there since by somebody who may ("Resource label events API": `add`).
    async fn in_labels(
        &self,
        request: MergeRequest,
        label: &str,
        since: Timestamp,
    ) -> Result<Option<Word>, Failed> {
        let path = format!("{}/resource_label_events", of(request));
        let labelled: Vec<Labelled> = self.client.list(READ, &self.access()?, &path).await?;
        let last = labelled
            .into_iter()
            .rfind(|it| it.label.as_ref().is_some_and(|it| it.name == label));
        let is_set = |it: &Labelled| it.action == "add" && it.created_at >= since;
        let Some(user) = last.filter(is_set).and_then(|it| it.user) else {
            return Ok(None);
        };
        let may = self.may_approve(request, user.id).await?;
        let by = user.username;
        let says = Says::Yes;
        Ok(may.then_some(Word { says, by }))
    }

    async fn may_approve(&self, request: MergeRequest, user: u64) -> Result<bool, Failed> {
        let path = format!("/projects/{}/members/all/{user}", request.project);
        match self
            .client
            .get::<Member>(READ, &self.access()?, &path)
            .await
        {
            Ok(member) => Ok(member.access_level >= DEVELOPER),
            Err(failed) if failed.status == Some(404) => Ok(false),
            Err(failed) => Err(failed),
        }
    }
}

fn fault(failed: Failed) -> Fault {
    let kind = match failed.error {
        ForgeError::Denied { .. } => FaultKind::Denied,
        ForgeError::Refused { .. } => FaultKind::Refused,
        ForgeError::Busy { .. } | ForgeError::Unanswered { .. } => FaultKind::Unanswered,
    };
    Fault {
        operation: "GitLab".to_owned(),
        kind,
        code: failed
            .status
            .map(|status| status.to_string())
            .unwrap_or_default(),
        message: failed.error.to_string(),
    }
}
