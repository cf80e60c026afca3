//! Reads JSON strictly: member order is kept, a duplicate member is an error, and a fault names its byte.
//!
//! `serde_json` alone keeps the last of two equal members without a word, which in a task definition means a setting
//! that somebody wrote and nobody runs. **Invariant:** knows nothing of files; the caller turns the byte into a place.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Why a text is not JSON, and at which byte of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Byte offset of the offending character; the text's length when it ends too early.
    pub at: usize,
    /// Lower-case cause, without a place.
    pub message: String,
    /// What to do about it, for the mistakes people make most.
    pub hint: Option<&'static str>,
}

/// The JSON value that `text` holds, whole.
pub fn parse(text: &str) -> Result<Value, Fault> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Strict.deserialize(&mut reader);
    value
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| fault(text, &error))
}

fn fault(text: &str, error: &serde_json::Error) -> Fault {
    let words = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let message = words.strip_suffix(&place).unwrap_or(&words).to_owned();
    let at = if error.is_eof() {
        text.trim_end().len()
    } else {
        offset(text, error.line(), error.column())
    };
    match message.as_str() {
        "trailing comma" => Fault {
            at: text[..at].rfind(',').unwrap_or(at),
            message,
            hint: Some("remove the comma: JSON allows none before a closing bracket"),
        },
        _ if message.starts_with("duplicate member") => Fault {
            at: text[..at].rfind('"').unwrap_or(at),
            message,
            hint: None,
        },
        _ => Fault {
            at,
            hint: advice(text, at, &message),
            message: in_our_words(message),
        },
    }
}

fn in_our_words(message: String) -> String {
    match message.split_once(" while parsing ") {
        Some(("EOF", what)) => format!("the text ends inside {what}"),
        _ => match message.as_str() {
            "expected ident" => "expected true, false or null".to_owned(),
            "expected value" => "expected a value".to_owned(),
            _ => message,
        },
    }
}

fn advice(text: &str, at: usize, message: &str) -> Option<&'static str> {
    let found = text[at..].chars().next();
    match (message, found) {
        ("key must be a string", Some('"')) => None,
        ("key must be a string", _) => Some("member names stand in double quotes"),
        (m, Some('"' | '{' | '[')) if m.starts_with("expected `,`") => {
            Some("is a comma missing before this?")
        }
        (_, Some('\'')) => Some("JSON strings stand in double quotes"),
        (_, Some('/' | '#')) => Some("JSON has no comments"),
        (m, _) if m.starts_with("control character") => {
            Some("a string ends on the line it starts on; write a line end in it as \\n")
        }
        _ => None,
    }
}

/// The byte of `text` at a 1-based line and a 1-based column counted in bytes, as `serde_json` reports them.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    text.floor_char_boundary(before + column.saturating_sub(1))
}

/// Builds a [`Value`], refusing a duplicate member.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(flag.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Strict)? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if map.contains_key(&name) {
                return Err(A::Error::custom(format!("duplicate member `{name}`")));
            }
            map.insert(name, members.next_value_seed(Strict)?);
        }
        Ok(map.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_documents_are_read_in_order() {
        let text = r#"{"b":[1,-2,0.5,true,null,"é\n"],"a":{"z":18446744073709551615}}"#;
        assert_eq!(parse(text).unwrap().to_string(), text);
    }

    #[test]
    fn a_fault_names_its_byte_and_what_to_do() {
        let check = |marked: &str, message: &str, hint: &str| {
            let at = marked.find('▶').unwrap();
            let fault = parse(&marked.replace('▶', "")).unwrap_err();
            assert_eq!(fault.message, message, "for {marked:?}");
            assert_eq!(fault.at, at, "for {marked:?}: {message}");
            assert_eq!(fault.hint.unwrap_or_default(), hint, "for {marked:?}");
        };
        let comma = "remove the comma: JSON allows none before a closing bracket";
        check("{\"a\": 1▶,\n\n}", "trailing comma", comma);
        check("[1, 2▶, ]", "trailing comma", comma);
        check(
            "{\"é\": 1 ▶\"b\": 2}",
            "expected `,` or `}`",
            "is a comma missing before this?",
        );
        check(
            "{▶a: 1}",
            "key must be a string",
            "member names stand in double quotes",
        );
        check(
            "[▶'a']",
            "expected a value",
            "JSON strings stand in double quotes",
        );
        check(
            "[1, ▶// one\n2]",
            "expected a value",
            "JSON has no comments",
        );
        check("{\"a\": 1▶", "the text ends inside an object", "");
        check("▶", "the text ends inside a value", "");
        check("{} ▶{}", "trailing characters", "");
        check("{\"a\": tr▶oe}", "expected true, false or null", "");
        check("{\"a\": 1e▶}", "invalid number", "");
    }

    #[test]
    fn a_duplicate_member_is_refused_where_it_stands() {
        let text = "{\n \"cpu\": 1,\n \"cpu\": 2\n}";
        let fault = parse(text).unwrap_err();
        assert_eq!(fault.message, "duplicate member `cpu`");
        assert_eq!(text[..fault.at].matches('\n').count(), 2);
        assert!(parse(r#"{"a":{"x":1},"b":{"x":1}}"#).is_ok());
    }
}
