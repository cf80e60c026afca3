//! What a diff says: at this place, this was added, removed, changed or put in another order.
//!
//! **Invariant:** a path is read by people and told apart by machines: a step that could be taken for another is quoted,
//! so no two places are displayed alike.

use serde_json::Value;
use std::fmt;

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub path: Path,
    pub kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Added(Value),
    Removed(Value),
    Changed {
        from: Value,
        to: Value,
    },
    /// The items that both lists have stand in another order. Given are their names, in each list's order.
    Reordered {
        from: Vec<String>,
        to: Vec<String>,
    },
}

/// Where, from the document down: `containerDefinitions[web].environment[LOG_LEVEL].value`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Member(String),
    /// A list's item, by what it is called: `[web]`, `[80/tcp]`.
    Item(String),
    /// A list's item that has no name, by its place in the new list, or, if it was removed, in the old one.
    Index(usize),
    /// Into the JSON that a string holds: `(json)`.
    Json,
}

impl Path {
    /// The path that goes one step further.
    #[must_use]
    pub fn then(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    pub fn steps(&self) -> &[Step] {
        &self.0
    }
}

/// The document itself is `$`.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("$");
        }
        for (depth, step) in self.0.iter().enumerate() {
            match step {
                Step::Member(name) if !is_plain_member(name) => write!(f, "[.{}]", quoted(name))?,
                Step::Member(name) if depth == 0 => f.write_str(name)?,
                Step::Member(name) => write!(f, ".{name}")?,
                Step::Item(name) if is_plain_item(name) => write!(f, "[{name}]")?,
                Step::Item(name) => write!(f, "[{}]", quoted(name))?,
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Json => f.write_str("(json)")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Path(vec![self.clone()]).fmt(f)
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn is_plain_member(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

fn is_plain_item(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:@+".contains(&byte);
    name.bytes().all(is_plain)
        && name.bytes().any(|byte| !byte.is_ascii_digit())
        && !name.starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_readable_and_says_which_kind_of_step_it_takes() {
        let member = |name: &str| Step::Member(name.to_owned());
        let item = |name: &str| Step::Item(name.to_owned());
        let check = |steps: &[Step], text: &str| assert_eq!(Path(steps.to_vec()).to_string(), text);
        check(&[], "$");
        check(
            &[member("a"), item("web"), member("b"), item("80/tcp")],
            "a[web].b[80/tcp]",
        );
        check(
            &[member("a"), Step::Index(0), Step::Json, member("b")],
            "a[0](json).b",
        );
        check(&[member("a"), item("0")], r#"a["0"]"#);
        check(&[member("a"), item("")], r#"a[""]"#);
        check(&[member("a"), item("x]\n")], r#"a["x]\n"]"#);
        check(
            &[member("a"), member("com.example/x")],
            r#"a[."com.example/x"]"#,
        );
    }
}
