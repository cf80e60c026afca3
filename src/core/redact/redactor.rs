//! The one place that hides secrets: last before anything is written.
//!
//! What it hides reads `«redacted»`, or beside an older value that differs `«redacted:changed»`. There is no
//! fingerprint of the value on purpose: any hash of a short secret, salted or not, can be guessed by whoever knows how
//! it is made. Changed or not is all that a reader needs and all that is told.
//!
//! **Invariants:** hiding twice is hiding once. Two documents that differ still differ when both are hidden together.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde_json::{Map, Value};

use super::fields::Field;
use super::rules::{Rules, Verdict, words};
use super::{entropy, fields, needle, patterns};
use crate::core::diff::names;

/// Stands for a secret.
pub const REDACTED: &str = "«redacted»";

/// Stands for a secret that is not what it was.
pub const CHANGED: &str = "«redacted:changed»";

/// Members of the ECS API whose values are names that everybody may see, and that a secret is never taken for.
const NAMES: [&str; 8] = [
    "name",
    "family",
    "containerName",
    "sourceVolume",
    "serviceName",
    "clusterName",
    "image",
    "key",
];

/// Knows what is secret by rule, and every secret value that it has been shown.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    rules: Rules,
    /// Secret values in all their dresses, and the names they were found under (empty: by their form).
    needles: BTreeMap<String, BTreeSet<String>>,
    /// Words that are names of things: never hunted, whatever value is the same.
    open: BTreeSet<String>,
}

impl Redactor {
    /// Lays the user's own rules over the built-in ones; what was learned stays.
    pub fn set_rules(&mut self, rules: Rules) {
        self.rules = rules;
    }

    /// Remembers every secret of a document, to hide it wherever it appears again.
    pub fn learn_document(&mut self, document: &Value) {
        self.learn("", document);
    }

    /// Remembers every secret of a text, whether or not it can be parsed.
    pub fn learn_text(&mut self, text: &str) {
        for field in self.secret_fields(text) {
            self.learn_secret(&field.name, &text[field.value]);
        }
        let mut forms = Vec::new();
        patterns::find(text, &mut forms);
        for form in forms {
            self.learn_secret("", &text[form]);
        }
    }

    /// Remembers that this is the name of a thing (a cluster, a service) and no secret.
    pub fn learn_name(&mut self, name: &str) {
        let parts = name.split(|c: char| !c.is_alphanumeric());
        self.open.extend(parts.map(str::to_lowercase));
        self.open.insert(name.to_lowercase());
    }

    /// The text without its secrets.
    pub fn text(&self, text: &str) -> String {
        self.hide(text, REDACTED).0
    }

    /// The document without its secrets.
    pub fn document(&self, document: &Value) -> Value {
        self.seal("", document, None)
    }

    /// Both documents without their secrets. A secret of the new one that is not what it was says so.
    pub fn documents(&self, from: &Value, to: &Value) -> (Value, Value) {
        (self.document(from), self.seal("", to, Some(from)))
    }

    /// The secret values, in all their dresses, that are hidden wherever they appear.
    pub fn hunted(&self) -> impl Iterator<Item = &str> {
        let needles = self.needles.iter();
        let hunted = needles.filter(|(needle, labels)| self.is_hunted(needle, labels));
        hunted.map(|(needle, _)| needle.as_str())
    }

    fn learn(&mut self, label: &str, value: &Value) {
        match value {
            Value::String(text) if self.is_secret(label, text) => self.learn_secret(label, text),
            Value::String(text) => {
                if NAMES.contains(&label) {
                    self.learn_name(text);
                }
                self.learn_text(text);
            }
            Value::Array(items) => {
                for (label, item) in labelled_items(label, items) {
                    self.learn(label, item);
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    self.learn_name(name);
                    self.learn(label_of(members, name), member);
                }
            }
            Value::Number(number) if self.is_secret(label, &number.to_string()) => {
                self.learn_secret(label, &number.to_string());
            }
            _ => {}
        }
    }

