//! The one note of a service and environment on a merge request: found, made, edited in place, or left as it reads.
//!
//! **Invariant:** it is looked for before one is made, so that a run that died, or whose answer was lost, never leads
//! to a second one. A note by somebody else is not touched, whatever it begins with.

use serde::Deserialize;
use serde_json::json;

use super::client::{Call, Failed};
use super::gitlab::{GitLab, MergeRequest, Posted};
use crate::core::post::Comment;

pub(super) const NOTE: Call = Call {
    what: "write to the merge request",
    needs: "the token needs the scope `api` and the role Developer",
};

#[derive(Debug, Deserialize)]
pub(super) struct User {
    pub id: u64,
    #[serde(default)]
    pub username: String,
}

#[derive(Debug, Deserialize)]
struct Shown {
    id: u64,
    #[serde(default)]
    body: String,
    author: Option<User>,
}

#[derive(Debug, Deserialize)]
struct Made {
    id: u64,
}

impl GitLab {
    pub(super) async fn upsert_note(&self, comment: &Comment) -> Result<(), Failed> {
        let Some(request) = self.merge_request().await? else {
            return Ok(());
        };
        let known = self.memory().note.clone();
        let known = match known.filter(|known| known.marker == comment.marker) {
            Some(known) => Some(known),
            None => self.find(request, &comment.marker).await?,
        };
        match known {
            Some(known) if comment.reads_as(&known.body) => self.remember(known.id, comment),
            Some(known) => match self.edit(request, known.id, &comment.body).await {
                // Somebody deleted it.
                Err(failed) if failed.status == Some(404) => {
                    self.memory().note = None;
                    self.make(request, comment).await?;
                }
                edited => {
                    edited?;
                    self.remember(known.id, comment);
                }
            },
            None => self.make(request, comment).await?,
        }
        Ok(())
    }

    fn remember(&self, id: u64, comment: &Comment) {
        self.memory().note = Some(Posted {
            id,
            marker: comment.marker.clone(),
            body: comment.body.clone(),
        });
    }

    /// The oldest note with the marker that is ours.
    async fn find(&self, request: MergeRequest, marker: &str) -> Result<Option<Posted>, Failed> {
        let path = format!("{}?sort=asc&order_by=created_at", notes(request));
        let shown: Vec<Shown> = self.client.list(NOTE, &self.access()?, &path).await?;
        for Shown { id, body, author } in shown {
            let Some(author) = author.filter(|_| body.starts_with(marker)) else {
                continue;
            };
            // Only now is it worth a call to learn who we are.
            if author.id == self.user().await? {
                let marker = marker.to_owned();
                return Ok(Some(Posted { id, marker, body }));
            }
        }
        Ok(None)
    }

    async fn make(&self, request: MergeRequest, comment: &Comment) -> Result<(), Failed> {
        let body = json!({"body": comment.body});
        let path = notes(request);
        let made: Made = self
            .client
            .post(NOTE, &self.access()?, &path, &body)
            .await?;
        self.remember(made.id, comment);
        Ok(())
    }

    async fn edit(&self, request: MergeRequest, id: u64, body: &str) -> Result<(), Failed> {
        let path = format!("{}/{id}", notes(request));
        let body = json!({"body": body});
        let _: Made = self.client.put(NOTE, &self.access()?, &path, &body).await?;
        Ok(())
    }

    /// Whose token it is; a project's token has a user of its own.
    async fn user(&self) -> Result<u64, Failed> {
        if let Some(known) = self.memory().user {
            return Ok(known);
        }
        let user: User = self.client.get(NOTE, &self.access()?, "/user").await?;
        self.memory().user = Some(user.id);
        Ok(user.id)
    }
}

pub(super) fn notes(request: MergeRequest) -> String {
    format!("{}/notes", of(request))
}

pub(super) fn of(request: MergeRequest) -> String {
    let MergeRequest { project, number } = request;
    format!("/projects/{project}/merge_requests/{number}")
}
