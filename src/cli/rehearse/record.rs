//! The copy of a service in a file: a world file whose first lines say what it takes for granted.
//!
//! **Invariant:** secrets never reach the file; whoever has it may show it.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use super::copy::Copy;
use crate::cli::failure::Failure;
use crate::cli::input;
use crate::core::redact::Redactor;

const ASSUMED: &str = "# assumed: ";

/// Writes the copy.
pub fn write(file: &Path, copy: &Copy, redactor: &Redactor) -> Result<(), Failure> {
    let mut text =
        "# A copy of a service: ecsdeploy rehearse --from FILE, or ecsdeploy sandbox FILE.\n"
            .to_owned();
    for assumption in &copy.assumed {
        let _ = writeln!(text, "{ASSUMED}{}", assumption.replace('\n', " "));
    }
    let world = serde_json::to_string_pretty(&copy.world).expect("a world file is JSON");
    text.push_str(&world);
    text.push('\n');
    input::write(file, &redactor.text(&text))
}

/// Reads what [`write`] wrote.
pub fn read(file: &Path) -> Result<Copy, Failure> {
    let text = input::read(file)?;
    let (comments, body): (Vec<&str>, Vec<&str>) =
        text.lines().partition(|line| line.starts_with('#'));
    let assumed = comments
        .iter()
        .filter_map(|line| line.strip_prefix(ASSUMED));
    let world = serde_json::from_str::<Value>(&body.join("\n"));
    let Ok(Value::Object(world)) = world else {
        return Err(
            Failure::usage(format!("{} is no copy of a service", file.display()))
                .hint("make one with: ecsdeploy rehearse --record FILE"),
        );
    };
    Ok(Copy {
        world,
        assumed: assumed.map(str::to_owned).collect(),
    })
}
