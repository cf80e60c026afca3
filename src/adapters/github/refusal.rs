//! From GitHub's refusals to what a person can do about them.
//!
//! Statuses and headers by "Troubleshooting the REST API" and "Rate limits for the REST API" (docs.github.com).

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;

use crate::core::causes::causes;
use crate::ports::ForgeError;

/// What a call is for, in words, and what the token must be allowed for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    /// Finishes "failed to …".
    pub what: &'static str,
    /// As in a workflow's `permissions`.
    pub needs: &'static str,
}

/// A call that did not work, with GitHub's status if it answered.
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

impl Call {
    pub fn failed(self, error: &octocrab::Error) -> Failed {
        match error {
            octocrab::Error::GitHub { source, .. } => {
                let none = HeaderMap::new();
                let headers = source.headers.as_ref().unwrap_or(&none);
                self.refused(source.status_code.as_u16(), &source.message, headers)
            }
            other => self.unanswered(&causes(other)),
        }
    }

    pub fn unanswered(self, said: &str) -> Failed {
        Failed {
            status: None,
            error: ForgeError::Unanswered {
                what: self.what.to_owned(),
                said: said.to_owned(),
            },
        }
    }

    fn refused(self, status: u16, message: &str, headers: &HeaderMap) -> Failed {
        let what = self.what.to_owned();
        let said = format!("GitHub says {status} {message}");
        let is_limit = status == 429 || status == 403 && is_rate_limit(message, headers);
        let error = match status {
            _ if is_limit || status >= 500 => busy(what, said, headers),
            401 => ForgeError::Denied {
                what,
                said,
                needs: "the token is not valid here".to_owned(),
            },
            403 if message.contains("locked") => ForgeError::Denied {
                what,
                said,
                needs: "the conversation is locked".to_owned(),
            },
            403 => ForgeError::Denied {
                what,
                said,
                needs: self.permission(headers),
            },
            // What a token may not see is not found.
            404 => ForgeError::Denied {
                what,
                said,
                needs: format!(
                    "it is not there, or the token may not see it: {}",
                    self.permission(headers)
                ),
            },
            _ => ForgeError::Refused { what, said },
        };
        Failed {
            status: Some(status),
            error,
        }
    }

    /// GitHub's own word for it where it gives one: `issues=write; pull_requests=write`.
    fn permission(self, headers: &HeaderMap) -> String {
        let accepted = text(headers, "x-accepted-github-permissions");
        let accepted = accepted.unwrap_or_default().replace('_', "-");
        let each: Vec<String> = accepted
            .split(';')
            .map(str::trim)
            .filter(|each| !each.is_empty())
            .map(|each| format!("`{}`", each.replace('=', ": ").replace(',', " and ")))
            .collect();
        let needs = if each.is_empty() {
            format!("`{}`", self.needs)
        } else {
            each.join(" or ")
        };
        format!("the job's permissions need {needs}")
    }
}

fn busy(what: String, said: String, headers: &HeaderMap) -> ForgeError {
    let wait = wait(headers, Timestamp::now());
    ForgeError::Busy { what, said, wait }
}

fn is_rate_limit(message: &str, headers: &HeaderMap) -> bool {
    text(headers, "retry-after").is_some()
        || text(headers, "x-ratelimit-remaining") == Some("0")
        || message.to_lowercase().contains("rate limit")
}

/// How long to wait: so many seconds, or until the limit is reset.
fn wait(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let number = |name| text(headers, name)?.parse::<i64>().ok();
    let until_reset = || {
        let reset = number("x-ratelimit-reset")?;
        (text(headers, "x-ratelimit-remaining") == Some("0")).then(|| reset - now.as_second())
    };
    let seconds = number("retry-after").or_else(until_reset)?;
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMENT: Call = Call {
        what: "comment",
        needs: "pull-requests: write",
    };

    fn said(status: u16, message: &str, headers: &[(&'static str, &str)]) -> String {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap()))
            .collect();
        match COMMENT.refused(status, message, &headers).error {
            ForgeError::Busy { wait, .. } => format!("busy {wait:?}"),
            other => other.to_string(),
        }
    }

    #[test]
    fn a_missing_permission_is_named() {
        let forbidden = "Resource not accessible by integration";
        let check = |headers: &[_], says: &str| {
            let said = said(403, forbidden, headers);
            assert!(said.ends_with(says), "{said}");
        };
        check(&[], "(the job's permissions need `pull-requests: write`)");
        check(
            &[(
                "x-accepted-github-permissions",
                "issues=write; pull_requests=write",
            )],
            "(the job's permissions need `issues: write` or `pull-requests: write`)",
        );
        let locked = said(
            403,
            "Unable to create comment because issue is locked.",
            &[],
        );
        assert!(locked.ends_with("(the conversation is locked)"), "{locked}");
    }

    #[test]
    fn a_rate_limit_is_no_missing_permission() {
        let secondary = "You have exceeded a secondary rate limit.";
        assert_eq!(
            said(403, secondary, &[("retry-after", "7")]),
            "busy Some(7s)"
        );
        assert_eq!(said(403, secondary, &[]), "busy None");
        assert_eq!(
            said(429, "slow down", &[("retry-after", "1")]),
            "busy Some(1s)"
        );
        let spent = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "0")];
        assert_eq!(
            said(403, "API rate limit exceeded", &spent),
            "busy Some(0ns)"
        );
        assert_eq!(said(502, "Bad Gateway", &[]), "busy None");
    }

    #[test]
    fn what_is_wrong_with_the_request_is_refused() {
        let said = said(422, "Validation Failed", &[]);
        assert_eq!(said, "failed to comment: GitHub says 422 Validation Failed");
    }
}
