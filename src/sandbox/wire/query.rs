//! awsQuery: a form in, XML out.
//!
//! In, `Actions.member.1.ForwardConfig.TargetGroups.member.2.Weight=10` becomes a tree whose leaves are texts. Out, a
//! list becomes `<member>` elements, a map with free keys `<entry>` elements, and a null is left out.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bytes::Bytes;
use http::Response;
use serde_json::{Map, Value};

use crate::sandbox::ApiError;
use crate::sandbox::wire::mark::{self, Mark};

/// Parts of a dotted key. No modelled operation nests deeper than half of it; the limit keeps a hostile key from
/// exhausting the stack.
const DEEPEST: usize = 32;

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
        if key.split('.').count() > DEEPEST {
            return Err(ApiError::client(
                "SerializationException",
                "a key of the form nests too deeply",
            ));
        }
        root.put(&key, value.into_owned());
    }
    let mut take = |name: &str| {
        root.children
            .remove(name)
            .and_then(|n| n.text)
            .unwrap_or_default()
    };
    let (action, version) = (take("Action"), take("Version"));
    if action.is_empty() {
        return Err(ApiError::client("MissingAction", "the form has no Action"));
    }
    let input = if root.children.is_empty() {
        Value::Object(Map::new())
    } else {
        root.into_value()
    };
    Ok(Form {
        action,
        version,
        input,
    })
}

/// A place in the form's dotted keys.
#[derive(Default)]
struct Node {
    text: Option<String>,
    children: BTreeMap<String, Node>,
}

impl Node {
    fn put(&mut self, key: &str, value: String) {
        let place = key.split('.').fold(self, |node, part| {
            node.children.entry(part.to_owned()).or_default()
        });
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
            let mut items: Vec<(u64, Node)> = members
                .children
                .into_iter()
                .map(|(n, node)| (n.parse().unwrap_or(u64::MAX), node))
                .collect();
            items.sort_by_key(|(n, _)| *n);
            return items
                .into_iter()
                .map(|(_, node)| node.into_value())
                .collect();
        }
        self.children
            .into_iter()
            .map(|(name, node)| (name, node.into_value()))
            .collect::<Map<_, _>>()
            .into()
    }
}

/// `<OpResponse><OpResult>…</OpResult><ResponseMetadata>…`; the result element is there even when it is empty.
pub fn answer(
    namespace: &str,
    operation: &str,
    output: &Value,
    request_id: &str,
) -> Response<Bytes> {
    let mut xml = format!("<{operation}Response xmlns=\"{namespace}\"><{operation}Result>");
    write_members(&mut xml, output);
    let _ = write!(
        xml,
        "</{operation}Result><ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>"
    );
    respond(200, xml, request_id)
}

/// The code that the model's error name has on the wire: without `Exception` or `Fault`, but for two that differ more.
pub fn wire_code(name: &str) -> &str {
    match name {
        "MissingRequiredParameterException" => "MissingParameter",
        "InternalServiceFault" => "InternalServiceError",
        _ => name
            .strip_suffix("Exception")
            .or_else(|| name.strip_suffix("Fault"))
            .unwrap_or(name),
    }
}

pub fn error(namespace: &str, error: &ApiError, request_id: &str) -> Response<Bytes> {
    let fault = if error.status >= 500 {
        "Receiver"
    } else {
        "Sender"
    };
    let code = wire_code(&error.code);
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
    match mark::read(value) {
        Some(Mark::Instant(at)) => return write_element(xml, name, &at.iso().into()),
        Some(Mark::Entries(map)) => return write_entries(xml, name, map),
        None => {}
    }
    let text = match value {
        Value::Null => return,
        Value::Array(items) => {
            let _ = write!(xml, "<{name}>");
            for item in items {
                write_element(xml, "member", item);
            }
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

fn write_entries(xml: &mut String, name: &str, map: &Map<String, Value>) {
    let _ = write!(xml, "<{name}>");
    for (key, value) in map {
        let _ = write!(xml, "<entry><key>{}</key>", escape(key));
        write_element(xml, "value", value);
        xml.push_str("</entry>");
    }
    let _ = write!(xml, "</{name}>");
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(response: Response<Bytes>) -> String {
        String::from_utf8(response.into_body().to_vec()).unwrap()
    }

    #[test]
    fn dotted_keys_become_a_tree_with_lists_in_order() {
        let check = |form: &str, input: Value| {
            let read = read(format!("Action=A&Version=V&{form}").as_bytes()).unwrap();
            assert_eq!((read.action.as_str(), read.version.as_str()), ("A", "V"));
            assert_eq!(read.input, input, "{form}");
        };
        check("", json!({}));
        check("Name=a%20b", json!({"Name": "a b"}));
        check(
            "Names.member.2=b&Names.member.10=c&Names.member.1=a",
            json!({"Names": ["a", "b", "c"]}),
        );
        check("Conditions=", json!({"Conditions": ""}));
        check(
            "Actions.member.1.ForwardConfig.TargetGroups.member.1.Weight=10&Actions.member.1.Type=forward",
            json!({"Actions": [{"ForwardConfig": {"TargetGroups": [{"Weight": "10"}]}, "Type": "forward"}]}),
        );
    }

    #[test]
    fn a_form_without_an_action_is_refused() {
        assert_eq!(
            read(b"Version=2015-12-01").unwrap_err().code,
            "MissingAction"
        );
    }

    #[test]
    fn a_key_that_nests_without_end_is_refused() {
        let form = format!("Action=A&Version=V&{}=1", vec!["a"; 1_000_000].join("."));
        assert_eq!(
            read(form.as_bytes()).unwrap_err().code,
            "SerializationException"
        );
    }

    #[test]
    fn values_become_elements_and_nulls_vanish() {
        let output = json!({"Rules": [{"Priority": "10", "IsDefault": false, "None": null}], "Count": 2, "Odd": "<a&\"b\">\u{1}"});
        assert_eq!(
            text(answer("ns", "Do", &output, "id")),
            "<DoResponse xmlns=\"ns\"><DoResult><Rules><member><Priority>10</Priority><IsDefault>false</IsDefault></member></Rules>\
             <Count>2</Count><Odd>&lt;a&amp;&quot;b&quot;&gt;</Odd></DoResult>\
             <ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></DoResponse>"
        );
        assert!(text(answer("ns", "Do", &json!({}), "id")).contains("<DoResult></DoResult>"));
    }

    #[test]
    fn an_error_drops_its_suffix_on_the_wire() {
        let error = error(
            "ns",
            &ApiError::client("RuleNotFoundException", "a < b"),
            "id",
        );
        assert_eq!(error.status(), 400);
        assert_eq!(
            text(error),
            "<ErrorResponse xmlns=\"ns\"><Error><Type>Sender</Type><Code>RuleNotFound</Code><Message>a &lt; b</Message></Error><RequestId>id</RequestId></ErrorResponse>"
        );
    }
}
