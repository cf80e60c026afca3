//! HTTP probes from where this program runs.
//!
//! **Invariants:** one answer at most is read, and no more of its body than the limit; nothing is sent to another host
//! than the one named unless the probe says so; the whole probe ends within its timeout.

use std::sync::OnceLock;
use std::time::Instant;

use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use http::Uri;
use http::uri::PathAndQuery;

use crate::core::causes::causes;
use crate::core::gate::{BODY_LIMIT, Probe, Redirects, Reply};
use crate::core::rollout::{Fault, FaultKind};
use crate::ports::Prober;

const USER_AGENT: &str = concat!("ecsdeploy/", env!("CARGO_PKG_VERSION"));

/// Redirects that one probe follows.
const REDIRECTS: usize = 5;

/// Sends probes over the network, or into any connector.
#[derive(Debug, Default)]
pub struct Http {
    // Made at the first probe: reading the system's root certificates takes a while.
    connector: OnceLock<SharedHttpConnector>,
}

impl Http {
    /// Over the network.
    pub fn network() -> Self {
        Self::default()
    }

    pub fn over(connector: impl HttpConnector + 'static) -> Self {
        let connector = SharedHttpConnector::new(connector);
        Self {
            connector: OnceLock::from(connector),
        }
    }

    fn connector(&self) -> &SharedHttpConnector {
        self.connector.get_or_init(|| {
            let rustls = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc);
            let connector = Connector::builder().tls_provider(rustls).build();
            SharedHttpConnector::new(connector)
        })
    }

    async fn ask(&self, probe: &Probe) -> Result<Reply, String> {
        let began = Instant::now();
        let mut uri: Uri = probe.url.parse().map_err(|error| format!("{error}"))?;
        for _ in 0..=REDIRECTS {
            let answer = self.get(&uri, probe).await?;
            let Some(next) = redirect(&answer, &uri, probe.redirects)? else {
                let status = answer.status().as_u16();
                let body = body(answer).await?;
                let took = began.elapsed();
                return Ok(Reply { status, body, took });
            };
            uri = next;
        }
        Err(format!("more than {REDIRECTS} redirects"))
    }

    async fn get(&self, uri: &Uri, probe: &Probe) -> Result<HttpResponse, String> {
        let mut request = HttpRequest::new(SdkBody::empty());
        request
            .set_uri(uri.clone())
            .map_err(|error| error.to_string())?;
        let headers = request.headers_mut();
        headers.insert("user-agent", USER_AGENT);
        for (name, value) in &probe.headers {
            headers
                .try_insert(name.clone(), value.clone())
                .map_err(|error| error.to_string())?;
        }
        let answer = self.connector().call(request).await;
        answer.map_err(|error| causes(&error))
    }
}

impl Prober for Http {
    async fn probe(&self, probe: &Probe) -> Result<Reply, Fault> {
        let asked = tokio::time::timeout(probe.timeout, self.ask(probe)).await;
        let seconds = probe.timeout.as_secs();
        let answer = asked.unwrap_or_else(|_| Err(format!("no answer within {seconds} s")));
        answer.map_err(|message| Fault {
            operation: format!("GET {}", probe.url),
            kind: FaultKind::Unanswered,
            code: String::new(),
            message,
        })
    }
}

/// Where a redirect leads, if it is one to be followed.
fn redirect(answer: &HttpResponse, from: &Uri, allowed: Redirects) -> Result<Option<Uri>, String> {
    let moved = matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = answer.headers().get("location");
    let (true, Some(location)) = (moved && allowed != Redirects::None, location) else {
        return Ok(None);
    };
    let to = resolve(from, location).ok_or_else(|| format!("redirected to `{location}`"))?;
    let stays = to.scheme() == from.scheme() && to.authority() == from.authority();
    match allowed {
        Redirects::Any => Ok(Some(to)),
        _ if stays => Ok(Some(to)),
        _ => Err(format!("redirected to another host: {to}")),
    }
}

