//! `ecsdeploy schema`: the JSON Schema of ecsdeploy.yml, for editors.

use super::failure::Failure;
use super::stdout;
use crate::text::schema::config_schema;

/// Print the JSON Schema of ecsdeploy.yml
#[derive(clap::Args, Debug)]
pub struct Args {}

pub fn run(_: &Args) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(&config_schema()).expect("a JSON document");
    stdout::data(&format!("{text}\n"))
}
