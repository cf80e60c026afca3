//! Text from outside, so that no terminal obeys it.

use std::fmt::Write as _;

/// Replaces control characters, but for line breaks, and marks that turn the direction of text by a visible mark.
pub fn inert(text: &str) -> String {
    text.chars()
        .map(|c| if is_obeyed(c) { '\u{fffd}' } else { c })
        .collect()
}

/// As [`inert`], with tabs left as they are, for whatever is printed: a JSON document stays the same document, for in
/// its texts such characters are written as escapes. Of a JSON writer's only those above U+007E ever come here.
pub fn harmless(text: &str) -> String {
    let is_json = text.trim_start().starts_with(['{', '[']);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\t' || !is_obeyed(c) {
            out.push(c);
        } else if is_json {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push('\u{fffd}');
        }
    }
    out
}

/// C0 but for line breaks, DEL, C1, and the marks of the Unicode bidirectional algorithm (UAX 9, explicit formatting).
fn is_obeyed(c: char) -> bool {
    c.is_control() && c != '\n'
        || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_json_document_stays_the_same_and_moves_no_terminal() {
        let said = "a\u{9b}2J\u{7f}\u{202e}b\u{61c}\t€";
        let document = serde_json::json!({"said": [said], said: 1});
        for text in [document.to_string(), format!("{document:#}\n")] {
            let shown = harmless(&text);
            assert!(!shown.contains(is_obeyed), "{shown}");
            assert!(
                shown.contains("a\\u009b2J\\u007f\\u202eb\\u061c\\t€"),
                "{shown}"
            );
            let read: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
            assert_eq!(read, document);
        }
        assert_eq!(
            harmless("a\u{9b}\t\u{1b}[1m\r\n"),
            "a\u{fffd}\t\u{fffd}[1m\u{fffd}\n"
        );
    }
}
