//! Reads YAML the one way this program reads it, and finds the place of a key in it.
//!
//! **Invariant:** every YAML text goes through [`read`], so that `no`, `on`, `010` and `1_000` mean the same text
//! everywhere, `1.10` is never taken for 1.1, a duplicate key is an error, and nothing is interpolated or included.

use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_saphyr::{Error, Location, MessageFormatter, Options, Spanned, UserMessageFormatter};

use super::complaint::{Complaint, Place};
use super::numbers::{Changed, Numbers, first_changed};

/// The `T` that the YAML `text` of the file `name` holds.
pub fn read<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, Complaint> {
    let value = parse(name, text)?;
    let numbers: Option<Numbers> = parse(name, text)?;
    match numbers.and_then(|numbers| first_changed(text, &numbers)) {
        Some(Changed {
            at,
            written,
            printed,
        }) => Err(
            Complaint::new(format!("`{written}` would be read as the number {printed}"))
                .at(Place::new(name, text, at..at + written.len()))
                .hint(format!("write \"{written}\" for the text, or {printed}")),
        ),
        None => Ok(value),
    }
}

fn parse<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, Complaint> {
    serde_saphyr::from_str_with_options(text, options()).map_err(|e| complaint(name, text, &e))
}

/// The place of the last key of `path`, followed from the top of a YAML text that is known to be sound.
pub fn place_of(name: &str, text: &str, path: &[&str]) -> Option<Place> {
    let mut found = None;
    let seed = Locate {
        path,
        found: &mut found,
    };
    let walked = serde_saphyr::with_deserializer_from_str_with_options(text, options(), |reader| {
        seed.deserialize(reader)
    });
    walked.ok()?;
    Some(place(name, text, found?))
}

/// YAML 1.2 booleans only; digits that are not plainly a number stay the text they are. Duplicate keys are errors by
/// the library's default.
fn options() -> Options {
    serde_saphyr::options! {
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        with_snippet: false,
    }
}

fn complaint(name: &str, text: &str, error: &Error) -> Complaint {
    let error = original(error);
    let place = match error.location() {
        Some(location) => place(name, text, location),
        None => Place::new(name, text, 0..0),
    };
    worded(error, place.found()).at(place)
}

fn worded(error: &Error, found: &str) -> Complaint {
    match error {
        Error::InvalidBooleanStrict { .. } => {
            Complaint::new(format!("`{found}` is neither true nor false"))
        }
        Error::SerdeUnknownField {
            field, expected, ..
        } => Complaint::new(format!("unknown key `{field}`"))
            .allow(expected)
            .spelling(field, expected),
        Error::SerdeUnknownVariant {
            variant, expected, ..
        } => Complaint::new(format!("unknown value `{variant}`"))
            .allow(expected)
            .spelling(variant, expected),
        Error::SerdeMissingField { field, .. } => {
            Complaint::new(format!("the key `{field}` is missing"))
        }
        Error::SerdeInvalidType {
            unexpected,
            expected,
            ..
        }
        | Error::SerdeInvalidValue {
            unexpected,
            expected,
            ..
        } => Complaint::new(format!("found {unexpected}, expected {expected}")),
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            Complaint::new(format!("the key `{key}` stands here twice"))
        }
        Error::Unexpected { expected, .. } => {
            let expected = match *expected {
                "mapping start" => "`key: value` lines",
                "sequence start" => "a list",
                other => other,
            };
            if found.is_empty() {
                Complaint::new(format!("expected {expected}, found nothing"))
            } else {
                Complaint::new(format!("found `{found}`, expected {expected}"))
            }
        }
        other => Complaint::new(UserMessageFormatter.format_message(other)),
    }
}

/// The error below the wrappers that only add places.
fn original(mut error: &Error) -> &Error {
    while let Error::AliasError { error: inner, .. } | Error::WithSnippet { error: inner, .. } =
        error
    {
        error = inner;
    }
    error
}

/// The place at a location: as wide as the word that starts there.
fn place(name: &str, text: &str, location: Location) -> Place {
    let start = text.floor_char_boundary(offset(text, location));
    let word = text[start..]
        .split(|c: char| c.is_whitespace() || matches!(c, ':' | ',' | '}' | ']' | '#'))
        .next()
        .map_or(0, str::len);
    Place::new(name, text, start..start + word)
}

/// The library counts bytes for most locations and lines and columns (in characters) for all.
fn offset(text: &str, location: Location) -> usize {
    if let Some(bytes) = location.span().byte_offset() {
        return bytes as usize;
    }
    let (line, column) = (location.line() as usize, location.column() as usize);
    let mut lines = text.split_inclusive('\n');
    let before: usize = lines
        .by_ref()
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    let letters = lines
        .next()
        .unwrap_or_default()
        .chars()
        .take(column.saturating_sub(1));
    before + letters.map(char::len_utf8).sum::<usize>()
}

