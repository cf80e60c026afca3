//! rpcv2Cbor (Smithy's "RPC v2 CBOR"): the path names the operation, the body is one CBOR map.
//!
//! Reading takes whatever CBOR allows (indefinite lengths, short floats). Writing is by hand, because a client may insist
//! on a double being eight bytes long while general encoders shorten it: a JSON number with a fraction part, even `.0`,
//! is written as a 64-bit float, a whole one as an integer, and an instant as tag 1 with a 64-bit float.

use bytes::Bytes;
use ciborium::Value as Cbor;
use http::Response;
use serde_json::{Map, Number, Value};

use crate::sandbox::wire::mark::{self, Mark};
use crate::sandbox::wire::query::wire_code;
use crate::sandbox::{ApiError, Time};

const EPOCH_TIME: u64 = 1;

/// The input object; an empty body counts as `{}`, and a timestamp becomes epoch seconds.
pub fn read(body: &[u8]) -> Result<Value, ApiError> {
    if body.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    let broken = |why: String| ApiError::client("SerializationException", why);
    let read: Cbor = ciborium::from_reader(body).map_err(|error| broken(error.to_string()))?;
    match plain(read) {
        Some(Value::Object(input)) => Ok(Value::Object(input)),
        _ => Err(broken(
            "the body is not a CBOR map of plain values".to_owned(),
        )),
    }
}

/// What JSON can say too; `None` for byte strings, unknown tags and other strangers.
fn plain(value: Cbor) -> Option<Value> {
    match value {
        Cbor::Null => Some(Value::Null),
        Cbor::Bool(flag) => Some(flag.into()),
        Cbor::Text(text) => Some(text.into()),
        Cbor::Integer(number) => {
            let number = i128::from(number);
            u64::try_from(number)
                .map(Number::from)
                .or_else(|_| i64::try_from(number).map(Number::from))
                .ok()
                .map(Value::Number)
        }
        Cbor::Float(number) => Number::from_f64(number).map(Value::Number),
        Cbor::Tag(EPOCH_TIME, seconds) => plain(*seconds).filter(Value::is_number),
        Cbor::Array(items) => items
            .into_iter()
            .map(plain)
            .collect::<Option<Vec<_>>>()
            .map(Value::Array),
        Cbor::Map(members) => members
            .into_iter()
            .map(|(name, member)| Some((name.into_text().ok()?, plain(member)?)))
            .collect::<Option<Map<_, _>>>()
            .map(Value::Object),
        _ => None,
    }
}

pub fn answer(output: &Value, request_id: &str) -> Response<Bytes> {
    respond(200, request_id)
        .body(bytes_of(output))
        .expect("a status and plain headers make a response")
}

/// `{"__type": "com.amazonaws.cloudwatch#CODE", "message": …}`, and the code that the service had in awsQuery.
pub fn error(namespace: &str, error: &ApiError, request_id: &str) -> Response<Bytes> {
    let mut body = Map::new();
    body.insert(
        "__type".to_owned(),
        format!("{namespace}#{}", error.code).into(),
    );
    body.insert("message".to_owned(), error.message.clone().into());
    body.extend(error.fields.clone());
    let body = Value::Object(body);
    respond(error.status, request_id)
        .header("x-amzn-query-error", query_error(error))
        .body(bytes_of(&body))
        .expect("a status and plain headers make a response")
}

/// `CODE;Sender`: how a service that once spoke awsQuery keeps its old codes alive.
pub fn query_error(error: &ApiError) -> String {
    let fault = if error.status >= 500 {
        "Receiver"
    } else {
        "Sender"
    };
    format!("{};{fault}", wire_code(&error.code))
}

fn respond(status: u16, request_id: &str) -> http::response::Builder {
    Response::builder()
        .status(status)
        .header("content-type", "application/cbor")
        .header("smithy-protocol", "rpc-v2-cbor")
        .header("x-amzn-RequestId", request_id)
}

fn bytes_of(value: &Value) -> Bytes {
    let mut out = Vec::new();
    write(&mut out, value);
    Bytes::from(out)
}

