//! Request bodies as they were before the client compressed them.

use std::borrow::Cow;
use std::io::Read as _;

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::Request;

use crate::sandbox::ApiError;

/// No modelled operation takes more; the limit keeps a small body from becoming a huge one.
const MOST: u64 = 16 << 20;

/// The body, inflated if `Content-Encoding: gzip` says so. Another encoding is refused.
pub fn read(request: &Request<Bytes>) -> Result<Cow<'_, [u8]>, ApiError> {
    let encoding = request
        .headers()
        .get("content-encoding")
        .map(http::HeaderValue::as_bytes);
    match encoding {
        None | Some(b"" | b"identity" | b"aws-chunked") => Ok(Cow::Borrowed(request.body())),
        Some(b"gzip") => inflate(request.body()).map(Cow::Owned),
        Some(other) => Err(ApiError::client(
            ApiError::NOT_MODELLED,
            format!(
                "the sandbox does not read bodies encoded as {}",
                String::from_utf8_lossy(other)
            ),
        )),
    }
}

fn inflate(body: &[u8]) -> Result<Vec<u8>, ApiError> {
    let mut plain = Vec::new();
    let read = GzDecoder::new(body).take(MOST + 1).read_to_end(&mut plain);
    match read {
        Ok(length) if length as u64 <= MOST => Ok(plain),
        Ok(_) => Err(ApiError::client(
            "SerializationException",
            "the inflated body is too large",
        )),
        Err(error) => Err(ApiError::client(
            "SerializationException",
            format!("the body is not gzip: {error}"),
        )),
    }
}
