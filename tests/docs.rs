//! What is written down is what is: the committed schema, and every part of the documentation that the program can tell
//! itself. `ECSDEPLOY_RENEW=1 cargo test --test docs` writes those parts anew.
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

#[path = "docs/generated.rs"]
mod generated;

use std::fs;
use std::path::{Path, PathBuf};

use ecsdeploy::cli::action::{INPUTS, Of};

const RENEW: &str = "ECSDEPLOY_RENEW";

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

fn read(file: &str) -> String {
    fs::read_to_string(path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The part `name` of a file, between lines that hold `generated: NAME` and `/generated`, is this text.
fn check(file: &str, name: &str, text: &str) {
    let old = read(file);
    let opening = old.find(&format!("generated: {name}"));
    let opening = opening.unwrap_or_else(|| panic!("{file} has no part {name}"));
    let start = opening + old[opening..].find('\n').unwrap() + 1;
    let closing = start + old[start..].find("/generated").unwrap();
    let end = old[..closing].rfind('\n').unwrap() + 1;
    let is_markdown = path(file).extension().is_some_and(|it| it == "md");
    let blank = if is_markdown { "\n" } else { "" };
    let wanted = format!("{blank}{}\n{blank}", text.trim_end());
    if std::env::var_os(RENEW).is_some() {
        let new = format!("{}{wanted}{}", &old[..start], &old[end..]);
        fs::write(path(file), new).unwrap();
        return;
    }
    assert_eq!(
        old[start..end],
        wanted,
        "{file} is not current: {RENEW}=1 cargo test --test docs"
    );
}

#[test]
fn the_committed_schema_is_current() {
    let file = "templates/ecsdeploy.schema.json";
    let schema = ecsdeploy::text::schema::config_schema();
    if std::env::var_os(RENEW).is_some() {
        fs::write(path(file), format!("{schema:#}\n")).unwrap();
    }
    let committed: serde_json::Value = serde_json::from_str(&read(file)).unwrap();
    assert_eq!(
        committed, schema,
        "renew it with: ecsdeploy schema > {file}"
    );
}

#[test]
fn the_exit_codes_are_the_program_s() {
    check("README.md", "exit codes", &generated::exit_codes());
}

#[test]
fn the_reference_of_the_command_line_is_the_program_s() {
    check("docs/reference/cli.md", "commands", &generated::commands());
}

#[test]
fn the_reference_of_the_configuration_is_the_schema_s() {
    check("docs/reference/config.md", "keys", &generated::config());
}

#[test]
fn the_inputs_of_action_yml_are_those_that_the_program_takes() {
    check("action.yml", "inputs", &generated::action_inputs());
}

#[test]
fn the_guide_names_every_input() {
    check(
        "docs/github-action.md",
        "inputs",
        &generated::inputs_of(Of::Ours),
    );
    let from = "docs/from-aws-actions.md";
    check(from, "render", &generated::inputs_of(Of::Render));
    check(from, "deploy", &generated::inputs_of(Of::Deploy));
    let guide = read("docs/github-action.md");
    for input in INPUTS.iter().filter(|input| input.of == Of::Install) {
        assert!(
            guide.contains(&format!("`{}`", input.name)),
            "{}",
            input.name
        );
    }
}

#[test]
fn the_readme_names_each_command() {
    let readme = read("README.md");
    for command in ecsdeploy::cli::commands() {
        assert!(
            readme.contains(&format!("`ecsdeploy {command}`")),
            "README.md lacks the command {command}"
        );
    }
}
