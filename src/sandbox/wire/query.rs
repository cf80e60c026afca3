//! awsQuery: a form in, XML out.
//!
//! In, `Actions.member.1.ForwardConfig.TargetGroups.member.2.Weight=10` becomes a tree whose leaves are texts. Out, a
//! list becomes `<member>` elements and a null is left out.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bytes::Bytes;
use http::Response;
use serde_json::{Map, Value};

use crate::sandbox::ApiError;

/// A decoded form.
#[derive(Debug, PartialEq)]
pub struct Form {
    pub action: String,
    pub version: String,
    pub input: Value,
}

pub fn read(body: &[u8]) -> Result<Form, ApiError> {
    let mut root = Node::default();
    for (key, value) in form_urlencoded::parse(body) {
        root.put(&key, value.into_owned());
    }
    let mut take = |name: &str| root.children.remove(name).and_then(|n| n.text).unwrap_or_default();
    let (action, version) = (take("Action"), take("Version"));
    if action.is_empty() {
        return Err(ApiError::client("MissingAction", "the form has no Action"));
    }
    let input = if root.children.is_empty() { Value::Object(Map::new()) } else { root.into_value() };
    Ok(Form { action, version, input })
}

/// A place in the form's dotted keys.
#[derive(Default)]
struct Node {
    text: Option<String>,
    children: BTreeMap<String, Node>,
}

impl Node {
    fn put(&mut self, key: &str, value: String) {
        let place = key.split('.').fold(self, |node, part| node.children.entry(part.to_owned()).or_default());
        place.text = Some(value);
    }

    /// `X.member.N` is a list in the order of N; anything else with children is an object.
    fn into_value(mut self) -> Value {
        if self.children.is_empty() {
            return Value::String(self.text.unwrap_or_default());
        }
        if self.children.len() == 1
            && let Some(members) = self.children.remove("member")
        {
            let mut items: Vec<(u64, Node)> = members.children.into_iter().map(|(n, node)| (n.parse().unwrap_or(u64::MAX), node)).collect();
            items.sort_by_key(|(n, _)| *n);
            return items.into_iter().map(|(_, node)| node.into_value()).collect();
        }
        self.children.into_iter().map(|(name, node)| (name, node.into_value())).collect::<Map<_, _>>().into()
    }
}

/// `<OpResponse><OpResult>…</OpResult><ResponseMetadata>…`; the result element is there even when it is empty.
pub fn answer(namespace: &str, operation: &str, output: &Value, request_id: &str) -> Response<Bytes> {
    let mut xml = format!("<{operation}Response xmlns=\"{namespace}\"><{operation}Result>");
    write_members(&mut xml, output);
    let _ = write!(xml, "</{operation}Result><ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>");
    respond(200, xml, request_id)
}

/// The code on the wire is the model's name without its `Exception` suffix.
pub fn error(namespace: &str, error: &ApiError, request_id: &str) -> Response<Bytes> {
    let fault = if error.status >= 500 { "Receiver" } else { "Sender" };
    let code = error.code.strip_suffix("Exception").unwrap_or(&error.code);
    let xml = format!(
        "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>{fault}</Type><Code>{}</Code><Message>{}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
        escape(code),
        escape(&error.message),
    );
    respond(error.status, xml, request_id)
}

fn write_members(xml: &mut String, value: &Value) {
    for (name, member) in value.as_object().into_iter().flatten() {
        write_element(xml, name, member);
    }
}

fn write_element(xml: &mut String, name: &str, value: &Value) {
    let text = match value {
        Value::Null => return,
        Value::Array(items) => {
            let _ = write!(xml, "<{name}>");
            items.iter().for_each(|item| write_element(xml, "member", item));
            let _ = write!(xml, "</{name}>");
            return;
        }
        Value::Object(_) => {
            let _ = write!(xml, "<{name}>");
            write_members(xml, value);
            let _ = write!(xml, "</{name}>");
            return;
        }
        Value::String(text) => escape(text),
        plain @ (Value::Bool(_) | Value::Number(_)) => plain.to_string(),
    };
    let _ = write!(xml, "<{name}>{text}</{name}>");
}

/// Escapes markup, and drops the control characters that XML 1.0 cannot carry even escaped.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() && (c as u32) < 0x20 => {}
            '\u{fffe}' | '\u{ffff}' => {}
            c => out.push(c),
        }
    }
    out
}

fn respond(status: u16, xml: String, request_id: &str) -> Response<Bytes> {
    Response::builder()
        .status(status)
        .header("content-type", "text/xml")
        .header("x-amzn-RequestId", request_id)
        .body(Bytes::from(xml))
        .expect("a status and plain headers make a response")
}
