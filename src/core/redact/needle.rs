//! One secret value in every dress in which it may appear again: as it is, escaped for JSON, for Markdown, for a URL, in
//! base64.
//!
//! **Invariant:** what is too short or too common a word is not hunted, or output would be full of holes that tell
//! where the word is meant; such a value is still hidden at its own place.

use std::collections::BTreeSet;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Shorter values are not hunted.
const SHORTEST: usize = 4;

/// Shorter values are hunted only where they stand alone.
const SHORTEST_ANYWHERE: usize = 8;

/// A line of a secret of several lines is hunted from this length on.
const SHORTEST_LINE: usize = 16;

/// Values that are no secret, or words that a deployment tool says itself.
const COMMON: [&str; 30] = [
    "true",
    "false",
    "null",
    "none",
    "default",
    "changeme",
    "secret",
    "password",
    "token",
    "test",
    "local",
    "localhost",
    "admin",
    "root",
    "user",
    "name",
    "value",
    "main",
    "info",
    "debug",
    "error",
    "prod",
    "production",
    "staging",
    "development",
    "enabled",
    "disabled",
    "redacted",
    "changed",
    "service",
];

/// The dresses of `secret`; none if it is not hunted.
pub(super) fn dresses(secret: &str) -> BTreeSet<String> {
    let mut needles = BTreeSet::new();
    let secret = secret.trim();
    if secret.len() < SHORTEST || COMMON.contains(&secret.to_lowercase().as_str()) {
        return needles;
    }
    let escaped = in_json(secret);
    needles.insert(in_json(&escaped));
    needles.insert(in_markdown(&escaped));
    needles.insert(escaped);
    needles.insert(in_markdown(secret));
    needles.insert(visible(secret));
    needles.extend(in_url(secret));
    if secret.len() >= SHORTEST_ANYWHERE {
        needles.extend(in_base64(secret));
    }
    let lines = secret.lines().map(str::trim);
    needles.extend(
        lines
            .filter(|line| line.len() >= SHORTEST_LINE)
            .map(str::to_owned),
    );
    needles.insert(secret.to_owned());
    needles
}

/// Every place of `needle` in `text`.
pub(super) fn find(needle: &str, text: &str, found: &mut Vec<Range<usize>>) {
    let alone = needle.len() < SHORTEST_ANYWHERE;
    for (start, _) in text.match_indices(needle) {
        let end = start + needle.len();
        let stands_alone = !text[..start].ends_with(char::is_alphanumeric)
            && !text[end..].starts_with(char::is_alphanumeric);
        if !alone || stands_alone {
            found.push(start..end);
        }
    }
}

/// As it stands between the quotes of a JSON string.
fn in_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// As terminals get it (`text::terminal`): what they would obey replaced by a visible mark.
fn visible(text: &str) -> String {
    let is_obeyed = |c: char| {
        c.is_control() && c != '\n'
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars()
        .map(|c| if is_obeyed(c) { '\u{fffd}' } else { c })
        .collect()
}

/// As running text of a comment gets it (`text::markdown`): punctuation escaped, and a zero-width space behind what would
/// begin a mention, a reference or a link.
fn in_markdown(text: &str) -> String {
    let mut out = String::new();
    let text = visible(text).replace('\n', " ");
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if "\\`*_[]<>|~#&!$".contains(letter) {
            out.push('\\');
        }
        out.push(letter);
        let Some(next) = letters.peek() else { break };
        let refers = "@#!~%$&".contains(letter) && !next.is_whitespace();
        let links =
            letter == ':' && *next == '/' || letter == '.' && out.to_lowercase().ends_with("www.");
        if refers || links {
            out.push('\u{200b}');
        }
    }
    out
}

/// Percent-encoded: as a form does it, with `%20` for blanks, and in small letters.
fn in_url(text: &str) -> [String; 3] {
    let form: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    let strict = form.replace('+', "%20");
    let small = strict
        .split('%')
        .enumerate()
        .map(|(index, part)| match (index, part.get(..2)) {
            (1.., Some(digits)) => format!("%{}{}", digits.to_lowercase(), &part[2..]),
            _ => part.to_owned(),
        })
        .collect();
    [form, strict, small]
}

/// In base64 of both alphabets, also from the middle of a longer text: three bytes are four characters, so there are
/// three ways to stand. The characters at both ends depend on the neighbours and are left out.
fn in_base64(text: &str) -> impl Iterator<Item = String> {
    let bytes = text.as_bytes().to_vec();
    (0..3_usize).flat_map(move |offset| {
        let mut shifted = vec![0; offset];
        shifted.extend(&bytes);
        let first = (offset * 8).div_ceil(6);
        let last = shifted.len() * 8 / 6;
        [
            STANDARD_NO_PAD.encode(&shifted),
            URL_SAFE_NO_PAD.encode(&shifted),
        ]
        .map(|encoded| encoded[first..last].to_owned())
    })
}