    fn learn_secret(&mut self, label: &str, secret: &str) {
        let mut dresses = needle::dresses(secret);
        if let Ok(Value::String(plain)) = serde_json::from_str(&format!("\"{secret}\"")) {
            dresses.extend(needle::dresses(&plain));
        }
        for needle in dresses {
            let labels = self.needles.entry(needle).or_default();
            labels.insert(label.to_owned());
        }
    }

    /// A value whose every name is shown, or that is the name of a thing, is not hunted.
    fn is_hunted(&self, needle: &str, labels: &BTreeSet<String>) -> bool {
        let is_shown = |label: &String| self.rules.judge(label) == Verdict::Open;
        !labels.iter().all(is_shown) && !self.open.contains(&needle.to_lowercase())
    }

    /// Whether the whole value is secret: by its name, or because it looks generated.
    fn is_secret(&self, label: &str, value: &str) -> bool {
        let verdict = self.rules.judge(label);
        !says_nothing(label, value)
            && (verdict == Verdict::Secret
                || verdict == Verdict::Unsaid && entropy::is_random(label, value))
    }

    /// The stretches of a text that are secret, in order, apart from each other.
    fn secrets(&self, text: &str) -> Vec<Range<usize>> {
        let fields = self.secret_fields(text).into_iter();
        let mut found: Vec<Range<usize>> = fields.map(|field| field.value).collect();
        patterns::find(text, &mut found);
        for needle in self.hunted() {
            needle::find(needle, text, &mut found);
        }
        merged(found, &marks(text))
    }

    fn secret_fields(&self, text: &str) -> Vec<Field> {
        let mut fields = fields::find(text);
        fields.retain(|field| {
            let value = &text[field.value.clone()];
            self.rules.judge(&field.name) == Verdict::Secret && !says_nothing(&field.name, value)
        });
        fields
    }

    fn seal(&self, label: &str, value: &Value, old: Option<&Value>) -> Value {
        match value {
            Value::String(text) if self.is_secret(label, text) => Value::from(mark(old, value)),
            Value::String(text) => Value::from(self.seal_text(text, old)),
            Value::Number(number) if self.is_secret(label, &number.to_string()) => {
                Value::from(mark(old, value))
            }
            Value::Array(items) => self.seal_list(label, items, old),
            Value::Object(members) => Value::Object(self.seal_members(members, old)),
            plain => plain.clone(),
        }
    }

    fn seal_text(&self, text: &str, old: Option<&Value>) -> String {
        let (hidden, secrets) = self.hide(text, REDACTED);
        let changed = old
            .and_then(Value::as_str)
            .is_some_and(|old| self.hide(old, REDACTED).1 != secrets);
        if changed {
            return self.hide(text, CHANGED).0;
        }
        hidden
    }

    /// The text with a mark in place of each secret, and the secrets. A mark changes how what stands beside it reads, so
    /// it is gone over until nothing more is found; each time there is less to hide.
    fn hide(&self, text: &str, mark: &str) -> (String, Vec<String>) {
        let (mut hidden, mut secrets) = (text.to_owned(), Vec::new());
        loop {
            let found = self.secrets(&hidden);
            if found.is_empty() {
                return (hidden, secrets);
            }
            secrets.extend(found.iter().map(|range| hidden[range.clone()].to_owned()));
            hidden = splice(&hidden, &found, mark);
        }
    }

    fn seal_members(
        &self,
        members: &Map<String, Value>,
        old: Option<&Value>,
    ) -> Map<String, Value> {
        let sealed = members.iter().map(|(name, member)| {
            let old = old.and_then(|old| old.get(name));
            (
                name.clone(),
                self.seal(label_of(members, name), member, old),
            )
        });
        sealed.collect()
    }

    /// An item is compared with the one of its name, else with one that is equal, else with the one in its place.
    fn seal_list(&self, label: &str, items: &[Value], old: Option<&Value>) -> Value {
        let Some(Value::Array(old)) = old else {
            let sealed =
                labelled_items(label, items).map(|(label, item)| self.seal(label, item, None));
            return sealed.collect();
        };
        let partner: Vec<Option<&Value>> = match names(Some(label), old, items) {
            Some((before, now)) => now
                .iter()
                .map(|name| Some(&old[before.iter().position(|known| known == name)?]))
                .collect(),
            None => items
                .iter()
                .enumerate()
                .map(|(index, item)| {
                    let equal = old.iter().find(|old| *old == item);
                    equal.or_else(|| old.get(index))
                })
                .collect(),
        };
        let sealed = self.seal_items(label, items, &partner);
        if old != items && sealed == self.seal_list(label, old, None) {
            // Secrets that changed places: only their places can tell.
            let places: Vec<Option<&Value>> =
                (0..items.len()).map(|index| old.get(index)).collect();
            return self.seal_items(label, items, &places);
        }
        sealed
    }

