//! What the sandbox's port answers: AWS, and under `/_sandbox/` the census, the pokes and the page.
//!
//! **Invariants:** the controls live apart from AWS's paths; a web page from elsewhere can neither read nor poke.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use serde_json::{Value, json};

use super::live::Live;
use crate::adapters::loopback::Answer;
use crate::sandbox::{Outcome, Poke};

pub const CENSUS: &str = "/_sandbox/census";
pub const POKE: &str = "/_sandbox/poke";
pub const PAGE: &str = "/_sandbox/";

/// The page asks only where it came from, and takes nothing from elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'";

/// Who may use the controls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Bound to loopback: only requests that name this machine.
    ThisMachine,
    /// Bound to other addresses, on purpose.
    Anyone,
}

/// The sandbox behind a port.
#[derive(Clone, Debug)]
pub struct Door {
    live: Arc<Mutex<Live>>,
    reach: Reach,
}

impl Door {
    pub fn new(live: Live, reach: Reach) -> Self {
        Self {
            live: Arc::new(Mutex::new(live)),
            reach,
        }
    }

    pub fn lock(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves the clock on, then answers.
    pub async fn answer(self, request: Request<Bytes>) -> Answer {
        if is_foreign(request.headers()) {
            return Some(says(
                StatusCode::FORBIDDEN,
                "a page from elsewhere may not ask",
            ));
        }
        let path = request.uri().path();
        if path == "/" && request.method() == Method::GET {
            return Some(redirect(PAGE));
        }
        if path.starts_with(PAGE) {
            return Some(self.control(&request));
        }
        let (outcome, wait) = self.exchange(&request);
        if wait > Duration::ZERO {
            tokio::time::sleep(wait).await;
        }
        match outcome {
            Outcome::Answered(response) => Some(response),
            Outcome::Lost => None,
        }
    }

    fn exchange(&self, request: &Request<Bytes>) -> (Outcome, Duration) {
        let mut live = self.lock();
        live.catch_up(Instant::now());
        let exchange = live.sandbox.exchange(request);
        let wait = live.wait(&exchange);
        (exchange.outcome, wait)
    }

    fn control(&self, request: &Request<Bytes>) -> Response<Bytes> {
        if self.reach == Reach::ThisMachine && !names_this_machine(request.headers()) {
            return says(
                StatusCode::FORBIDDEN,
                "the controls are asked for by an address of this machine",
            );
        }
        match (request.method().as_str(), request.uri().path()) {
            ("GET", PAGE) => page(),
            ("GET", CENSUS) => self.census(),
            ("POST", POKE) => self.poke(request),
            (_, PAGE | CENSUS | POKE) => {
                says(StatusCode::METHOD_NOT_ALLOWED, "not with this method")
            }
            _ => says(StatusCode::NOT_FOUND, "there is nothing here"),
        }
    }

    fn census(&self) -> Response<Bytes> {
        let mut live = self.lock();
        live.catch_up(Instant::now());
        json_response(StatusCode::OK, &live.sandbox.census())
    }

    fn poke(&self, request: &Request<Bytes>) -> Response<Bytes> {
        // A form, which any web page may send, is not JSON.
        let is_json = text(request.headers(), "content-type").starts_with("application/json");
        if !is_json {
            return says(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "a poke is application/json",
            );
        }
        let poke: Poke = match serde_json::from_slice(request.body()) {
            Ok(poke) => poke,
            Err(error) => return says(StatusCode::BAD_REQUEST, &error.to_string()),
        };
        let mut live = self.lock();
        live.catch_up(Instant::now());
        match live.sandbox.poke(&poke) {
            Ok(()) => json_response(StatusCode::OK, &json!({"now": live.sandbox.now().iso()})),
            Err(error) => says(StatusCode::BAD_REQUEST, &error.to_string()),
        }
    }
}

/// Whether a browser sends this for a page that did not come from here.
fn is_foreign(headers: &HeaderMap) -> bool {
    let origin = text(headers, "origin");
    let host = text(headers, "host");
    !origin.is_empty() && origin != format!("http://{host}")
}

/// Whether the request's `Host` is an address or `localhost`: a name that somebody else made point here is neither.
fn names_this_machine(headers: &HeaderMap) -> bool {
    let host = text(headers, "host");
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || address.parse::<std::net::IpAddr>().is_ok()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    let value = headers.get(name);
    value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

fn page() -> Response<Bytes> {
    let body = Bytes::from_static(include_bytes!("page.html"));
    let mut response = respond(StatusCode::OK, "text/html; charset=utf-8", body);
    let policy = header::HeaderValue::from_static(POLICY);
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

fn redirect(to: &'static str) -> Response<Bytes> {
    let mut response = respond(StatusCode::FOUND, "text/plain", Bytes::new());
    let to = header::HeaderValue::from_static(to);
    response.headers_mut().insert(header::LOCATION, to);
    response
}

fn says(status: StatusCode, message: &str) -> Response<Bytes> {
    json_response(status, &json!({"error": message}))
}

fn json_response(status: StatusCode, body: &Value) -> Response<Bytes> {
    respond(status, "application/json", Bytes::from(body.to_string()))
}

fn respond(status: StatusCode, content_type: &str, body: Bytes) -> Response<Bytes> {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, content_type)
        .header(header::CACHE_CONTROL, "no-store")
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .body(body)
        .expect("a status and plain headers make a response")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        pairs.collect()
    }

    #[test]
    fn pages_from_elsewhere_are_told_by_their_origin() {
        let check = |pairs: &[(&'static str, &str)], foreign: bool| {
            assert_eq!(is_foreign(&headers(pairs)), foreign, "{pairs:?}");
        };
        check(&[("host", "127.0.0.1:4599")], false);
        check(
            &[
                ("host", "127.0.0.1:4599"),
                ("origin", "http://127.0.0.1:4599"),
            ],
            false,
        );
        check(
            &[
                ("host", "127.0.0.1:4599"),
                ("origin", "https://example.com"),
            ],
            true,
        );
        check(&[("host", "127.0.0.1:4599"), ("origin", "null")], true);
    }

    #[test]
    fn a_name_that_points_here_is_not_this_machine() {
        let check = |host: &str, ours: bool| {
            assert_eq!(
                names_this_machine(&headers(&[("host", host)])),
                ours,
                "{host}"
            );
        };
        check("127.0.0.1:4599", true);
        check("localhost:4599", true);
        check("[::1]:4599", true);
        check("rebound.example.com:4599", false);
        check("", false);
    }
}
