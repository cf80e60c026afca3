//! Tells which service and operation a request is for, and in which protocol: the `X-Amz-Target` prefix, then the path
//! of rpcv2Cbor, then the form body's `Version`. All services share one port, so the host says nothing.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use serde_json::Value;

use crate::sandbox::ApiError;
use crate::sandbox::wire::{body, cbor, json, mark, query};

/// A service whose requests can be told apart, modelled or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    Ecs,
    Ecr,
    Elb,
    Sts,
    CloudWatch,
    CodeDeploy,
    ApplicationAutoScaling,
    Logs,
    Ssm,
    EventBridge,
    Iam,
}

/// How the request was written, and so how the answer must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Json10,
    Json11,
    /// awsQuery with the XML namespace of its answers.
    Query(&'static str),
    /// rpcv2Cbor.
    Cbor,
}

/// One understood request.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub service: Service,
    pub operation: String,
    /// An object. awsQuery brings only texts, lists and objects.
    pub input: Value,
    pub protocol: Protocol,
}

impl Call {
    /// Whether the operation only looks, by AWS's habit of naming operations.
    pub fn is_read(&self) -> bool {
        const VERBS: [&str; 6] = ["Describe", "List", "Get", "BatchGet", "Filter", "Search"];
        VERBS.iter().any(|verb| self.operation.starts_with(verb))
    }
}

const TARGETS: [(&str, Service); 8] = [
    ("AmazonEC2ContainerServiceV20141113", Service::Ecs),
    ("AmazonEC2ContainerRegistry_V20150921", Service::Ecr),
    ("GraniteServiceVersion20100801", Service::CloudWatch),
    ("CodeDeploy_20141006", Service::CodeDeploy),
    ("AnyScaleFrontendService", Service::ApplicationAutoScaling),
    ("Logs_20140328", Service::Logs),
    ("AmazonSSM", Service::Ssm),
    ("AWSEvents", Service::EventBridge),
];

const VERSIONS: [(&str, Service, &str); 4] = [
    (
        "2015-12-01",
        Service::Elb,
        "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
    ),
    (
        "2011-06-15",
        Service::Sts,
        "https://sts.amazonaws.com/doc/2011-06-15/",
    ),
    (
        "2010-08-01",
        Service::CloudWatch,
        "http://monitoring.amazonaws.com/doc/2010-08-01/",
    ),
    (
        "2010-05-08",
        Service::Iam,
        "https://iam.amazonaws.com/doc/2010-05-08/",
    ),
];

impl Service {
    pub const ALL: [Self; 11] = [
        Self::Ecs,
        Self::Ecr,
        Self::Elb,
        Self::Sts,
        Self::CloudWatch,
        Self::CodeDeploy,
        Self::ApplicationAutoScaling,
        Self::Logs,
        Self::Ssm,
        Self::EventBridge,
        Self::Iam,
    ];

    /// The code of the service's own failures: HTTP 500. Where the service's model has none, the common one of AWS.
    pub const fn internal_error(self) -> &'static str {
        match self {
            Self::Ecs | Self::Ecr => "ServerException",
            Self::CloudWatch => "InternalServiceFault",
            Self::Ssm => "InternalServerError",
            Self::ApplicationAutoScaling => "InternalServiceException",
            Self::Logs => "ServiceUnavailableException",
            _ => "InternalFailure",
        }
    }

    /// The name that requests to this service are signed with.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ecs => "ecs",
            Self::Ecr => "ecr",
            Self::Elb => "elasticloadbalancing",
            Self::Sts => "sts",
            Self::CloudWatch => "monitoring",
            Self::CodeDeploy => "codedeploy",
            Self::ApplicationAutoScaling => "application-autoscaling",
            Self::Logs => "logs",
            Self::Ssm => "ssm",
            Self::EventBridge => "events",
            Self::Iam => "iam",
        }
    }

    /// The namespace of its shapes, which rpcv2Cbor writes before an error's name. Only CloudWatch speaks rpcv2Cbor yet.
    const fn shapes(self) -> &'static str {
        match self {
            Self::CloudWatch => "com.amazonaws.cloudwatch",
            _ => "com.amazonaws",
        }
    }
}

/// Understands a request, or says why it cannot be.
pub fn read(request: &Request<Bytes>) -> Result<Call, ApiError> {
    if request.method() == Method::POST {
        let body = body::read(request)?;
        if let Some(target) = header(request.headers(), "x-amz-target") {
            return read_json(target, request.headers(), &body);
        }
        if is_cbor(request) {
            return read_cbor(request.uri().path(), &body);
        }
        if is_form(request) {
            return read_form(&body);
        }
    }
    Err(unrouted(&format!(
        "{} {}",
        request.method(),
        request.uri().path()
    )))
}