    fn seal_items(&self, label: &str, items: &[Value], partners: &[Option<&Value>]) -> Value {
        let labelled = labelled_items(label, items).zip(partners);
        labelled
            .map(|((label, item), partner)| self.seal(label, item, *partner))
            .collect()
    }
}

/// What a member's value is called: in a pair of `name` and `value`, what the pair says.
fn label_of<'a>(members: &'a Map<String, Value>, name: &'a str) -> &'a str {
    let says = |name| members.get(name).and_then(Value::as_str);
    match name {
        "value" => says("name").or_else(|| says("key")).unwrap_or(name),
        "Value" => says("Name").or_else(|| says("Key")).unwrap_or(name),
        _ => name,
    }
}

/// The items of a list, each with its name: the list's, or that of the flag before it.
fn labelled_items<'a>(
    label: &'a str,
    items: &'a [Value],
) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let flag_before = move |index: usize| {
        let before = items.get(index.checked_sub(1)?)?;
        fields::flag(before.as_str()?)
    };
    items.iter().enumerate().map(move |(index, item)| {
        let is_value = item.as_str().is_some_and(|text| !text.starts_with('-'));
        let flag = flag_before(index).filter(|_| is_value);
        (flag.unwrap_or(label), item)
    })
}

/// Values that give nothing away whatever they are called: switches, small numbers, ARNs, template expressions, marks.
fn says_nothing(label: &str, value: &str) -> bool {
    let value = value.trim();
    let small = value.to_ascii_lowercase();
    let is_switch = matches!(
        small.as_str(),
        "" | "true" | "false" | "yes" | "no" | "on" | "off" | "null" | "none" | "~"
    );
    let is_small_number = value.len() < 4 && value.bytes().all(|byte| byte.is_ascii_digit());
    let is_expression = value.starts_with("{{") && value.ends_with("}}");
    let is_working_directory = value.starts_with('/') && words(label) == ["PWD"];
    is_switch
        || is_small_number
        || is_expression
        || is_working_directory
        || value.starts_with("arn:")
        || value == REDACTED
        || value == CHANGED
}

/// What stands for `new`, beside its old value if there is one.
fn mark(old: Option<&Value>, new: &Value) -> &'static str {
    if old.is_some_and(|old| old != new) {
        CHANGED
    } else {
        REDACTED
    }
}

/// Where marks stand already.
fn marks(text: &str) -> Vec<Range<usize>> {
    let places = |mark: &'static str| {
        text.match_indices(mark)
            .map(move |(start, _)| start..start + mark.len())
    };
    places(REDACTED).chain(places(CHANGED)).collect()
}

/// The ranges in order, those that touch made one, without the marks that stand there already.
fn merged(ranges: Vec<Range<usize>>, marks: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = ranges
        .into_iter()
        .flat_map(|range| without(range, marks))
        .collect();
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// What is left of a range between the marks.
fn without(range: Range<usize>, marks: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut left = vec![range];
    for mark in marks {
        let parts = left.into_iter().flat_map(|part| {
            let before = part.start..part.end.min(mark.start.max(part.start));
            let after = part.start.max(mark.end.min(part.end))..part.end;
            let overlaps = part.start < mark.end && mark.start < part.end;
            if overlaps {
                vec![before, after]
            } else {
                vec![part]
            }
        });
        left = parts.filter(|part| !part.is_empty()).collect();
    }
    left.retain(|part| !part.is_empty());
    left
}

fn splice(text: &str, ranges: &[Range<usize>], mark: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for range in ranges {
        out.push_str(&text[from..range.start]);
        out.push_str(mark);
        from = range.end;
    }
    out.push_str(&text[from..]);
    out
}
