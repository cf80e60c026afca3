//! Finds what a text says of named values: `"name": "value"`, `name: value`, `name=value`, `--name value`, and the
//! pairs `"name": "DB_PASSWORD", "value": "…"` of the ECS API. It reads JSON, JSON within JSON, YAML, query strings,
//! command lines and sentences alike, broken ones too, because errors quote what could not be parsed.
//!
//! **Invariant:** tolerant. What is no field is passed over; in doubt a value reaches too far rather than not far enough.

use std::ops::Range;

use super::rules::words;

/// A value that a text gives, with the name that it has there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub name: String,
    /// Without its quotes, still escaped.
    pub value: Range<usize>,
    /// Name and value with their quotes.
    whole: Range<usize>,
}

/// Every field of `text`, in order. The value of a pair has the name that the pair gives it.
pub(super) fn find(text: &str) -> Vec<Field> {
    let separators = text.char_indices().filter(|(_, c)| matches!(c, ':' | '='));
    let mut fields: Vec<Field> = separators
        .filter_map(|(at, separator)| field(text, at, separator))
        .collect();
    name_pairs(text, &mut fields);
    fields.extend(flags(text));
    fields
}

fn field(text: &str, at: usize, separator: char) -> Option<Field> {
    let name = name_before(text, at)?;
    let after = at + 1;
    let start = after + blanks(&text[after..]);
    if let Some((value, end)) = quoted(text, start) {
        return Some(Field {
            name: text[name.inner.clone()].to_owned(),
            value,
            whole: name.start..end,
        });
    }
    let (start, gap) = match separator {
        ':' if !name.is_quoted => {
            let opened = start + opening(&text[start..]);
            (opened, start - after)
        }
        _ => (start, start - after),
    };
    let rest = &text[start..];
    let length = match separator {
        '=' => equated(rest, gap)?,
        _ => yaml_scalar(text, rest, &name, gap)?,
    };
    Some(Field {
        name: text[name.inner.clone()].to_owned(),
        value: start..start + length,
        whole: name.start..start + length,
    })
}

/// A name and where it begins, quote included.
struct Name {
    inner: Range<usize>,
    start: usize,
    is_quoted: bool,
}

fn name_before(text: &str, separator: usize) -> Option<Name> {
    let before = text[..separator].trim_end_matches([' ', '\t']);
    if let Some(quote) = before.chars().next_back().filter(|c| is_quote(*c)) {
        let inner = before[..before.len() - 1].trim_end_matches('\\');
        let open = inner.rfind([quote, '\n'])?;
        let start = text[..open].trim_end_matches('\\').len();
        return (inner.len() > open + 1).then_some(Name {
            inner: open + 1..inner.len(),
            start,
            is_quoted: true,
        });
    }
    let start = before.rfind(|c| !is_of_name(c)).map_or(0, |at| {
        at + before[at..].chars().next().map_or(1, char::len_utf8)
    });
    (start < before.len()).then_some(Name {
        inner: start..before.len(),
        start,
        is_quoted: false,
    })
}

/// A quoted value that opens at `start`, and the end of its closing quote. Backslashes before the opening quote say how
/// deep in other strings it stands. Without a closing quote on its line, it ends with the line.
fn quoted(text: &str, start: usize) -> Option<(Range<usize>, usize)> {
    let depth = text[start..].len() - text[start..].trim_start_matches('\\').len();
    let quote = text[start + depth..]
        .chars()
        .next()
        .filter(|c| is_quote(*c))?;
    let inner = start + depth + 1;
    let line = text[inner..].find('\n').map_or(text.len(), |at| inner + at);
    for (at, _) in text[inner..line].match_indices(quote) {
        let value = &text[inner..inner + at];
        let escapes = value.len() - value.trim_end_matches('\\').len();
        let closes = if depth == 0 {
            escapes.is_multiple_of(2) || quote == '\''
        } else {
            escapes <= depth
        };
        if closes {
            let content = if depth == 0 { at } else { at - escapes };
            return Some((inner..inner + content, inner + at + 1));
        }
    }
    Some((inner..line, line))
}

/// The length of the bracket of a YAML list or mapping that was opened where a plain value was meant, and is followed
/// by no member of its own: `password: [hunter2`.
fn opening(rest: &str) -> usize {
    let inner = rest.trim_start_matches(['{', '[', ' ']);
    let word = inner
        .find([',', ':', '}', ']', '\n'])
        .unwrap_or(inner.len());
    let is_member = inner[word..].starts_with(':');
    if rest.starts_with(['{', '[']) && !is_member && !inner.starts_with(['{', '"', '\'']) {
        rest.len() - inner.len()
    } else {
        0
    }
}

/// The length of `value` in `name=value`: up to what ends a word, a query parameter or a part of a connection string.
fn equated(rest: &str, gap: usize) -> Option<usize> {
    if gap > 0 || rest.starts_with(['=', '>', '~']) {
        return None;
    }
    let ends = |c: char| c.is_whitespace() || is_quote(c) || matches!(c, '&' | ';' | '`' | '\\');
    let length = rest.find(ends).unwrap_or(rest.len());
    (length > 0).then_some(length)
}

