//! Any operation of an awsJson service, without that service's SDK crate: `serde_json` values in and out over the
//! SDK's own orchestrator.
//!
//! Why not the crates: `aws-sdk-cloudwatch`, `-ssm`, `-codedeploy` and `-applicationautoscaling` cost minutes of
//! build and megabytes of binary for about ten operations, and their types drop what they do not know.
//! **Invariant:** credentials, signing, endpoint settings, timeouts and retry are the same `SdkConfig`'s as every
//! other call's; nothing of them is made anew here.

use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::auth::{SigV4OperationSigningConfig, SigningOptions};
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_runtime::client::orchestrator::operation::{Operation, OperationBuilder};
use aws_smithy_runtime::client::retries::classifiers::{
    HttpStatusCodeClassifier, TransientErrorClassifier,
};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::auth::{
    AuthSchemeOptionResolverParams, SharedAuthScheme, SharedAuthSchemeOptionResolver,
};
use aws_smithy_runtime_api::client::identity::SharedIdentityResolver;
use aws_smithy_runtime_api::client::orchestrator::{
    HttpRequest, HttpResponse, OrchestratorError, SensitiveOutput,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::error::metadata::{ErrorMetadata, ProvideErrorMetadata};
use aws_smithy_types::retry::RetryConfig;
use aws_types::region::{Region, SigningRegion};
use aws_types::service_config::ServiceConfigKey;
use aws_types::{SdkConfig, SigningName};
use serde_json::Value;

use super::faults::fault;
use super::limits::OnlyThrottled;
use crate::core::rollout::{Fault, FaultKind};

const USER_AGENT: &str = concat!("ecsdeploy/", env!("CARGO_PKG_VERSION"));

/// One awsJson service, in the words of its Smithy model.
#[derive(Clone, Copy, Debug)]
pub struct Api {
    /// `serviceId`, under which `AWS_ENDPOINT_URL_…` and `services` in `~/.aws/config` know it: `CloudWatch`.
    pub id: &'static str,
    /// `endpointPrefix`, the first part of the host name, and the signing name: `monitoring`.
    pub host: &'static str,
    /// What `X-Amz-Target` begins with: `GraniteServiceVersion20100801`.
    pub target: &'static str,
    /// `application/x-amz-json-1.0` or `…-1.1`.
    pub content_type: &'static str,
}

/// When a call may be sent again without looking first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// A read, or a change that comes to the same when it is made twice.
    Freely,
    /// A change that must be made once: again only after AWS said that it did nothing.
    OnlyThrottled,
}

/// A client for one service in one account and region.
#[derive(Clone, Debug)]
pub struct JsonService {
    config: SdkConfig,
    api: Api,
}

/// What the service answered instead of a result.
#[derive(Debug)]
struct Refusal(ErrorMetadata);

impl JsonService {
    pub fn new(config: &SdkConfig, api: Api) -> Self {
        // Held here, the cache lives as long as the client and not for one call only.
        let identities = config
            .identity_cache()
            .unwrap_or_else(|| IdentityCache::lazy().build());
        let mut config = config.clone().into_builder();
        config.set_identity_cache(Some(identities));
        Self {
            config: config.build(),
            api,
        }
    }

    /// Calls `operation` with `input`, a JSON object; gives the whole answer, null where its body was empty.
    pub async fn call(
        &self,
        operation: &'static str,
        input: Value,
        repeat: Repeat,
    ) -> Result<Value, Fault> {
        let Some(region) = self.config.region() else {
            return Err(unsent(operation, "no AWS region is set"));
        };
        let Api {
            target,
            content_type,
            ..
        } = self.api;
        let mut builder = self
            .prepare(operation, region)
            .ok_or_else(|| unsent(operation, "there is no HTTP client"))?;
        if repeat == Repeat::OnlyThrottled {
            builder = builder.retry_classifier(OnlyThrottled);
        }
        let call = builder
            .serializer(move |input: Value| write(&input, target, operation, content_type))
            .deserializer(read)
            .build();
        // The SDK's futures are large; on the heap they leave the stack to whoever calls, however deep.
        let answer = Box::pin(call.invoke(input)).await;
        answer.map_err(|error| fault(operation, &error))
    }

