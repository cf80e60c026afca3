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
    /// The path of the API: empty, or an Enterprise server's `/api/v3`.
    api: String,
    /// `API/repos/OWNER/NAME`.
    root: String,
}

impl Client {
    pub fn new(settings: &Settings) -> Result<Self, OpenError> {
        let unusable = |error: octocrab::Error| OpenError::Unusable(error.to_string());
        let (origin, api) = split(&settings.api)?;
        let crab = Octocrab::builder()
            .base_uri(origin)
            .map_err(unusable)?
            .personal_token(settings.token.clone())
            .add_header(
                USER_AGENT,
                concat!("ecsdeploy/", env!("CARGO_PKG_VERSION")).to_owned(),
            )
            .add_header(
                HeaderName::from_static("x-github-api-version"),
                "2022-11-28".to_owned(),
            )
            .set_connect_timeout(Some(PATIENCE / 2))
            .build()
            .map_err(unusable)?;
        let root = format!("{api}/repos/{}", settings.repository);
        Ok(Self { crab, api, root })
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
        let route = format!("{}/user", self.api);
        bounded(call, self.crab.get(route, None::<&()>)).await
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

/// The server and the path on it. octocrab would lay a path in its base before every address, GraphQL's too.
fn split(api: &str) -> Result<(String, String), OpenError> {
    let unusable = || OpenError::Unusable(format!("`{api}` is no address"));
    let uri: http::Uri = api.parse().map_err(|_| unusable())?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(unusable());
    };
    let path = uri.path().trim_end_matches('/').to_owned();
    Ok((format!("{scheme}://{authority}"), path))
}

async fn bounded<T>(
    call: Call,
    work: impl Future<Output = octocrab::Result<T>>,
) -> Result<T, Failed> {
    // Boxed: octocrab's futures are large.
    let answer = tokio::time::timeout(PATIENCE, Box::pin(work)).await;
    let late = || format!("no answer within {} s", PATIENCE.as_secs());
    let answer = answer.map_err(|_| call.unanswered(&late()))?;
    answer.map_err(|error| call.failed(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_enterprise_server_has_its_api_below_a_path() {
        let check = |api: &str, server: &str, path: &str| {
            let split = split(api).unwrap();
            assert_eq!((split.0.as_str(), split.1.as_str()), (server, path));
        };
        check("https://api.github.com", "https://api.github.com", "");
        check(
            "https://ghe.example/api/v3/",
            "https://ghe.example",
            "/api/v3",
        );
        assert!(split("api.github.com/x").is_err());
    }
}