/// The length of `value` in `name: value`: up to a comment or the line's end, in `{…}` up to what ends the member.
fn yaml_scalar(text: &str, rest: &str, name: &Name, gap: usize) -> Option<usize> {
    if gap == 0 || rest.starts_with(['{', '[', '|', '>', '&', '*', '!', '\n', '\r']) {
        return None;
    }
    let line_start = text[..name.start].rfind('\n').map_or(0, |at| at + 1);
    let before = &text[line_start..name.start];
    let is_member = before.chars().all(|c| " \t-|+?0123456789".contains(c));
    let is_flow = before.contains('{');
    let inner = &text[name.inner.clone()];
    let is_compound = inner.contains(['_', '-']) || words(inner).len() > 1;
    if !(is_member || is_flow || is_compound || name.is_quoted) {
        return None;
    }
    let line = rest.find(['\n', '\r']).unwrap_or(rest.len());
    let ends: &[char] = if is_flow { &[',', '}'] } else { &[] };
    let end = rest[..line].find(ends).unwrap_or(line);
    let end = rest[..end].find(" #").unwrap_or(end);
    let length = rest[..end].trim_end().len();
    (length > 0).then_some(length)
}

/// In `name: A, value: b` (either first) of one object, b is called A.
fn name_pairs(text: &str, fields: &mut [Field]) {
    let called: Vec<(usize, String)> = (1..fields.len())
        .filter_map(|index| {
            let (first, second) = (&fields[index - 1], &fields[index]);
            let gap = text.get(first.whole.end..second.whole.start)?;
            if gap.contains(['{', '}', '[', ']', '-']) {
                return None;
            }
            let (named, holder, holder_index) = match (role(&first.name), role(&second.name)) {
                (Some(Role::Name), Some(Role::Value)) => (first, second, index),
                (Some(Role::Value), Some(Role::Name)) => (second, first, index - 1),
                _ => return None,
            };
            debug_assert!(role(&holder.name) == Some(Role::Value));
            Some((holder_index, text[named.value.clone()].to_owned()))
        })
        .collect();
    for (index, name) in called {
        fields[index].name = name;
    }
}

#[derive(PartialEq)]
enum Role {
    Name,
    Value,
}

fn role(name: &str) -> Option<Role> {
    match name {
        "name" | "Name" | "key" | "Key" => Some(Role::Name),
        "value" | "Value" => Some(Role::Value),
        _ => None,
    }
}

/// `--password hunter2`, also as items of a list: `"--password", "hunter2"`.
fn flags(text: &str) -> impl Iterator<Item = Field> {
    text.match_indices('-').filter_map(|(dash, _)| {
        let before = text[..dash].chars().next_back();
        if before.is_some_and(|c| !c.is_whitespace() && !is_quote(c)) {
            return None;
        }
        let start = dash + text[dash..].len() - text[dash..].trim_start_matches('-').len();
        let length = text[start..]
            .find(|c| !is_of_name(c))
            .unwrap_or(text.len() - start);
        let end = start + length;
        let gap = text[end..].len() - text[end..].trim_start_matches([' ', '"', '\'', ',']).len();
        let value = end + gap;
        let ends = |c: char| c.is_whitespace() || is_quote(c) || c == '`';
        let size = text[value..].find(ends).unwrap_or(text.len() - value);
        let is_field = length > 0 && gap > 0 && size > 0 && !text[value..].starts_with('-');
        is_field.then(|| Field {
            name: text[start..end].to_owned(),
            value: value..value + size,
            whole: dash..value + size,
        })
    })
}

/// The name of `--name` or `-name`, if `text` is such a flag and waits for its value.
pub(super) fn flag(text: &str) -> Option<&str> {
    let name = text.strip_prefix('-')?.trim_start_matches('-');
    (!name.is_empty() && name.chars().all(is_of_name)).then_some(name)
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'')
}

fn blanks(text: &str) -> usize {
    text.len() - text.trim_start_matches([' ', '\t']).len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, &str)]) {
        let fields = find(text);
        let found: Vec<(&str, &str)> = fields
            .iter()
            .map(|field| (field.name.as_str(), &text[field.value.clone()]))
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn members_of_json_and_of_json_within_json() {
        check(r#"{"a": "b\"c", "d": 1}"#, &[("a", r#"b\"c"#), ("d", "1")]);
        check(r#""{\"a\":\"b\",\"c\":\"d\"}""#, &[("a", "b"), ("c", "d")]);
        check(r#"{"a": "cut of"#, &[("a", "cut of")]);
    }

    #[test]
    fn members_of_yaml() {
        check("a: b c # d\n- e: f", &[("a", "b c"), ("e", "f")]);
        check("{ a: b, c: 'd' }", &[("a", "b"), ("c", "d")]);
        check("12 |   a: b", &[("a", "b")]);
        check("a: [b\nc: { d", &[("a", "b"), ("c", "d")]);
        check("a: {b: c}", &[("b", "c")]);
    }

    #[test]
    fn a_sentence_has_no_fields_but_for_compound_names() {
        check("failed to fetch the token: not found", &[]);
        check("error DB_PASSWORD: hunter2", &[("DB_PASSWORD", "hunter2")]);
    }

    #[test]
    fn parameters_and_parts_of_connection_strings() {
        check("https://x?a=b&c=d", &[("a", "b"), ("c", "d")]);
        check("User Id=x;Password=y;", &[("Id", "x"), ("Password", "y")]);
        check("a == b => c", &[]);
    }

    #[test]
    fn flags_with_their_values() {
        check("x --password hunter2 -v", &[("password", "hunter2")]);
        check(r#"["--token", "a"]"#, &[("token", "a")]);
    }

    #[test]
    fn the_value_of_a_pair_has_the_name_that_the_pair_says() {
        let (name, value) = (("name", "A"), ("A", "b"));
        check(r#"{"name":"A","value":"b"}"#, &[name, value]);
        check(r#"{"value":"b","name":"A"}"#, &[value, name]);
        check("- name: A\n  value: b\n", &[name, value]);
        check(
            r#"[{"value":"b"},{"name":"A"}]"#,
            &[("value", "b"), ("name", "A")],
        );
    }
}
