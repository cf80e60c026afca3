//! Parts of the documentation that are made of the program itself: its commands, its options, its schema, its inputs.

use std::fmt::Write as _;

use ecsdeploy::cli::action::{INPUTS, Input, Of};
use serde_json::Value;

/// The inputs of action.yml.
pub fn action_inputs() -> String {
    let mut text = String::new();
    let mut last = None;
    for input in &INPUTS {
        if last != Some(input.of) {
            let _ = writeln!(text, "  # {}", origin(input.of));
            last = Some(input.of);
        }
        let description = Value::from(description(input));
        let _ = writeln!(text, "  {}:\n    description: {description}", input.name);
        if input.name == "token" {
            text.push_str("    default: ${{ github.token }}\n");
        }
    }
    text
}

fn origin(of: Of) -> &'static str {
    match of {
        Of::Ours => "New",
        Of::Install => "Which program, and its token",
        Of::Both => "Of both AWS actions",
        Of::Render => "Of amazon-ecs-render-task-definition",
        Of::Deploy => "Of amazon-ecs-deploy-task-definition",
    }
}

/// What the option says of itself, and which one it is.
fn description(input: &Input) -> String {
    let means = input.means.replace('`', "");
    let option = means.strip_prefix("--").map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        &rest[..end.unwrap_or(rest.len())]
    });
    match option.and_then(help_of) {
        Some(help) => format!("{help} ({means})"),
        None if input.means.starts_with('`') => means,
        None => capital(&means),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

fn help_of(option: &str) -> Option<String> {
    let tree = ecsdeploy::cli::tree();
    let mut arguments = tree
        .get_subcommands()
        .flat_map(clap::Command::get_arguments);
    let argument = arguments.find(|it| it.get_long() == Some(option))?;
    let help = argument.get_help()?.to_string();
    Some(help.trim_end_matches("; may be repeated").to_owned())
}

/// The inputs of one of the AWS actions, and what becomes of them.
pub fn inputs_of(wanted: Of) -> String {
    let mut text = "| input | becomes |\n| --- | --- |\n".to_owned();
    let of_it = |input: &&Input| input.of == wanted || (input.of == Of::Both && wanted != Of::Ours);
    for input in INPUTS.iter().filter(of_it) {
        let _ = writeln!(text, "| `{}` | {} |", input.name, cell(input.means));
    }
    text
}

pub fn exit_codes() -> String {
    let mut text = "| code | | |\n| --- | --- | --- |\n".to_owned();
    for (exit, word, meaning) in ecsdeploy::cli::EXITS {
        let _ = writeln!(text, "| {} | {word} | {meaning} |", exit as u8);
    }
    text
}

/// How many commands must have an option before it is told of once for all of them.
const SHARED: usize = 4;

/// Every command with its options; those that many commands have come first, once.
pub fn commands() -> String {
    let mut tree = ecsdeploy::cli::tree();
    tree.build();
    let mut rows: Vec<(String, Vec<String>)> = Vec::new();
    for command in tree.get_subcommands() {
        for row in arguments(command) {
            let name = command.get_name().to_owned();
            match rows.iter_mut().find(|(known, _)| *known == row) {
                Some((_, commands)) => commands.push(name),
                None => rows.push((row, vec![name])),
            }
        }
    }
    rows.retain(|(_, commands)| commands.len() >= SHARED);
    let mut text = "## Shared options\n\n| argument | | of |\n| --- | --- | --- |\n".to_owned();
    for (row, commands) in &rows {
        let all = commands.len() == tree.get_subcommands().count();
        let of = if all {
            "all".to_owned()
        } else {
            commands.join(", ")
        };
        let _ = writeln!(text, "{row} {of} |");
    }
    text.push('\n');
    for command in tree.get_subcommands() {
        describe(command, &rows, &mut text);
    }
    text
}

fn arguments(command: &clap::Command) -> Vec<String> {
    let shown = |argument: &&clap::Arg| {
        !argument.is_hide_set() && !matches!(argument.get_id().as_str(), "help" | "version")
    };
    let row = |it: &clap::Arg| format!("| {} | {} |", spelling(it), meaning(it));
    command.get_arguments().filter(shown).map(row).collect()
}

fn describe(command: &clap::Command, shared: &[(String, Vec<String>)], text: &mut String) {
    let name = command.get_bin_name().unwrap_or_default();
    let about = command.get_long_about().or_else(|| command.get_about());
    let about = about.map(ToString::to_string).unwrap_or_default();
    let (title, rest) = about.split_once("\n\n").unwrap_or((&about, ""));
    let title = title.trim_end_matches('.');
    let _ = writeln!(text, "## `{name}`\n\n{}.\n", escape(title));
    if !rest.is_empty() {
        let _ = writeln!(text, "{}\n", escape(rest));
    }
    let mut own = arguments(command);
    own.retain(|row| !shared.iter().any(|(known, _)| known == row));
    if !own.is_empty() {
        let _ = writeln!(text, "| argument | |\n| --- | --- |\n{}\n", own.join("\n"));
    }
    let inner = command.get_subcommands();
    for inner in inner.filter(|it| it.get_name() != "help") {
        describe(inner, shared, text);
    }
}

/// `--option VALUE`, or `[VALUE]`.
fn spelling(argument: &clap::Arg) -> String {
    let values = argument.get_value_names().unwrap_or_default();
    let value = values.first().map(ToString::to_string);
    let takes = argument.get_action().takes_values();
    let text = match (argument.get_long(), value) {
        (Some(long), Some(value)) if takes => format!("--{long} {value}"),
        (Some(long), _) => format!("--{long}"),
        (None, value) => format!("[{}]", value.unwrap_or_default()),
    };
    format!("`{}`", cell(&text))
}

fn meaning(argument: &clap::Arg) -> String {
    let help = argument
        .get_help()
        .map(ToString::to_string)
        .unwrap_or_default();
    let mut text = escape(&help);
    let possible: Vec<String> = argument
        .get_possible_values()
        .iter()
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    if argument.get_action().takes_values() && !possible.is_empty() {
        let _ = write!(text, ". One of {}", possible.join(", "));
    }
    let defaults = argument.get_default_values();
    if let [default] = defaults
        && argument.get_action().takes_values()
    {
        let _ = write!(text, ". Default: `{}`", default.to_string_lossy());
    }
    if let Some(variable) = argument.get_env() {
        let _ = write!(text, ". Variable: `{}`", variable.to_string_lossy());
    }
    text
}

/// Every key of ecsdeploy.yml.
pub fn config() -> String {
    let schema = ecsdeploy::text::schema::config_schema();
    let mut text = String::new();
    keys("ecsdeploy.yml", &schema, &mut text);
    let named = schema["$defs"].as_object().into_iter().flatten();
    for (name, definition) in named {
        if definition["type"] == "object" {
            keys(name, definition, &mut text);
        } else {
            let _ = writeln!(text, "## {name}\n\n{}\n", said(definition));
            for value in values(definition) {
                let _ = writeln!(text, "* {value}");
            }
            text.push('\n');
        }
    }
    text
}

fn keys(name: &str, object: &Value, text: &mut String) {
    let _ = writeln!(text, "## {name}\n\n{}\n", said(object));
    text.push_str("| key | type | |\n| --- | --- | --- |\n");
    for (key, property) in object["properties"].as_object().into_iter().flatten() {
        let _ = writeln!(
            text,
            "| `{key}` | {} | {} |",
            kind(property),
            cell(&said(property))
        );
    }
    text.push('\n');
}

fn said(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or_default();
    text.replace('\n', " ")
}

/// The values that one of a few may have, with what each means.
fn values(schema: &Value) -> Vec<String> {
    let each = |one: &Value| {
        let value = one["const"].as_str()?;
        Some(format!("`{value}`: {}", said(one)))
    };
    let told = schema["oneOf"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(each);
    let bare = schema["enum"].as_array().into_iter().flatten();
    told.chain(bare.map(|value| format!("`{value}`"))).collect()
}

fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap_or_default();
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(any) = schema["anyOf"].as_array() {
        let kinds = any.iter().filter(|it| it["type"] != "null").map(kind);
        return kinds.collect::<Vec<_>>().join(" or ");
    }
    match &schema["type"] {
        Value::Array(types) => {
            let types = types
                .iter()
                .filter_map(Value::as_str)
                .filter(|it| *it != "null");
            let text = types.collect::<Vec<_>>().join(" or ");
            listed(&text, schema)
        }
        Value::String(text) => listed(text, schema),
        _ => "anything".to_owned(),
    }
}

fn listed(text: &str, schema: &Value) -> String {
    match (text, &schema["items"], &schema["additionalProperties"]) {
        ("array", items, _) => format!("list of {}", kind(items)),
        ("object", _, of) if of.is_object() => format!("map of {}", kind(of)),
        ("object", ..) => "map".to_owned(),
        _ => text.to_owned(),
    }
}

/// Safe in a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// Safe in a table, and no HTML.
fn escape(text: &str) -> String {
    cell(text).replace('<', "&lt;").replace('\n', " ")
}
