//! What is written down is what is: the committed schema and the README's tables.
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

use std::fs;
use std::path::Path;

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

#[test]
fn the_committed_schema_is_current() {
    let committed: serde_json::Value =
        serde_json::from_str(&read("templates/ecsdeploy.schema.json")).unwrap();
    assert_eq!(
        committed,
        ecsdeploy::text::schema::config_schema(),
        "renew it with: ecsdeploy schema > templates/ecsdeploy.schema.json"
    );
}

#[test]
fn the_readme_lists_each_exit_code_as_the_program_does() {
    let readme = read("README.md");
    for (exit, word, meaning) in ecsdeploy::cli::EXITS {
        let row = format!("| {} | {word} | {meaning} |", exit as u8);
        assert!(readme.contains(&row), "README.md lacks the row: {row}");
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

#[test]
fn the_world_file_of_the_guide_is_one() {
    let guide = read("docs/sandbox.md");
    let (_, world) = guide.split_once("```yaml\n").unwrap();
    let (world, _) = world.split_once("```").unwrap();
    if let Err(error) = ecsdeploy::sandbox::Sandbox::new(world, 1) {
        panic!("{error}");
    }
}
