//! An HTTP probe: what is asked, and what answer is well.
//!
//! **Invariant:** an answer of the service is judged; no answer at all is a failure to measure, for the runner may
//! simply not reach the service.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::reading::Reading;

/// A GET request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Probe {
    /// `http://` or `https://`.
    pub url: String,
    /// Request headers, such as the one that a test listener rule asks for.
    pub headers: Vec<(String, String)>,
    pub redirects: Redirects,
    /// For the whole probe, redirects included.
    pub timeout: Duration,
}

/// Which redirects are followed; five at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Redirects {
    /// The redirect itself is the answer.
    None,
    /// Those to the same scheme, host and port.
    #[default]
    SameHost,
    Any,
}

/// What the service answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    /// The first [`BODY_LIMIT`] bytes, as text.
    pub body: String,
    /// From the request to the end of the body.
    pub took: Duration,
}

/// So much of an answer's body is read.
pub const BODY_LIMIT: usize = 64 * 1024;

/// A probe, and what its answer must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpCheck {
    pub probe: Probe,
    /// Any of these; any of 200 to 299 if it is empty.
    pub statuses: Vec<u16>,
    pub contains: Option<String>,
    /// The answer must be there within this time.
    pub within: Option<Duration>,
}

impl HttpCheck {
    pub(super) fn read(&self, reply: &Reply) -> Reading {
        let Reply { status, body, took } = reply;
        let well = match self.statuses.as_slice() {
            [] => (200..300).contains(status),
            statuses => statuses.contains(status),
        };
        if !well {
            return Reading::Fail(format!("answered {status}"));
        }
        if let Some(text) = &self.contains
            && !body.contains(text)
        {
            return Reading::Fail(format!("answered {status} without `{text}`"));
        }
        let millis = took.as_millis();
        match self.within {
            Some(limit) if *took > limit => {
                let limit = limit.as_millis();
                Reading::Fail(format!(
                    "answered {status} in {millis} ms, above {limit} ms"
                ))
            }
            _ => Reading::Pass(format!("answered {status} in {millis} ms")),
        }
    }
}
