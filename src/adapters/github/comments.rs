//! The one comment of a service and environment on a pull request: found, made, edited in place, or left as it reads.
//!
//! **Invariant:** it is looked for before one is made, so that a run that died, or whose answer was lost, never leads
//! to a second one. A comment by somebody else is not touched, whatever it begins with.

use serde::Deserialize;
use serde_json::json;

use super::github::{GitHub, Posted};
use super::refusal::{Call, Failed};
use crate::core::post::Comment;

const WRITE: Call = Call {
    what: "comment on the pull request",
    needs: "pull-requests: write",
};
const READ: Call = Call {
    what: "read the pull request's comments",
    needs: "pull-requests: read",
};
const WHO: Call = Call {
    what: "learn whose token it is",
    needs: "metadata: read",
};

/// The author of what a job's own token writes.
const ACTIONS: &str = "github-actions[bot]";

/// How installation tokens begin, a job's own among them (docs.github.com, "GitHub's token formats").
const INSTALLATION: &str = "ghs_";

#[derive(Debug, Deserialize)]
pub(super) struct User {
    pub login: String,
}

#[derive(Debug, Deserialize)]
struct Shown {
    id: u64,
    body: Option<String>,
    user: Option<User>,
}

#[derive(Debug, Deserialize)]
struct Made {
    id: u64,
}

#[derive(Debug, Deserialize)]
struct Viewed {
    data: Option<Viewer>,
}

#[derive(Debug, Deserialize)]
struct Viewer {
    viewer: User,
}

impl GitHub {
    pub(super) async fn upsert_comment(&self, comment: &Comment) -> Result<(), Failed> {
        let Some(pull) = self.pull_request().await? else {
            return Ok(());
        };
        let known = self.memory().comment.clone();
        let known = match known.filter(|known| known.marker == comment.marker) {
            Some(known) => Some(known),
            None => self.find(pull, &comment.marker).await?,
        };
        match known {
            Some(known) if comment.reads_as(&known.body) => self.remember(known.id, comment),
            Some(known) => match self.edit(known.id, &comment.body).await {
                // Somebody deleted it.
                Err(failed) if failed.status == Some(404) => {
                    self.memory().comment = None;
                    self.make(pull, comment).await?;
                }
                edited => {
                    edited?;
                    self.remember(known.id, comment);
                }
            },
            None => self.make(pull, comment).await?,
        }
        Ok(())
    }

    fn remember(&self, id: u64, comment: &Comment) {
        self.memory().comment = Some(Posted {
            id,
            marker: comment.marker.clone(),
            body: comment.body.clone(),
        });
    }

    /// The oldest comment with the marker that is ours.
    async fn find(&self, pull: u64, marker: &str) -> Result<Option<Posted>, Failed> {
        let path = format!("/issues/{pull}/comments");
        let shown: Vec<Shown> = self.client.list(READ, &path, &[]).await?;
        for Shown { id, body, user } in shown {
            let (Some(body), Some(user)) = (body, user) else {
                continue;
            };
            // Only now is it worth a call to learn who we are.
            if body.starts_with(marker) && is_same_login(&user.login, &self.login().await?) {
                let marker = marker.to_owned();
                return Ok(Some(Posted { id, marker, body }));
            }
        }
        Ok(None)
    }

    async fn make(&self, pull: u64, comment: &Comment) -> Result<(), Failed> {
        let path = format!("/issues/{pull}/comments");
        let body = json!({"body": comment.body});
        let made: Made = self.client.post(WRITE, &path, &body).await?;
        self.remember(made.id, comment);
        Ok(())
    }

    async fn edit(&self, id: u64, body: &str) -> Result<(), Failed> {
        let path = format!("/issues/comments/{id}");
        let _: Made = self
            .client
            .patch(WRITE, &path, &json!({"body": body}))
            .await?;
        Ok(())
    }

    /// The login under which this token writes. Installations have no `/user`; GraphQL knows them.
    async fn login(&self) -> Result<String, Failed> {
        if let Some(known) = self.memory().login.clone() {
            return Ok(known);
        }
        let token = &self.settings.token;
        let asked = if token.starts_with(INSTALLATION) {
            let url = &self.settings.graphql;
            let viewed = self
                .client
                .query::<Viewed>(WHO, url, "query { viewer { login } }");
            let viewed = viewed.await;
            viewed.map(|viewed| viewed.data.map(|data| data.viewer.login))
        } else {
            let user = self.client.user::<User>(WHO).await;
            user.map(|user| Some(user.login))
        };
        let login = match asked {
            Ok(login) => login.unwrap_or_else(|| ACTIONS.to_owned()),
            // Forbidden to installations: a job's own token.
            Err(failed) if matches!(failed.status, Some(403 | 404)) => ACTIONS.to_owned(),
            Err(failed) => return Err(failed),
        };
        self.memory().login = Some(login.clone());
        Ok(login)
    }
}

/// Logins are the same in any case of letters. GraphQL leaves `[bot]` out of the names of apps, REST does not; no
/// person's login has brackets.
fn is_same_login(author: &str, ours: &str) -> bool {
    let app = ours.strip_suffix("[bot]").unwrap_or(ours);
    author.eq_ignore_ascii_case(ours) || author.eq_ignore_ascii_case(&format!("{app}[bot]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_author_is_known_by_name() {
        assert!(is_same_login("github-actions[bot]", "github-actions"));
        assert!(is_same_login("Anna", "anna"));
        assert!(!is_same_login("github-actions", "github-actions[bot]"));
        assert!(!is_same_login("bob", "anna"));
    }
}
