//! Calls to one GitLab, bounded in time and size, and what its refusals mean.

use std::time::Duration;

use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::client::http::{HttpConnector as _, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::core::causes::causes;
use crate::ports::ForgeError;

const USER_AGENT: &str = concat!("ecsdeploy/", env!("CARGO_PKG_VERSION"));

/// A call may take so long.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bytes of an answer: a page of 100 notes of a million characters would be more, and is not read.
const MOST: usize = 32 << 20;

/// Items of a page, the most that GitLab gives.
const PAGE: usize = 100;

/// Pages that are read of one list.
const PAGES: usize = 50;

/// What a call is for, in words, and what the token needs for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    /// Finishes "failed to …".
    pub what: &'static str,
    pub needs: &'static str,
}

/// A call that did not work, with GitLab's status if it answered.
#[derive(Debug)]
pub(super) struct Failed {
    pub status: Option<u16>,
    pub error: ForgeError,
}

impl From<Failed> for ForgeError {
    fn from(failed: Failed) -> Self {
        failed.error
    }
}

/// Whose token is sent.
#[derive(Clone, Debug)]
pub(super) enum Token {
    /// A project's, a group's or a person's access token.
    Access(String),
    /// The job's own.
    Job(String),
}

#[derive(Debug)]
pub(super) struct Client {
    connector: SharedHttpConnector,
    /// `https://gitlab.com/api/v4`.
    api: String,
}

impl Client {
    pub fn new(api: &str) -> Self {
        let rustls = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc);
        let connector = Connector::builder().tls_provider(rustls).build();
        Self {
            connector: SharedHttpConnector::new(connector),
            api: api.trim_end_matches('/').to_owned(),
        }
    }

    pub async fn get<T: DeserializeOwned>(
        &self,
        call: Call,
        token: &Token,
        path: &str,
    ) -> Result<T, Failed> {
        self.send(call, token, "GET", path, None).await
    }

    /// The whole list, page by page.
    pub async fn list<T: DeserializeOwned>(
        &self,
        call: Call,
        token: &Token,
        path: &str,
    ) -> Result<Vec<T>, Failed> {
        let join = if path.contains('?') { '&' } else { '?' };
        let mut all = Vec::new();
        for page in 1..=PAGES {
            let path = format!("{path}{join}per_page={PAGE}&page={page}");
            let mut items: Vec<T> = self.get(call, token, &path).await?;
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
        token: &Token,
        path: &str,
        body: &Value,
    ) -> Result<T, Failed> {
        self.send(call, token, "POST", path, Some(body)).await
    }

    pub async fn put<T: DeserializeOwned>(
        &self,
        call: Call,
        token: &Token,
        path: &str,
        body: &Value,
    ) -> Result<T, Failed> {
        self.send(call, token, "PUT", path, Some(body)).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        call: Call,
        token: &Token,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, Failed> {
        let exchange = self.exchange(token, method, path, body);
        let exchanged = tokio::time::timeout(PATIENCE, Box::pin(exchange)).await;
        let late = || Err(format!("no answer within {} s", PATIENCE.as_secs()));
        let (status, wait, text) = exchanged
            .unwrap_or_else(|_| late())
            .map_err(|said| call.unanswered(said))?;
        if !(200..300).contains(&status) {
            return Err(call.refused(status, wait, &text));
        }
        serde_json::from_slice(&text)
            .map_err(|error| call.unanswered(format!("the answer is not understood: {error}")))
    }

    async fn exchange(
        &self,
        token: &Token,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(u16, Option<Duration>, Vec<u8>), String> {
        let text = body.map(ToString::to_string).unwrap_or_default();
        let mut request = HttpRequest::new(SdkBody::from(text));
        let unusable = |error: &dyn std::error::Error| error.to_string();
        let url = format!("{}{path}", self.api);
        request
            .set_method(method)
            .map_err(|error| unusable(&error))?;
        request.set_uri(url).map_err(|error| unusable(&error))?;
        let headers = request.headers_mut();
        headers.insert("user-agent", USER_AGENT);
        headers.insert("content-type", "application/json");
        let (name, value) = match token {
            Token::Access(token) => ("private-token", token),
            Token::Job(token) => ("job-token", token),
        };
        headers
            .try_insert(name, value.clone())
            .map_err(|error| unusable(&error))?;
        let answer = self.connector.call(request).await;
        let answer = answer.map_err(|error| causes(&error))?;
        let wait = answer.headers().get("retry-after");
        let wait = wait.and_then(|it| it.parse().ok()).map(Duration::from_secs);
        Ok((answer.status().as_u16(), wait, read(answer).await?))
    }
}

impl Call {
    fn unanswered(self, said: String) -> Failed {
        let what = self.what.to_owned();
        Failed {
            status: None,
            error: ForgeError::Unanswered { what, said },
        }
    }

    fn refused(self, status: u16, wait: Option<Duration>, body: &[u8]) -> Failed {
        let what = self.what.to_owned();
        let said = format!("GitLab says {status} {}", message(body));
        let needs = match status {
            401 => "the token is not valid here",
            _ => self.needs,
        };
        let error = match status {
            429 | 500.. => ForgeError::Busy { what, said, wait },
            401 | 403 | 404 => ForgeError::Denied {
                what,
                said,
                needs: needs.to_owned(),
            },
            _ => ForgeError::Refused { what, said },
        };
        Failed {
            status: Some(status),
            error,
        }
    }
}

/// What GitLab says is wrong: a sentence, a list, or faults by member.
fn message(body: &[u8]) -> String {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let said = ["message", "error_description", "error"]
        .iter()
        .find_map(|name| value.get(*name));
    match said {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::from_utf8_lossy(body).chars().take(200).collect(),
    }
}

async fn read(answer: HttpResponse) -> Result<Vec<u8>, String> {
    let mut stream = ByteStream::new(answer.into_body());
    let mut read = Vec::new();
    while let Some(chunk) = stream.next().await {
        read.extend_from_slice(&chunk.map_err(|error| causes(&error))?);
        if read.len() > MOST {
            return Err(format!("the answer is longer than {MOST} bytes"));
        }
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_the_token_needs() {
        let call = Call {
            what: "write the note",
            needs: "it needs the scope `api`",
        };
        let check = |status, body: &str, says: &str| {
            let failed = call.refused(status, None, body.as_bytes());
            assert_eq!(failed.error.to_string(), says);
        };
        check(
            403,
            r#"{"message": "403 Forbidden"}"#,
            "failed to write the note: GitLab says 403 403 Forbidden (it needs the scope `api`)",
        );
        check(
            400,
            r#"{"message": {"body": ["is too long"]}}"#,
            r#"failed to write the note: GitLab says 400 {"body":["is too long"]}"#,
        );
        check(
            401,
            r#"{"error": "invalid_token", "error_description": "Token is expired."}"#,
            "failed to write the note: GitLab says 401 Token is expired. (the token is not valid here)",
        );
        let busy = call
            .refused(429, Some(Duration::from_secs(3)), b"Retry later")
            .error;
        assert!(
            matches!(busy, ForgeError::Busy { wait: Some(_), .. }),
            "{busy}"
        );
    }
}