    fn prepare(&self, operation: &'static str, region: &Region) -> Option<OperationBuilder> {
        let config = &self.config;
        let retries = config.retry_config().cloned();
        let mut builder = Operation::builder()
            .service_name(self.api.host)
            .operation_name(operation)
            .endpoint_url(&self.endpoint(region))
            .http_client(config.http_client()?)
            .standard_retry(&retries.unwrap_or_else(RetryConfig::standard))
            .retry_classifier(HttpStatusCodeClassifier::default())
            .retry_classifier(AwsErrorCodeClassifier::<Refusal>::new())
            .retry_classifier(TransientErrorClassifier::<Refusal>::new())
            .with_connection_poisoning()
            .runtime_plugin(self.signing(region));
        if let Some(version) = config.behavior_version() {
            builder = builder.behavior_version(version);
        }
        if let Some(timeouts) = config.timeout_config() {
            builder = builder.timeout_config(timeouts.clone());
        }
        if let Some(protection) = config.stalled_stream_protection() {
            builder = builder.stalled_stream_protection(protection);
        }
        if let Some(sleep) = config.sleep_impl() {
            builder = builder.sleep_impl(sleep);
        }
        if let Some(time) = config.time_source() {
            builder = builder.time_source(time);
        }
        Some(builder)
    }

    fn signing(&self, region: &Region) -> StaticRuntimePlugin {
        let mut layer = Layer::new("signing");
        layer.store_put(SensitiveOutput);
        layer.store_put(AuthSchemeOptionResolverParams::new(()));
        layer.store_put(SigV4OperationSigningConfig {
            region: Some(SigningRegion::from(region.clone())),
            name: Some(SigningName::from(self.api.host)),
            signing_options: SigningOptions::default(),
            ..Default::default()
        });
        let mut parts = RuntimeComponentsBuilder::new("signing");
        parts.push_auth_scheme(SharedAuthScheme::new(SigV4AuthScheme::new()));
        let options = StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID]);
        parts.set_auth_scheme_option_resolver(Some(SharedAuthSchemeOptionResolver::new(options)));
        if let Some(credentials) = self.config.credentials_provider() {
            let resolver = SharedIdentityResolver::new(credentials);
            parts.set_identity_resolver(SCHEME_ID, resolver);
        }
        parts.set_identity_cache(self.config.identity_cache());
        StaticRuntimePlugin::new()
            .with_config(layer.freeze())
            .with_runtime_components(parts)
    }

    /// The user's own endpoint for this service, or for all, else AWS's for the region.
    fn endpoint(&self, region: &Region) -> String {
        let key = ServiceConfigKey::builder()
            .service_id(self.api.id)
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build()
            .expect("all three parts are given");
        let configured = self.config.service_config();
        configured
            .and_then(|settings| settings.load_config(key))
            .or_else(|| self.config.endpoint_url().map(str::to_owned))
            .unwrap_or_else(|| {
                let fips = self.config.use_fips().unwrap_or_default();
                let dual = self.config.use_dual_stack().unwrap_or_default();
                let host = self.api.host;
                let fips = if fips { "-fips" } else { "" };
                let suffix = suffix(region.as_ref(), if dual { Stack::Dual } else { Stack::V4 });
                format!("https://{host}{fips}.{region}.{suffix}")
            })
    }
}

#[derive(Clone, Copy)]
enum Stack {
    V4,
    Dual,
}

