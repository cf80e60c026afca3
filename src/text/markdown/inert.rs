//! Makes texts from outside inert.
//!
//! Code is the safest place: neither GitHub nor GitLab looks for mentions, references or tags in it. Where running
//! text is wanted, punctuation is escaped, and a zero-width space parts what would become a mention, a reference or a
//! link: those are found after rendering, when an escape is gone already.

use serde_json::{Value, json};

/// Longer texts on one line are cut.
const LONGEST: usize = 300;

/// Before a letter or a digit, the beginning of a mention or a reference: to a person, an issue, a merge request, a
/// label, a milestone, a snippet, an epic (GitLab "special references"; GitHub "autolinked references").
const SIGILS: &str = "@#!~%$&";

/// A zero-width space.
const APART: char = '\u{200b}';

/// As a code span, on one line.
pub fn code(text: &str) -> String {
    let text = one_line(text);
    let fence = "`".repeat(longest_run(&text) + 1);
    match text.as_str() {
        "" => "–".to_owned(),
        _ if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) => {
            format!("{fence} {text} {fence}")
        }
        _ => format!("{fence}{text}{fence}"),
    }
}

/// A code span for a cell of a table, where a pipe ends the cell even in code.
pub fn cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// As running text, on one line, to stand behind a word, a bullet or a number.
pub fn plain(text: &str) -> String {
    let mut out = String::new();
    let text = one_line(text);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let opens = out.is_empty() && !letter.is_alphabetic();
        if opens && letter.is_ascii_digit() {
            out.push(APART);
        } else if letter.is_ascii_punctuation() && (opens || "\\`*_[]<>|~#&!$".contains(letter)) {
            out.push('\\');
        }
        out.push(letter);
        let next = letters.peek().copied().unwrap_or(' ');
        let refers = SIGILS.contains(letter) && !next.is_whitespace();
        let links =
            letter == ':' && next == '/' || letter == '.' && out.to_lowercase().ends_with("www.");
        if refers || links {
            out.push(APART);
        }
    }
    out
}

/// Lines of a code block, each without what a terminal or a browser would obey.
pub fn block_lines(text: &str) -> Vec<String> {
    text.lines()
        .map(|line| clip(&visible(line), 2000))
        .collect()
}

/// A fence that no line within can end.
pub fn fence<'a>(lines: impl Iterator<Item = &'a String>) -> String {
    let longest = lines
        .map(|line| longest_run(line))
        .max()
        .unwrap_or_default();
    "`".repeat((longest + 1).max(3))
}

/// A comment that is not shown, by which a program finds its own text again.
pub fn marker(service: &str, environment: Option<&str>) -> String {
    let json: Value = json!({"service": service, "environment": environment});
    let json = json
        .to_string()
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace("--", "-\\u002d");
    format!("<!-- ecsdeploy {json} -->")
}

/// A word for Mermaid, which knows no escapes: letters, digits and a few harmless signs.
pub fn word(text: &str) -> String {
    let is_harmless = |c: char| c.is_ascii_alphanumeric() || " ._/-".contains(c);
    let text: String = text
        .chars()
        .map(|c| if is_harmless(c) { c } else { ' ' })
        .collect();
    let words: Vec<&str> = text.split_whitespace().collect();
    clip(&words.join(" "), 60)
}

fn one_line(text: &str) -> String {
    let line = text.replace("\r\n", " ").replace(['\n', '\r'], " ");
    clip(&visible(&line), LONGEST)
}

/// Control characters and marks that turn the direction of text, made visible.
fn visible(text: &str) -> String {
    let is_hidden = |c: char| {
        c.is_control() && c != '\t'
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.chars()
        .map(|c| if is_hidden(c) { '\u{fffd}' } else { c })
        .collect()
}

fn clip(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    let kept: String = text.chars().take(longest - 1).collect();
    format!("{kept}…")
}

/// The longest run of backticks.
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`')
        .map(str::len)
        .max()
        .unwrap_or_default()
}
