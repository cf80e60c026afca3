//! Marks in rendered text that tell the template's own text from the values put into it.
//!
//! Marks are written with control characters. They cannot be forged: a template that has one is refused before it is
//! rendered (JSON has no use for them), and a value is written as JSON, which escapes them.

use serde_json::Value;

/// Begins a mark: what follows comes from this byte of the template.
const OPEN: char = '\u{1}';
/// Ends the head of a mark.
const HEAD: char = '\u{2}';
/// Ends the value in a slot.
const CLOSE: char = '\u{3}';

/// How the value of a slot is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// `{{x}}`: a word in a string, or a number, `true`, `false` or `null` outside one.
    Plain,
    /// `{{json x}}`: any value, as JSON.
    Json,
}

/// A stretch of rendered text.
#[derive(Debug, PartialEq)]
pub(super) enum Piece<'a> {
    /// The template's own text, from byte `at` of it.
    Own { at: usize, text: &'a str },
    /// A value, put in by the tag that opens at byte `at` of the template.
    Value { at: usize, slot: Slot, value: Value },
}

/// Marks text as the template's own.
pub(super) fn own(at: usize, text: &str) -> String {
    format!("{OPEN}t{at}{HEAD}{text}")
}

/// Writes a value into a slot.
pub(super) fn slot(slot: Slot, at: usize, value: &Value) -> String {
    let kind = match slot {
        Slot::Plain => 'v',
        Slot::Json => 'j',
    };
    format!("{OPEN}{kind}{at}{HEAD}{value}{CLOSE}")
}

/// The first character of `text` that a template must not hold, with its byte.
pub(super) fn forbidden(text: &str) -> Option<(usize, char)> {
    text.char_indices()
        .find(|(_, c)| *c < ' ' && !matches!(c, '\t' | '\n' | '\r'))
}

/// Takes rendered text apart.
pub(super) fn pieces(rendered: &str) -> impl Iterator<Item = Piece<'_>> {
    rendered.split(OPEN).skip(1).map(piece)
}

fn piece(marked: &str) -> Piece<'_> {
    let (head, body) = marked.split_once(HEAD).expect("every mark has a head");
    let (kind, at) = head.split_at(1);
    let at = at.parse().expect("a mark's head ends in a byte offset");
    let slot = match kind {
        "t" => return Piece::Own { at, text: body },
        "j" => Slot::Json,
        _ => Slot::Plain,
    };
    let json = body.strip_suffix(CLOSE).expect("every slot is closed");
    let value = serde_json::from_str(json).expect("a slot holds JSON");
    Piece::Value { at, slot, value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_marked_is_found_again_whatever_the_value_holds() {
        let value = json!({"\u{1}t0\u{2}": ["\u{3}", "\u{2}", 1]});
        let rendered = own(0, "[") + &slot(Slot::Json, 1, &value) + &own(12, "]");
        let expect = [
            Piece::Own { at: 0, text: "[" },
            Piece::Value {
                at: 1,
                slot: Slot::Json,
                value,
            },
            Piece::Own { at: 12, text: "]" },
        ];
        assert_eq!(pieces(&rendered).collect::<Vec<_>>(), expect);
    }
}