/// Walks down `path` and notes where its last key stands.
struct Locate<'a> {
    path: &'a [&'a str],
    found: &'a mut Option<Location>,
}

impl<'de> DeserializeSeed<'de> for Locate<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Locate<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(key) = members.next_key::<Spanned<String>>()? {
            match self.path {
                [last] if key.value == *last => {
                    *self.found = Some(key.referenced);
                    members.next_value::<IgnoredAny>()?;
                }
                [next, rest @ ..] if key.value == *next => members.next_value_seed(Locate {
                    path: rest,
                    found: self.found,
                })?,
                _ => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn digits_and_words_stay_what_they_are_written_as() {
        let check = |text: &str, expect: Value| {
            assert_eq!(
                read::<Value>("f.yml", text).unwrap(),
                expect,
                "for {text:?}"
            );
        };
        check("a: 512", json!({"a": 512}));
        check("a: -1.5", json!({"a": -1.5}));
        check("a: true", json!({"a": true}));
        check("a: ~", json!({"a": null}));
        check("a: no", json!({"a": "no"}));
        check("a: on", json!({"a": "on"}));
        check("a: 0123456", json!({"a": "0123456"}));
        check("a: 1_000", json!({"a": "1_000"}));
        check("a: 2024-01-01", json!({"a": "2024-01-01"}));
        check("a: 10:20", json!({"a": "10:20"}));
        check("8080: a", json!({"8080": "a"}));
        check("b: 1\na: 2", json!({"b": 1, "a": 2}));
        check("a: &x {k: 1}\nb: *x", json!({"a": {"k": 1}, "b": {"k": 1}}));
        check("a: ${HOME}", json!({"a": "${HOME}"}));
        check("{\"a\": [1, 2]}", json!({"a": [1, 2]}));
    }

    #[test]
    fn a_fault_names_its_place() {
        let check = |text: &str, place: &str, message: &str| {
            let complaint = read::<Value>("f.yml", text).unwrap_err();
            let at = complaint.place().unwrap().to_string();
            assert_eq!(at, format!("f.yml:{place}"), "{complaint}");
            assert!(complaint.message().contains(message), "{complaint}");
        };
        check("a: 1\nb: 2\na: 3\n", "3:1", "the key `a` stands here twice");
        check(
            "a:\n  é: 1\n  é: 2\n",
            "3:3",
            "the key `é` stands here twice",
        );
        check("a: [1, 2\nb: 3\n", "2:2", "illegal placement");
        check("a: *nobody\n", "1:4", "unknown");
        check("a: .nan\n", "1:4", "not a finite number");
        check("a: 1\n---\nb: 2\n", "3:1", "document");
        check("a: \"x\n", "2:1", "quoted scalar");
        check("a:\n\t- 1\n", "2:2", "tabs");
    }

    #[test]
    fn a_number_that_would_change_its_spelling_is_refused() {
        let check = |text: &str, line: &str| {
            let complaint = read::<Value>("f.yml", text).unwrap_err();
            assert_eq!(
                complaint.to_string(),
                format!("f.yml:{line}"),
                "for {text:?}"
            );
        };
        check("tag: 1.10\n", "1:6: `1.10` would be read as the number 1.1");
        check(
            "a: [x, {é: 12345e6}]",
            "1:12: `12345e6` would be read as the number 12345000000.0",
        );
        check(
            "tag: 12345e0 # commit",
            "1:6: `12345e0` would be read as the number 12345.0",
        );
        check("a: 0x1F", "1:4: `0x1F` would be read as the number 31");
        check("a: &x +5\nb: *x", "1:7: `+5` would be read as the number 5");
        check("a: .5", "1:4: `.5` would be read as the number 0.5");
        for text in [
            "a: 1.0",
            "a: 1.5\nb: -3",
            "a: '1.10'",
            "a: 1.1.0",
            "a: 100",
            "a:\n- 7\n- 8.25\n",
        ] {
            assert!(read::<Value>("f.yml", text).is_ok(), "for {text:?}");
        }
    }

    #[test]
    fn a_key_is_found_by_its_path() {
        let text = "a:\n  b: 1\nenvironments:\n  a:\n    b: {}\n";
        let check = |path: &[&str], expect: Option<&str>| {
            let place = place_of("f.yml", text, path).map(|place| place.to_string());
            assert_eq!(place.as_deref(), expect, "for {path:?}");
        };
        check(&["a", "b"], Some("f.yml:2:3"));
        check(&["environments", "a", "b"], Some("f.yml:5:5"));
        check(&["environments", "c"], None);
    }
}