fn write(out: &mut Vec<u8>, value: &Value) {
    match mark::read(value) {
        Some(Mark::Instant(at)) => return write_instant(out, at),
        Some(Mark::Entries(map)) => return write_map(out, map),
        None => {}
    }
    match value {
        Value::Null => out.push(0xf6),
        Value::Bool(false) => out.push(0xf4),
        Value::Bool(true) => out.push(0xf5),
        Value::Number(number) => write_number(out, number),
        Value::String(text) => {
            write_head(out, 3, text.len() as u64);
            out.extend_from_slice(text.as_bytes());
        }
        Value::Array(items) => {
            write_head(out, 4, items.len() as u64);
            for item in items {
                write(out, item);
            }
        }
        Value::Object(members) => write_map(out, members),
    }
}

/// A null member is left out.
fn write_map(out: &mut Vec<u8>, members: &Map<String, Value>) {
    let there: Vec<_> = members
        .iter()
        .filter(|(_, member)| !member.is_null())
        .collect();
    write_head(out, 5, there.len() as u64);
    for (name, member) in there {
        write_head(out, 3, name.len() as u64);
        out.extend_from_slice(name.as_bytes());
        write(out, member);
    }
}

fn write_number(out: &mut Vec<u8>, number: &Number) {
    if let Some(whole) = number.as_u64() {
        write_head(out, 0, whole);
    } else if let Some(negative) = number.as_i64() {
        write_head(out, 1, negative.unsigned_abs() - 1);
    } else {
        write_double(
            out,
            number
                .as_f64()
                .expect("a JSON number that is not whole is a double"),
        );
    }
}

fn write_double(out: &mut Vec<u8>, number: f64) {
    out.push(0xfb);
    out.extend_from_slice(&number.to_be_bytes());
}

fn write_instant(out: &mut Vec<u8>, at: Time) {
    write_head(out, 6, EPOCH_TIME);
    write_double(out, at.millis() as f64 / 1000.0);
}

/// Major type and argument, in the fewest bytes (RFC 8949, section 3).
fn write_head(out: &mut Vec<u8>, major: u8, argument: u64) {
    let major = major << 5;
    match argument {
        0..=23 => out.push(major | argument as u8),
        24..=0xff => out.extend([major | 0x18, argument as u8]),
        0x100..=0xffff => {
            out.push(major | 0x19);
            out.extend((argument as u16).to_be_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            out.push(major | 0x1a);
            out.extend((argument as u32).to_be_bytes());
        }
        _ => {
            out.push(major | 0x1b);
            out.extend(argument.to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn indefinite_lengths_short_floats_and_timestamps_are_read() {
        let check =
            |body: &[u8], input: Value| assert_eq!(read(body).unwrap(), input, "{body:02x?}");
        check(&[], json!({}));
        check(&[0xbf, 0xff], json!({}));
        check(
            &[0xbf, 0x61, b'a', 0x9f, 0x01, 0x20, 0xff, 0xff],
            json!({"a": [1, -1]}),
        );
        check(&[0xa1, 0x61, b'a', 0xf9, 0x3c, 0x00], json!({"a": 1.0}));
        let mut stamped = vec![0xa1, 0x61, b't', 0xc1, 0xfb];
        stamped.extend(1.5_f64.to_be_bytes());
        check(&stamped, json!({"t": 1.5}));
        for body in [
            &[0x80][..],
            &[0xa1, 0x61, b'a', 0x41, 0x00],
            &[0xa1, 0x61],
            &[0xa1, 0x01, 0x01],
        ] {
            assert_eq!(
                read(body).unwrap_err().code,
                "SerializationException",
                "{body:02x?}"
            );
        }
    }

    #[test]
    fn a_double_is_eight_bytes_long_even_when_it_is_whole() {
        let check =
            |value: Value, bytes: &[u8]| assert_eq!(&bytes_of(&value)[..], bytes, "{value}");
        check(json!(5.0), &[0xfb, 0x40, 0x14, 0, 0, 0, 0, 0, 0]);
        check(json!(5), &[0x05]);
        check(json!(-500), &[0x39, 0x01, 0xf3]);
        check(
            json!({"a": null, "b": [true]}),
            &[0xa1, 0x61, b'b', 0x81, 0xf5],
        );
        check(
            mark::instant(Time::from_millis(5000)),
            &[0xc1, 0xfb, 0x40, 0x14, 0, 0, 0, 0, 0, 0],
        );
        check(mark::entries(Map::new()), &[0xa0]);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let value = json!({"text": "x".repeat(300), "numbers": [0, 23, 24, 255, 256, 65_536, u64::MAX, i64::MIN, 0.1], "deep": {"a": [{}]}});
        assert_eq!(read(&bytes_of(&value)).unwrap(), value);
    }
}
