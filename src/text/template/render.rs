//! Renders a template and reads the result, leading every fault back to the template.

use handlebars::{RenderError, RenderErrorReason};
use serde_json::{Map, Value};

use super::compile::compile;
use super::helpers::{NoValue, registry};
use super::source::Source;
use super::splice::splice;
use crate::text::complaint::Complaint;
use crate::text::json::{self, Fault};

const TEMPLATE: &str = "template";

/// The JSON object that the Handlebars template `text`, the content of the file `name`, makes of `values`.
///
/// Handlebars' own `if`, `unless`, `each`, `with`, `lookup`, `eq`, `ne`, `gt`, `gte`, `lt`, `lte`, `and`, `or`, `not`
/// and `len` are there, and two more: `{{json x}}` puts any value in as JSON, `{{default x "y"}}` takes `y` where `x`
/// has no value or is null. Numbers stay numbers. A name without a value is an error except in a condition (`if`,
/// `unless`, `and`, `or`, `not`), where it counts as false as in Handlebars, and in `default`.
///
/// Whatever a value holds, it is either characters of the string it stands in, or one JSON value outside any.
pub fn render(name: &str, text: &str, values: &Map<String, Value>) -> Result<Value, Complaint> {
    let text = text.trim_start_matches('\u{feff}');
    let source = Source { name, text };
    let mut registry = registry();
    registry.register_template(TEMPLATE, compile(&source)?);
    let rendered = registry
        .render(TEMPLATE, values)
        .map_err(|error| not_rendered(&source, values, &error))?;
    let document = splice(&source, &rendered)?;
    match json::parse(&document.json) {
        Ok(object @ Value::Object(_)) => Ok(object),
        Ok(_) => Err(Complaint::new("a task definition is an object").at(document.place(0))),
        Err(fault) => Err(not_json(&fault).at(document.place(fault.at))),
    }
}

fn not_json(fault: &Fault) -> Complaint {
    let complaint = Complaint::new(format!(
        "the rendered text is not JSON here: {}",
        fault.message
    ));
    let complaint = fault.hint.into_iter().fold(complaint, Complaint::hint);
    if fault.message == "trailing comma" {
        return complaint.hint("in a loop, write {{#unless @last}},{{/unless}} between the items");
    }
    complaint
}

fn not_rendered(
    source: &Source<'_>,
    values: &Map<String, Value>,
    error: &RenderError,
) -> Complaint {
    let line = error.line_no.unwrap_or(1);
    let at = source.offset(line, error.column_no.unwrap_or(1));
    match error.reason() {
        RenderErrorReason::NestedError(inner) => match inner.downcast_ref::<NoValue>() {
            Some(NoValue {
                name: Some(name),
                at,
            }) => no_value(source, values, *at, name),
            Some(NoValue { name: None, at }) => {
                let message = format!("`{}` has no value", source.tag(*at));
                source.complain(*at, message)
            }
            None => source.complain(at, inner.to_string()),
        },
        RenderErrorReason::MissingVariable(Some(name)) => match find(values, name) {
            Some(found) => {
                let message = format!("`{name}` is {}, not something to go through", kind(found));
                Complaint::new(message).at(source.word_place(at, name))
            }
            None => no_value(source, values, at, name),
        },
        RenderErrorReason::InvalidJsonIndex(index) => source.complain(
            at,
            format!("`{index}` is not the number of an item of a list"),
        ),
        other => source.complain(at, other.to_string()),
    }
}

fn no_value(source: &Source<'_>, values: &Map<String, Value>, at: usize, name: &str) -> Complaint {
    let complaint =
        Complaint::new(format!("`{name}` has no value")).at(source.word_place(at, name));
    if find(values, name).is_some() {
        return complaint.hint(format!(
            "inside a block, names are those of the item; write {{{{@root.{name}}}}}"
        ));
    }
    complaint.spelling(name, names(values)).hint(format!(
        "set it under `values`, in a values file or with --set {name}=…, or write {{{{default {name} …}}}}"
    ))
}

/// The value at a dotted path.
fn find<'a>(values: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let (first, rest) = name.split_once('.').unwrap_or((name, ""));
    let value = values.get(first)?;
    if rest.is_empty() {
        return Some(value);
    }
    find(value.as_object()?, rest)
}

/// Every dotted path there is in `values`, and every name in it for itself, as names are written inside a block.
fn names(values: &Map<String, Value>) -> Vec<String> {
    let mut all = Vec::new();
    for (name, value) in values {
        all.push(name.clone());
        for inner in inner_names(value) {
            all.push(format!("{name}.{inner}"));
            all.push(inner);
        }
    }
    all
}

fn inner_names(value: &Value) -> Vec<String> {
    match value {
        Value::Object(members) => names(members),
        Value::Array(items) => items.iter().flat_map(inner_names).collect(),
        _ => Vec::new(),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an empty list",
        Value::Object(_) => "an empty object",
    }
}
