//! Refuses YAML numbers that would not be written back as they stand.
//!
//! YAML takes `1.10` for 1.1 and `12345e6` for 12345000000: as an image tag or a commit id, another one than the
//! author's. **Invariant:** a number that passes is rendered with the very characters it is written with.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use serde_saphyr::Spanned;

/// A YAML document of which only the numbers are kept, with their locations.
pub(super) type Numbers = Spanned<Node>;

/// What is kept of a YAML node.
pub(super) enum Node {
    /// As it would be written back.
    Number(String),
    Inner(Vec<Spanned<Node>>),
    Other,
}

/// A number that stands at these bytes and would be written back as `printed`.
pub(super) struct Changed {
    pub at: usize,
    pub written: String,
    pub printed: String,
}

/// The first number of the document that would not be written back as it stands in `text`.
pub(super) fn first_changed(text: &str, document: &Numbers) -> Option<Changed> {
    match &document.value {
        Node::Other => None,
        Node::Inner(nodes) => nodes.iter().find_map(|node| first_changed(text, node)),
        Node::Number(printed) => {
            let span = document.defined.span();
            let at = span.byte_offset()? as usize;
            let written = text.get(at..at + span.byte_len()? as usize)?.trim_end();
            (written != printed).then(|| Changed {
                at,
                written: written.to_owned(),
                printed: printed.clone(),
            })
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(Keep)
    }
}

struct Keep;

impl<'de> Visitor<'de> for Keep {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_u64<E>(self, number: u64) -> Result<Node, E> {
        Ok(Node::Number(number.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Node, E> {
        Ok(Node::Number(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Node, E> {
        let number = Number::from_f64(number);
        Ok(number.map_or(Node::Other, |number| Node::Number(number.to_string())))
    }

    fn visit_u128<E: Error>(self, number: u128) -> Result<Node, E> {
        self.visit_f64(number as f64)
    }

    fn visit_i128<E: Error>(self, number: i128) -> Result<Node, E> {
        self.visit_f64(number as f64)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = items.next_element()? {
            nodes.push(node);
        }
        Ok(Node::Inner(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Node, A::Error> {
        let mut nodes = Vec::new();
        while let Some((IgnoredAny, node)) = members.next_entry()? {
            nodes.push(node);
        }
        Ok(Node::Inner(nodes))
    }
}
