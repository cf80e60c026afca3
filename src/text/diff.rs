//! The difference of two documents for people and programs: unified, one line a change, or JSON.
//!
//! Give it canonical forms, or every default that AWS fills in shows. **Invariant:** knows nothing of secrets; what it
//! is given must be redacted, and both sides together, so that a changed secret still shows.

use std::fmt::Write as _;

use serde_json::{Value, json};
use similar::TextDiff;

use super::terminal::inert;
use crate::core::diff::{Change, Kind};

/// Lines of context around a change.
const CONTEXT: usize = 3;

/// Longer values are cut in the compact form.
const LONGEST_VALUE: usize = 240;

/// As `diff -u` prints it, over indented JSON; empty when nothing differs.
pub fn unified(from: (&str, &Value), to: (&str, &Value)) -> String {
    let (old, new) = (format!("{:#}\n", from.1), format!("{:#}\n", to.1));
    let diff = TextDiff::from_lines(&old, &new);
    let text = diff
        .unified_diff()
        .context_radius(CONTEXT)
        .header(from.0, to.0)
        .to_string();
    inert(&text)
}

/// One line a change: `~ path: old -> new`, `+ path: new`, `- path: old`, `% path: order -> order`.
pub fn compact(changes: &[Change]) -> String {
    let mut text = String::new();
    for change in changes {
        let _ = writeln!(text, "{}", line(change));
    }
    inert(&text)
}

/// `{"changed": …, "changes": [{"path", "kind", "from", "to"}]}`.
pub fn json(changes: &[Change]) -> Value {
    let changes: Vec<Value> = changes.iter().map(one).collect();
    json!({"changed": !changes.is_empty(), "changes": changes})
}

/// One change on one line, whatever its values hold.
pub fn line(Change { path, kind }: &Change) -> String {
    match kind {
        Kind::Added(value) => format!("+ {path}: {}", short(value)),
        Kind::Removed(value) => format!("- {path}: {}", short(value)),
        Kind::Changed { from, to } => format!("~ {path}: {} -> {}", short(from), short(to)),
        Kind::Reordered { from, to } => {
            format!("% {path}: {} -> {}", from.join(", "), to.join(", "))
        }
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= LONGEST_VALUE {
        return text;
    }
    let kept: String = text.chars().take(LONGEST_VALUE - 1).collect();
    format!("{kept}…")
}

fn one(Change { path, kind }: &Change) -> Value {
    let path = path.to_string();
    match kind {
        Kind::Added(to) => json!({"path": path, "kind": "added", "to": to}),
        Kind::Removed(from) => json!({"path": path, "kind": "removed", "from": from}),
        Kind::Changed { from, to } => {
            json!({"path": path, "kind": "changed", "from": from, "to": to})
        }
        Kind::Reordered { from, to } => {
            json!({"path": path, "kind": "reordered", "from": from, "to": to})
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::diff::diff;

    fn documents() -> (Value, Value) {
        let of = |level: &str, ports: Value| {
            json!({"family": "web", "containerDefinitions": [
                {"name": "web", "environment": [{"name": "LOG_LEVEL", "value": level}], "portMappings": ports},
            ]})
        };
        (
            of("info", json!([])),
            of("de\u{1b}bug", json!([{"containerPort": 80}])),
        )
    }

    #[test]
    fn a_unified_diff_has_three_lines_of_context() {
        let (from, to) = documents();
        insta::assert_snapshot!(unified(("web:1", &from), ("web", &to)), @r#"
        --- web:1
        +++ web
        @@ -6,10 +6,14 @@
               "environment": [
                 {
                   "name": "LOG_LEVEL",
        -          "value": "info"
        +          "value": "de\u001bbug"
                 }
               ],
        -      "portMappings": []
        +      "portMappings": [
        +        {
        +          "containerPort": 80
        +        }
        +      ]
             }
           ]
         }
        "#);
        assert_eq!(unified(("a", &from), ("b", &from)), "");
    }

    #[test]
    fn a_compact_diff_has_a_line_a_change() {
        let (from, to) = documents();
        insta::assert_snapshot!(compact(&diff(&from, &to)), @r#"
        ~ containerDefinitions[web].environment[LOG_LEVEL].value: "info" -> "de\u001bbug"
        + containerDefinitions[web].portMappings[80/tcp]: {"containerPort":80}
        "#);
    }

    #[test]
    fn a_long_value_is_cut() {
        let change = diff(&json!({"a": "x"}), &json!({"a": "é".repeat(500)}));
        let text = compact(&change);
        assert!(
            text.chars().count() < 300 && text.ends_with("…\n"),
            "{text}"
        );
    }

    #[test]
    fn json_says_whether_and_what() {
        let (from, to) = documents();
        assert_eq!(json(&[]), json!({"changed": false, "changes": []}));
        assert_eq!(
            json(&diff(&from, &to))["changes"][0],
            json!({
                "path": "containerDefinitions[web].environment[LOG_LEVEL].value",
                "kind": "changed", "from": "info", "to": "de\u{1b}bug",
            })
        );
    }
}