/// A redirect's target, by RFC 3986 §5.2 without dot segments, which no path of a redirect needs.
fn resolve(from: &Uri, location: &str) -> Option<Uri> {
    let location = location.split('#').next().unwrap_or_default();
    if location.contains("://") {
        return location.parse().ok();
    }
    if let Some(rest) = location.strip_prefix("//") {
        return format!("{}://{rest}", from.scheme_str()?).parse().ok();
    }
    let path = if location.starts_with('/') {
        location.to_owned()
    } else {
        let folder = from
            .path()
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder);
        format!("{folder}/{location}")
    };
    let mut parts = from.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(path).ok()?);
    Uri::from_parts(parts).ok()
}

/// The first part of the body, as text.
async fn body(answer: HttpResponse) -> Result<String, String> {
    let mut stream = ByteStream::new(answer.into_body());
    let mut read = Vec::new();
    while read.len() < BODY_LIMIT
        && let Some(chunk) = stream.next().await
    {
        read.extend_from_slice(&chunk.map_err(|error| causes(&error))?);
    }
    read.truncate(BODY_LIMIT);
    Ok(String::from_utf8_lossy(&read).into_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws_smithy_runtime_api::client::http::HttpConnectorFuture;

    use super::*;

    /// Answers by path: a redirect, a long body, silence, or a plain word.
    #[derive(Debug)]
    struct Site;

    impl HttpConnector for Site {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            let uri: Uri = request.uri().parse().unwrap();
            let response = http::Response::builder();
            let (response, body) = match uri.path() {
                "/home" => (
                    response.status(302).header("location", "/ok"),
                    String::new(),
                ),
                "/away" => (
                    response
                        .status(301)
                        .header("location", "https://other.test/ok"),
                    String::new(),
                ),
                "/round" => (
                    response.status(307).header("location", "round"),
                    String::new(),
                ),
                "/long" => (response, "x".repeat(2 * BODY_LIMIT)),
                "/silent" => return HttpConnectorFuture::new(std::future::pending()),
                "/down" => (response.status(503), "down".to_owned()),
                _ => (response, format!("well at {uri}")),
            };
            let response = response.body(SdkBody::from(body)).unwrap();
            HttpConnectorFuture::ready(Ok(HttpResponse::try_from(response).unwrap()))
        }
    }

    /// What a probe of `url` gives: the status and how the body begins, or why there is no answer.
    async fn check(url: &str, redirects: Redirects, expect: &str) {
        let probe = Probe {
            url: url.to_owned(),
            headers: vec![("x-test".to_owned(), "1".to_owned())],
            redirects,
            timeout: Duration::from_millis(50),
        };
        let said = match Http::over(Site).probe(&probe).await {
            Ok(reply) => format!("{} {:.30}", reply.status, reply.body),
            Err(fault) => fault.message,
        };
        assert_eq!(said, expect, "{url}");
    }

    #[tokio::test]
    async fn an_answer_is_an_answer_whatever_it_says() {
        use Redirects::{Any, None, SameHost};
        check(
            "https://a.test/ok",
            SameHost,
            "200 well at https://a.test/ok",
        )
        .await;
        check("https://a.test/down", SameHost, "503 down").await;
        check(
            "https://a.test/home",
            SameHost,
            "200 well at https://a.test/ok",
        )
        .await;
        check("https://a.test/home", None, "302 ").await;
        check(
            "https://a.test/away",
            Any,
            "200 well at https://other.test/ok",
        )
        .await;
        let refused = "redirected to another host: https://other.test/ok";
        check("https://a.test/away", SameHost, refused).await;
        check("https://a.test/round", SameHost, "more than 5 redirects").await;
        check("https://a.test/silent", SameHost, "no answer within 0 s").await;
        check("no url", SameHost, "invalid uri character").await;
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit() {
        let answer = http::Response::new(SdkBody::from("x".repeat(2 * BODY_LIMIT)));
        let answer = HttpResponse::try_from(answer).unwrap();
        assert_eq!(body(answer).await.unwrap().len(), BODY_LIMIT);
    }

    #[test]
    fn redirects_are_resolved_against_where_they_come_from() {
        let check = |location: &str, expect: &str| {
            let from: Uri = "https://a.test:8443/x/y?q=1".parse().unwrap();
            assert_eq!(resolve(&from, location).unwrap().to_string(), expect);
        };
        check("/z?p=2#part", "https://a.test:8443/z?p=2");
        check("z", "https://a.test:8443/x/z");
        check("//b.test/z", "https://b.test/z");
        check("http://b.test/z", "http://b.test/z");
    }
}
