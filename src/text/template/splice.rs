//! Puts values where they stand in the template's own text, escaped by what that text says of the spot.
//!
//! **Invariant:** only own text opens and closes strings. Inside one, a value becomes escaped characters; outside, one
//! JSON value with blanks around it, so that it cannot run into its neighbours.

use serde_json::Value;

use super::mark::{Piece, Slot, pieces};
use super::source::Source;
use crate::text::complaint::{Complaint, Place};

/// A rendered document and where each part of it comes from.
pub(super) struct Document<'a> {
    pub json: String,
    source: &'a Source<'a>,
    origins: Vec<Origin>,
}

/// From byte `json` of the document on, the text comes from byte `source` of the template.
struct Origin {
    json: usize,
    source: usize,
    own: bool,
}

/// Where the text written so far stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spot {
    Outside,
    /// In a string that opened at this byte of the template.
    Quoted(usize),
    /// In such a string, after a backslash that escapes the next character.
    Escaped(usize),
}

/// The document that marked text comes to.
pub(super) fn splice<'a>(
    source: &'a Source<'a>,
    rendered: &str,
) -> Result<Document<'a>, Complaint> {
    let mut document = Document {
        json: String::new(),
        source,
        origins: Vec::new(),
    };
    let mut spot = Spot::Outside;
    for piece in pieces(rendered) {
        match piece {
            Piece::Own { at, text } => {
                spot = read(source, spot, at, text)?;
                document.push(at, true, text);
            }
            Piece::Value { at, slot, value } => {
                let text = write(source, spot, at, slot, &value)?;
                document.push(at, false, &text);
            }
        }
    }
    Ok(document)
}

impl Document<'_> {
    fn push(&mut self, at: usize, own: bool, text: &str) {
        self.origins.push(Origin {
            json: self.json.len(),
            source: at,
            own,
        });
        self.json.push_str(text);
    }

    /// The place in the template that byte `at` of the document comes from.
    pub fn place(&self, at: usize) -> Place {
        let next = self.origins.partition_point(|origin| origin.json <= at);
        match next.checked_sub(1).map(|index| &self.origins[index]) {
            Some(origin) if origin.own => self.source.point(origin.source + at - origin.json),
            Some(origin) => self.source.tag_place(origin.source),
            None => self.source.point(0),
        }
    }
}

/// Where own text leads to.
fn read(source: &Source<'_>, mut spot: Spot, at: usize, text: &str) -> Result<Spot, Complaint> {
    for (index, letter) in text.char_indices() {
        spot = match (spot, letter) {
            (Spot::Quoted(start) | Spot::Escaped(start), '\n') => {
                return Err(Complaint::new("the string does not end on its line")
                    .at(source.point(start))
                    .hint("is a closing quote missing? A line end in a string is written \\n"));
            }
            (Spot::Outside, '"') => Spot::Quoted(at + index),
            (Spot::Quoted(_), '"') => Spot::Outside,
            (Spot::Quoted(start), '\\') => Spot::Escaped(start),
            (Spot::Escaped(start), _) => Spot::Quoted(start),
            (spot, _) => spot,
        };
    }
    Ok(spot)
}

/// The text of a value at a spot.
fn write(
    source: &Source<'_>,
    spot: Spot,
    at: usize,
    form: Slot,
    value: &Value,
) -> Result<String, Complaint> {
    let tag = source.tag(at);
    let refuse = |what: &str, hint: &str| {
        let hint = hint.replace("NAME", inside(tag));
        Err(source.complain(at, format!("`{tag}` {what}")).hint(hint))
    };
    match (spot, form, value) {
        (Spot::Escaped(_), ..) => refuse(
            "stands after a backslash",
            "before a tag, Handlebars takes one backslash away: write \\\\\\{{NAME}} for one in the string",
        ),
        (Spot::Quoted(_), Slot::Plain, Value::String(text)) => Ok(escaped(text)),
        (Spot::Quoted(_), Slot::Plain, Value::Null) => refuse(
            "is null and stands between quotes",
            "set it, or write {{default NAME \"…\"}}",
        ),
        (_, Slot::Plain, Value::Array(_) | Value::Object(_)) => refuse(
            "is a list or an object",
            "write {{json NAME}}, or name one of its members",
        ),
        (Spot::Outside, Slot::Plain, Value::String(_)) => refuse(
            "is a string and stands outside quotes",
            "put quotes around it, or write {{json NAME}}",
        ),
        (Spot::Quoted(_), ..) => Ok(escaped(&value.to_string())),
        (Spot::Outside, ..) => Ok(format!(" {value} ")),
    }
}

/// The characters of a JSON string, without its quotes.
fn escaped(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// What stands between a tag's braces.
fn inside(tag: &str) -> &str {
    tag.trim_matches(['{', '}', '~', ' '])
}