fn is_cbor(request: &Request<Bytes>) -> bool {
    header(request.headers(), "smithy-protocol") == Some("rpc-v2-cbor")
}

fn is_form(request: &Request<Bytes>) -> bool {
    header(request.headers(), "content-type")
        .is_some_and(|t| t.starts_with("application/x-www-form-urlencoded"))
}

/// The path ends in `/service/NAME/operation/OPERATION`.
fn read_cbor(path: &str, body: &[u8]) -> Result<Call, ApiError> {
    let mut parts = path.rsplit('/');
    let (operation, o, name, s) = (parts.next(), parts.next(), parts.next(), parts.next());
    let (Some(operation), Some("operation"), Some(name), Some("service")) = (operation, o, name, s)
    else {
        return Err(unrouted(&format!("the path {path}")));
    };
    Ok(Call {
        service: by_target(name).ok_or_else(|| unrouted(&format!("the path {path}")))?,
        operation: operation.to_owned(),
        input: cbor::read(body)?,
        protocol: Protocol::Cbor,
    })
}

fn by_target(name: &str) -> Option<Service> {
    TARGETS
        .iter()
        .find(|(target, _)| *target == name)
        .map(|(_, service)| *service)
}

fn read_json(target: &str, headers: &HeaderMap, body: &[u8]) -> Result<Call, ApiError> {
    let (prefix, operation) = target.rsplit_once('.').ok_or_else(|| unrouted(target))?;
    let service = by_target(prefix).ok_or_else(|| unrouted(target))?;
    let version_10 = header(headers, "content-type")
        .is_some_and(|t| t.starts_with("application/x-amz-json-1.0"));
    let protocol = if version_10 {
        Protocol::Json10
    } else {
        Protocol::Json11
    };
    Ok(Call {
        service,
        operation: operation.to_owned(),
        input: json::read(body)?,
        protocol,
    })
}

fn read_form(body: &[u8]) -> Result<Call, ApiError> {
    let form = query::read(body)?;
    let (_, service, namespace) = VERSIONS
        .iter()
        .find(|(version, ..)| *version == form.version)
        .ok_or_else(|| unrouted(&format!("Action={} Version={}", form.action, form.version)))?;
    Ok(Call {
        service: *service,
        operation: form.action,
        input: form.input,
        protocol: Protocol::Query(namespace),
    })
}

/// Writes a call's outcome in the call's own protocol.
pub fn write(call: &Call, outcome: Result<Value, ApiError>, request_id: &str) -> Response<Bytes> {
    match (call.protocol, outcome) {
        (Protocol::Query(namespace), Ok(output)) => {
            query::answer(namespace, &call.operation, &output, request_id)
        }
        (Protocol::Query(namespace), Err(error)) => query::error(namespace, &error, request_id),
        (Protocol::Cbor, Ok(output)) => cbor::answer(&output, request_id),
        (Protocol::Cbor, Err(error)) => cbor::error(call.service.shapes(), &error, request_id),
        (protocol, Ok(mut output)) => {
            mark::settle(&mut output);
            json::answer(protocol, &output, request_id)
        }
        (protocol, Err(error)) => {
            let mut answer = json::error(protocol, &error, request_id);
            if call.service == Service::CloudWatch {
                add_query_error(&mut answer, &error);
            }
            answer
        }
    }
}

/// CloudWatch spoke awsQuery before it spoke JSON, and its clients still go by the old codes.
fn add_query_error(answer: &mut Response<Bytes>, error: &ApiError) {
    let value =
        HeaderValue::from_str(&cbor::query_error(error)).expect("an error code is plain text");
    answer.headers_mut().insert("x-amzn-query-error", value);
}

/// Answers a request that could not even be told apart, in the protocol that it seems to be in.
pub fn refuse(request: &Request<Bytes>, refusal: &ApiError, request_id: &str) -> Response<Bytes> {
    if is_cbor(request) {
        cbor::error(Service::CloudWatch.shapes(), refusal, request_id)
    } else if is_form(request) && header(request.headers(), "x-amz-target").is_none() {
        query::error("", refusal, request_id)
    } else {
        json::error(Protocol::Json11, refusal, request_id)
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn unrouted(what: &str) -> ApiError {
    ApiError::client(
        ApiError::NOT_MODELLED,
        format!("the sandbox knows no service that is asked for by {what}"),
    )
}
