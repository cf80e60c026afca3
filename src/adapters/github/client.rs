//! Calls to one repository, bounded in time, their answers read into small structs.

use std::time::Duration;

use http::HeaderName;
use http::header::USER_AGENT;
use octocrab::Octocrab;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::github::{OpenError, Settings};
use super::refusal::{Call, Failed};

/// A call may take so long.
const PATIENCE: Duration = Duration::from_secs(10);

/// Items of a page, the most that GitHub gives.
pub(super) const PAGE: usize = 100;

/// Pages that are read of one list.
const PAGES: usize = 50;

#[derive(Debug)]
pub(super) struct Client {
    crab: Octocrab,
    /// `/repos/OWNER/NAME`.
    root: String,
}

impl Client {
    pub fn new(settings: &Settings) -> Result<Self, OpenError> {
        let api = settings.api.trim_end_matches('/');
        let unusable = |error: octocrab::Error| OpenError::Unusable(error.to_string());
        let crab = Octocrab::builder()
            .base_uri(api)
            .map_err(unusable)?
            .personal_token(settings.token.clone())
            .add_header(USER_AGENT, concat!("ecsdeploy/", env!("CARGO_PKG_VERSION")).to_owned())
            .add_header(
                HeaderName::from_static("x-github-api-version"),
                "2022-11-28".to_owned(),
            )
            .set_connect_timeout(Some(PATIENCE / 2))
            .build()
            .map_err(unusable)?;
        let root = format!("/repos/{}", settings.repository);
        Ok(Self { crab, root })
    }

    /// `path` is below the repository.
    pub async fn get<T: DeserializeOwned>(
        &self,
        call: Call,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, Failed> {
        let route = format!("{}{path}", self.root);
        bounded(call, self.crab.get(route, Some(query))).await
    }

    /// The whole list, page by page.
    pub async fn list<T: DeserializeOwned>(
        &self,
        call: Call,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Vec<T>, Failed> {
        let mut all = Vec::new();
        for page in 1..=PAGES {
            let (size, page) = (PAGE.to_string(), page.to_string());
            let query = [query, &[("per_page", &size), ("page", &page)]].concat();
            let mut items: Vec<T> = self.get(call, path, &query).await?;
            let is_last = items.len() < PAGE;
            all.append(&mut items);
            if is_last {
                break;
            }
        }
        Ok(all)
    }

    pub async fn post<T: DeserializeOwned>(
        &self,
        call: Call,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failed> {
        let route = format!("{}{path}", self.root);
        bounded(call, self.crab.post(route, Some(body))).await
    }

    pub async fn patch<T: DeserializeOwned>(
        &self,
        call: Call,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failed> {
        let route = format!("{}{path}", self.root);
        bounded(call, self.crab.patch(route, Some(body))).await
    }

    /// Beside the repository: who the token is.
    pub async fn user<T: DeserializeOwned>(&self, call: Call) -> Result<T, Failed> {
        bounded(call, self.crab.get("/user", None::<&()>)).await
    }

    /// A GraphQL query at its own address.
    pub async fn query<T: DeserializeOwned>(
        &self,
        call: Call,
        url: &str,
        query: &str,
    ) -> Result<T, Failed> {
        let body = serde_json::json!({"query": query});
        bounded(call, self.crab.post(url, Some(&body))).await
    }
}

async fn bounded<T>(
    call: Call,
    work: impl Future<Output = octocrab::Result<T>>,
) -> Result<T, Failed> {
    // Boxed: octocrab's futures are large.
    match tokio::time::timeout(PATIENCE, Box::pin(work)).await {
        Ok(answer) => answer.map_err(|error| call.failed(&error)),
        Err(_) => {
            let said = format!("no answer within {} s", PATIENCE.as_secs());
            Err(call.unanswered(&said))
        }
    }
}
