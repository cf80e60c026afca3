//! Compares two documents member by member, item by item.
//!
//! Items of a list are matched by name where they have one and as a sequence where not. Strings that both hold a JSON
//! object or list (a `FireLens` configuration, a structured environment variable) are compared inside.
//!
//! **Invariant:** no changes exactly if the documents are equal; the order is that of the new document, with what was
//! removed after it, so the same two documents always give the same list.

use super::change::{Change, Kind, Path, Step};
use super::identity::names;
use serde_json::{Map, Value};
use similar::{Algorithm, DiffOp, capture_diff_slices};

/// The changes that turn `from` into `to`. Give canonical forms, and only what matters shows.
pub fn diff(from: &Value, to: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    compare(&Path::default(), from, to, &mut changes);
    changes
}

fn compare(path: &Path, from: &Value, to: &Value, changes: &mut Vec<Change>) {
    match (from, to) {
        (from, to) if from == to => {}
        (Value::Object(from), Value::Object(to)) => compare_members(path, from, to, changes),
        (Value::Array(from), Value::Array(to)) => compare_lists(path, from, to, changes),
        (Value::String(old), Value::String(new))
            if compare_json_inside(path, old, new, changes) => {}
        (from, to) => changes.push(changed(path.clone(), from, to)),
    }
}

fn compare_members(
    path: &Path,
    from: &Map<String, Value>,
    to: &Map<String, Value>,
    changes: &mut Vec<Change>,
) {
    let at = |name: &String| path.then(Step::Member(name.clone()));
    for (name, new) in to {
        match from.get(name) {
            Some(old) => compare(&at(name), old, new, changes),
            None => changes.push(added(at(name), new)),
        }
    }
    let gone = from.iter().filter(|(name, _)| !to.contains_key(*name));
    changes.extend(gone.map(|(name, old)| removed(at(name), old)));
}

fn compare_lists(path: &Path, from: &[Value], to: &[Value], changes: &mut Vec<Change>) {
    let list = match path.steps().last() {
        Some(Step::Member(name)) => Some(name.as_str()),
        _ => None,
    };
    match names(list, from, to) {
        Some((old, new)) => compare_named(path, (&old, from), (&new, to), changes),
        None => compare_sequences(path, from, to, changes),
    }
}

/// Items with their names, in order.
type Named<'a> = (&'a [String], &'a [Value]);

fn compare_named(path: &Path, from: Named<'_>, to: Named<'_>, changes: &mut Vec<Change>) {
    let at = |name: &String| path.then(Step::Item(name.clone()));
    let (old_names, new_names) = (from.0, to.0);
    for (name, new) in new_names.iter().zip(to.1) {
        match old_names.iter().position(|old| old == name) {
            Some(index) => compare(&at(name), &from.1[index], new, changes),
            None => changes.push(added(at(name), new)),
        }
    }
    let gone = old_names
        .iter()
        .zip(from.1)
        .filter(|(name, _)| !new_names.contains(name));
    changes.extend(gone.map(|(name, old)| removed(at(name), old)));
    let shared = |these: &[String], those: &[String]| -> Vec<String> {
        these
            .iter()
            .filter(|name| those.contains(name))
            .cloned()
            .collect()
    };
    let (from, to) = (shared(old_names, new_names), shared(new_names, old_names));
    if from != to {
        changes.push(Change {
            path: path.clone(),
            kind: Kind::Reordered { from, to },
        });
    }
}

fn compare_sequences(path: &Path, from: &[Value], to: &[Value], changes: &mut Vec<Change>) {
    let at = |index: usize| path.then(Step::Index(index));
    for op in capture_diff_slices(Algorithm::Myers, from, to) {
        let (old, new) = (op.old_range(), op.new_range());
        if matches!(op, DiffOp::Equal { .. }) {
            continue;
        }
        let pairs = old.len().min(new.len());
        for (index, before) in new.clone().zip(&from[old.clone()]) {
            compare(&at(index), before, &to[index], changes);
        }
        changes.extend(new.skip(pairs).map(|index| added(at(index), &to[index])));
        changes.extend(
            old.skip(pairs)
                .map(|index| removed(at(index), &from[index])),
        );
    }
}

/// Compares the documents that two different strings hold. False, and nothing said, if they hold none, or if only
/// their layout differs: a program may read that string in its own way, so the difference is real.
fn compare_json_inside(path: &Path, from: &str, to: &str, changes: &mut Vec<Change>) -> bool {
    let (Some(from), Some(to)) = (document_in(from), document_in(to)) else {
        return false;
    };
    let before = changes.len();
    compare(&path.then(Step::Json), &from, &to, changes);
    changes.len() > before
}

fn document_in(text: &str) -> Option<Value> {
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    serde_json::from_str(text).ok()
}

fn added(path: Path, value: &Value) -> Change {
    Change {
        path,
        kind: Kind::Added(value.clone()),
    }
}

fn removed(path: Path, value: &Value) -> Change {
    Change {
        path,
        kind: Kind::Removed(value.clone()),
    }
}

fn changed(path: Path, from: &Value, to: &Value) -> Change {
    Change {
        path,
        kind: Kind::Changed {
            from: from.clone(),
            to: to.clone(),
        },
    }
}
