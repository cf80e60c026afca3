//! The one seam where bodies are put on, and taken from, the SDK's requests, and where requests leave:
//! over the network, or into any function from request to response.
//!
//! **Invariant:** what goes out is exactly the document given, on every attempt and under the signature; what comes
//! back is kept whole.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use bytes::Bytes;
use serde_json::{Map, Value};

/// Carries a JSON document past the SDK's types, in one direction or both.
#[derive(Clone, Debug, Default)]
pub struct Document {
    request: Option<Arc<Map<String, Value>>>,
    response: Arc<Mutex<Value>>,
}

impl Document {
    /// Only takes the answer.
    pub fn read() -> Self {
        Self::default()
    }

    /// Lays these members over the body that the SDK wrote, then takes the answer.
    pub fn send(members: Map<String, Value>) -> Self {
        Self {
            request: Some(Arc::new(members)),
            response: Arc::default(),
        }
    }

    /// The answer to the last attempt; null when it was not JSON.
    pub fn answer(&self) -> Value {
        let mut held = self.response.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut held)
    }
}

#[dyn_dispatch_hint]
impl Intercept for Document {
    fn name(&self) -> &'static str {
        "Document"
    }

    // Runs once, after serialization and before the point to which each attempt is rewound, so
    // that every attempt signs and sends the document.
    fn modify_before_retry_loop(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(members) = &self.request else {
            return Ok(());
        };
        let request = context.request_mut();
        let written = request
            .body()
            .bytes()
            .ok_or("a streaming body holds no document")?;
        let mut body: Map<String, Value> = serde_json::from_slice(written)?;
        for (name, value) in members.iter() {
            body.insert(name.clone(), value.clone());
        }
        let bytes = serde_json::to_vec(&body)?;
        request
            .headers_mut()
            .insert("content-length", bytes.len().to_string());
        *request.body_mut() = SdkBody::from(bytes);
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response().body().bytes().unwrap_or_default();
        let answer = serde_json::from_slice(body).unwrap_or_default();
        *self.response.lock().unwrap_or_else(PoisonError::into_inner) = answer;
        Ok(())
    }
}

/// What a [`Function`] gives for a request: an answer, or none and why.
pub type Answer = Result<http::Response<Bytes>, ConnectorError>;

/// An HTTP client that calls a function: no socket, no waiting.
#[derive(Clone)]
pub struct Function(Arc<dyn Fn(http::Request<Bytes>) -> Answer + Send + Sync>);

impl Function {
    pub fn new(answer: impl Fn(http::Request<Bytes>) -> Answer + Send + Sync + 'static) -> Self {
        Self(Arc::new(answer))
    }

    fn call_now(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let request = request
            .try_into_http1x()
            .map_err(|error| ConnectorError::user(error.into()))?;
        let body = Bytes::copy_from_slice(request.body().bytes().unwrap_or_default());
        let response = (self.0)(request.map(|_| body))?;
        HttpResponse::try_from(response.map(SdkBody::from))
            .map_err(|error| ConnectorError::user(error.into()))
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Function")
    }
}

impl HttpConnector for Function {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(self.call_now(request))
    }
}

impl HttpClient for Function {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
