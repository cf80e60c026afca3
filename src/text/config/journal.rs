//! Where records of rollouts are kept, as people write it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Visitor};

const SHAPE: &str = "auto, ssm, tags, none, or file:DIRECTORY";

/// `auto`, `ssm`, `tags`, `none` or `file:DIRECTORY`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum JournalPlace {
    /// SSM Parameter Store where permitted, else tags of the service.
    #[default]
    Auto,
    Parameters,
    Tags,
    /// Files of this directory.
    Files(String),
    Nowhere,
}

impl FromStr for JournalPlace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("file", directory)) if !directory.is_empty() => {
                Ok(Self::Files(directory.to_owned()))
            }
            None => match text {
                "auto" => Ok(Self::Auto),
                "ssm" => Ok(Self::Parameters),
                "tags" => Ok(Self::Tags),
                "none" => Ok(Self::Nowhere),
                _ => Err(format!("`{text}` is not {SHAPE}")),
            },
            Some(_) => Err(format!("`{text}` is not {SHAPE}")),
        }
    }
}

impl<'de> Deserialize<'de> for JournalPlace {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_str(Words)
    }
}

struct Words;

impl Visitor<'_> for Words {
    type Value = JournalPlace;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SHAPE)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<JournalPlace, E> {
        text.parse().map_err(E::custom)
    }
}

impl JsonSchema for JournalPlace {
    fn schema_name() -> Cow<'static, str> {
        "JournalPlace".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": format!("Where records of rollouts are kept: {SHAPE}."),
            "type": "string",
            "pattern": "^(auto|ssm|tags|none|file:.+)$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_and_others_refused() {
        let read = |text: &str| text.parse::<JournalPlace>();
        assert_eq!(read("auto"), Ok(JournalPlace::Auto));
        assert_eq!(
            read("file:/var/lib/e"),
            Ok(JournalPlace::Files("/var/lib/e".to_owned()))
        );
        for wrong in ["", "file:", "file", "ssm:x", "s3"] {
            let said = read(wrong).expect_err(wrong);
            assert!(said.ends_with(SHAPE), "{said}");
        }
    }
}