/// Domains of AWS's partitions, by how a region's name begins: `(region, IPv4, dual stack)`.
/// Source: `partitions.json` of the AWS SDKs.
const PARTITIONS: [(&str, &str, &str); 7] = [
    ("cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    ("us-iso-", "c2s.ic.gov", "api.aws.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov", "api.aws.scloud"),
    ("us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
    ("eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    ("eusc-", "amazonaws.eu", "api.amazonwebservices.eu"),
    ("", "amazonaws.com", "api.aws"),
];

fn suffix(region: &str, stack: Stack) -> &'static str {
    let (_, v4, dual) = PARTITIONS
        .iter()
        .find(|(prefix, ..)| region.starts_with(prefix))
        .expect("the last prefix is empty");
    match stack {
        Stack::V4 => v4,
        Stack::Dual => dual,
    }
}

fn write(
    input: &Value,
    target: &str,
    operation: &str,
    content_type: &'static str,
) -> Result<HttpRequest, BoxError> {
    let body = serde_json::to_vec(input)?;
    let length = body.len().to_string();
    let mut request = HttpRequest::new(SdkBody::from(body));
    request.set_method("POST")?;
    request.set_uri("/")?;
    let headers = request.headers_mut();
    headers.insert("content-type", content_type);
    headers.insert("content-length", length);
    headers.insert("user-agent", USER_AGENT);
    headers.insert("x-amz-target", format!("{target}.{operation}"));
    Ok(request)
}

fn read(response: &HttpResponse) -> Result<Value, OrchestratorError<Refusal>> {
    let body = response.body().bytes().unwrap_or_default();
    if response.status().is_success() {
        return match body {
            [] => Ok(Value::Null),
            body => serde_json::from_slice(body).map_err(|e| OrchestratorError::response(e.into())),
        };
    }
    // A proxy's page of an error is no JSON; the status alone then says what it was.
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let said = |name: &str| body.get(name).and_then(Value::as_str);
    let header = response.headers().get("x-amzn-errortype");
    let code = header.or(said("__type")).or(said("code"));
    let mut meta = ErrorMetadata::builder();
    if let Some(code) = code {
        meta = meta.code(bare(code));
    }
    if let Some(message) = said("message").or(said("Message")) {
        meta = meta.message(message);
    }
    Err(OrchestratorError::operation(Refusal(meta.build())))
}

/// `com.amazonaws.ssm#ParameterNotFound:http://…` -> `ParameterNotFound`.
fn bare(code: &str) -> &str {
    let code = code.rsplit_once('#').map_or(code, |(_, code)| code);
    code.split_once(':').map_or(code, |(code, _)| code)
}

fn unsent(operation: &str, message: &str) -> Fault {
    Fault {
        operation: operation.to_owned(),
        kind: FaultKind::Refused,
        code: String::new(),
        message: message.to_owned(),
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Refusal {}

impl ProvideErrorMetadata for Refusal {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;
    use aws_smithy_async::rt::sleep::{AsyncSleep, Sleep};
    use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use bytes::Bytes;
    use serde_json::json;

    use super::*;
    use crate::adapters::aws::{Answer, Function};

    const API: Api = Api {
        id: "CloudWatch",
        host: "monitoring",
        target: "GraniteServiceVersion20100801",
        content_type: "application/x-amz-json-1.0",
    };

    #[derive(Debug)]
    struct NoPause;

    impl AsyncSleep for NoPause {
        fn sleep(&self, _: Duration) -> Sleep {
            Sleep::new(std::future::ready(()))
        }
    }

    fn config(
        answer: impl Fn(http::Request<Bytes>) -> Answer + Send + Sync + 'static,
    ) -> SdkConfig {
        let keys = Credentials::from_keys("AKID", "secret", None);
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(keys))
            .http_client(Function::new(answer))
            .sleep_impl(NoPause)
            .time_source(aws_smithy_async::time::SystemTimeSource::new())
            .build()
    }

    fn answer(status: u16, body: &str) -> http::Response<Bytes> {
        let response = http::Response::builder().status(status);
        response
            .body(Bytes::copy_from_slice(body.as_bytes()))
            .unwrap()
    }

    #[tokio::test]
    async fn a_call_is_signed_json_to_the_services_own_host() {
        let seen = Arc::new(Mutex::new(None));
        let kept = Arc::clone(&seen);
        let config = config(move |request| {
            *kept.lock().unwrap() = Some(request);
            Ok(answer(200, r#"{"MetricAlarms": [], "BornLater": 1}"#))
        });
        let said = JsonService::new(&config, API)
            .call(
                "DescribeAlarms",
                json!({"AlarmNames": ["a"]}),
                Repeat::Freely,
            )
            .await;
        assert_eq!(said, Ok(json!({"MetricAlarms": [], "BornLater": 1})));
        let request = seen.lock().unwrap().take().unwrap();
        assert_eq!(
            request.uri(),
            "https://monitoring.eu-central-1.amazonaws.com/"
        );
        assert_eq!(request.body(), r#"{"AlarmNames":["a"]}"#);
        let header = |name: &str| request.headers()[name].to_str().unwrap();
        assert_eq!(
            header("x-amz-target"),
            "GraniteServiceVersion20100801.DescribeAlarms"
        );
        assert_eq!(header("content-type"), "application/x-amz-json-1.0");
        let signed = header("authorization");
        assert!(
            signed.contains("/eu-central-1/monitoring/aws4_request"),
            "{signed}"
        );
    }

    /// What is answered first, how the call may be repeated; how often it is sent, and the fault if it is one.
    async fn check(
        status: u16,
        body: &'static str,
        repeat: Repeat,
        sent: usize,
        fault: Option<(FaultKind, &str)>,
    ) {
        let count = Arc::new(Mutex::new(0));
        let counted = Arc::clone(&count);
        let config = config(move |_| {
            let mut count = counted.lock().unwrap();
            *count += 1;
            match (*count, status) {
                (1, 0) => Err(ConnectorError::io("connection reset".into())),
                (1, _) => Ok(answer(status, body)),
                _ => Ok(answer(200, "{}")),
            }
        });
        let said = JsonService::new(&config, API)
            .call("PutParameter", json!({}), repeat)
            .await
            .err();
        let said = said.as_ref().map(|f| (f.kind, f.code.as_str()));
        assert_eq!(said, fault, "{status} {body}");
        assert_eq!(*count.lock().unwrap(), sent, "{status} {body}");
    }

    #[tokio::test]
    async fn only_what_may_be_repeated_is_repeated() {
        use FaultKind::{Refused, Unanswered};
        use Repeat::{Freely, OnlyThrottled};
        let throttled = r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#;
        let exists = r#"{"__type":"com.amazonaws.ssm#ParameterAlreadyExists:http://x"}"#;
        check(400, throttled, Freely, 2, None).await;
        check(400, throttled, OnlyThrottled, 2, None).await;
        check(500, "", Freely, 2, None).await;
        check(500, "", OnlyThrottled, 1, Some((Unanswered, ""))).await;
        check(0, "", Freely, 2, None).await;
        check(0, "", OnlyThrottled, 1, Some((Unanswered, ""))).await;
        check(
            400,
            exists,
            Freely,
            1,
            Some((Refused, "ParameterAlreadyExists")),
        )
        .await;
        check(200, "<html>", OnlyThrottled, 1, Some((Unanswered, ""))).await;
    }

    #[test]
    fn each_partition_has_its_own_domain() {
        let check = |region: &str, fips: bool, dual: bool, expect: &str| {
            let region = Region::new(region.to_owned());
            let config = SdkConfig::builder()
                .use_fips(fips)
                .use_dual_stack(dual)
                .build();
            let service = JsonService::new(&config, API);
            assert_eq!(service.endpoint(&region), format!("https://{expect}"));
        };
        check(
            "eu-west-1",
            false,
            false,
            "monitoring.eu-west-1.amazonaws.com",
        );
        check(
            "us-gov-west-1",
            true,
            false,
            "monitoring-fips.us-gov-west-1.amazonaws.com",
        );
        check(
            "cn-north-1",
            false,
            false,
            "monitoring.cn-north-1.amazonaws.com.cn",
        );
        check("eu-west-1", false, true, "monitoring.eu-west-1.api.aws");
    }
}
