//! The map in `src/lib.rs`, held: rooms name only lower floors, pure rooms never touch the world, files and functions
//! stay within the house budgets.
//!
//! Why a test: inside one crate the compiler allows every module to name every other, and layers melt into one cycle
//! unless something enforces them. **Invariant:** each rule is shown to fail on a planted violation.

#[path = "floors/rooms.rs"]
mod rooms;
#[path = "floors/sizes.rs"]
mod sizes;
#[path = "floors/source.rs"]
mod source;

use std::fs;
use std::path::{Path, PathBuf};

use rooms::{CLIMB_RULE, ROOMS_RULE, WORLD_RULE};

/// Every Rust file under `folder`, by its path from the project's root, with its text.
fn files(folder: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    collect(&root.join(folder), &mut found);
    found.sort();
    let named = found.into_iter().map(|file| {
        let inner = file
            .strip_prefix(root)
            .expect("the walk starts at the root");
        let name = inner
            .to_str()
            .expect("the project's names are UTF-8")
            .replace('\\', "/");
        (
            name,
            fs::read_to_string(&file).expect("a source file is readable UTF-8"),
        )
    });
    named.collect()
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("its entries can be read").path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

#[test]
fn rooms_name_only_lower_floors_and_pure_rooms_stay_pure() {
    let all = files("src");
    let found: Vec<String> = all
        .iter()
        .flat_map(|(path, text)| rooms::check(path, text))
        .collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn files_open_with_what_they_do_and_stay_within_the_budgets() {
    let all = files("src").into_iter().chain(files("tests"));
    let found: Vec<String> = all
        .flat_map(|(path, text)| sizes::check(&path, &text))
        .collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

/// `expect` is the place, the room or word wrongly named and the rule; empty when the text is allowed.
fn check(path: &str, text: &str, expect: &[(usize, &str, &str)]) {
    let messages = rooms::check(path, text);
    assert_eq!(
        messages.len(),
        expect.len(),
        "{path}: {text}\n{messages:#?}"
    );
    for (message, (line, what, rule)) in messages.iter().zip(expect) {
        assert!(
            message.starts_with(&format!("{path}:{line}: ")),
            "{message}"
        );
        assert!(
            message.contains(&format!("`{what}`")),
            "{message} does not name {what}"
        );
        assert!(message.ends_with(rule), "{message}");
    }
}

#[test]
fn a_planted_upward_or_sideways_path_is_found() {
    let wrong = |path: &str, text: &str, room: &str| check(path, text, &[(1, room, ROOMS_RULE)]);
    wrong(
        "src/core/diff.rs",
        "use crate::text::config::Config;",
        "text",
    );
    wrong(
        "src/core/diff.rs",
        "use crate::{core::id::Arn, ports::Cloud};",
        "ports",
    );
    wrong(
        "src/core/diff.rs",
        "fn f() -> crate :: engine :: Driven { todo() }",
        "engine",
    );
    wrong(
        "src/core/diff.rs",
        "fn f() { assert!(matches!(x, crate::sandbox::Time(_))) }",
        "sandbox",
    );
    wrong(
        "src/core/mod.rs",
        "#[cfg(test)] mod tests { use crate::cli::run; }",
        "cli",
    );
    wrong("src/core/diff.rs", "use crate::*;", "*");
    wrong("src/core/diff.rs", "use crate as whole;", "crate as");
    wrong("src/text/yaml.rs", "use crate::ports::Clock;", "ports");
    wrong("src/ports.rs", "use crate::text::Complaint;", "text");
    wrong(
        "src/engine/drive.rs",
        "use crate::adapters::aws::Aws;",
        "adapters::aws",
    );
    wrong(
        "src/engine/drive.rs",
        "use crate::sandbox::Sandbox;",
        "sandbox",
    );
    wrong(
        "src/adapters/aws/wire.rs",
        "use crate::adapters::{aws::Aws, host::read};",
        "adapters::host",
    );
    wrong("src/adapters/host.rs", "use crate::engine::look;", "engine");
    wrong("src/adapters/mod.rs", "use crate::cli::run;", "cli");
    wrong("src/sandbox/time.rs", "use crate::core::id::Arn;", "core");
    wrong(
        "src/main.rs",
        "fn main() { ecsdeploy::engine::go() }",
        "engine",
    );
    check("src/misc/tool.rs", "", &[(1, "misc", ROOMS_RULE)]);
}

#[test]
fn a_path_to_a_lower_floor_or_within_the_room_is_allowed() {
    let right = |path: &str, text: &str| check(path, text, &[]);
    right(
        "src/core/diff.rs",
        "use crate::core::{id::Arn, plan}; pub(crate) fn f() {} pub(super) fn g() {}",
    );
    right(
        "src/text/yaml.rs",
        "use crate::core::id; use super::{json, nearest::nearest};",
    );
    right(
        "src/engine/drive.rs",
        "use crate::{core::plan::Plan, ports::Cloud, text::terminal};",
    );
    right(
        "src/adapters/aws/wire.rs",
        "use crate::adapters::aws::limits; use crate::ports::Cloud;",
    );
    right(
        "src/cli/world.rs",
        "use crate::{adapters::host, sandbox::Sandbox, engine, text, core};",
    );
    right("src/main.rs", "fn main() { ecsdeploy::cli::run() }");
    right("src/core/mod.rs", "mod tests { use super::*; }");
}

#[test]
fn a_planted_climb_is_found() {
    let wrong = |path: &str, text: &str, what: &str| check(path, text, &[(2, what, CLIMB_RULE)]);
    wrong(
        "src/cli/render.rs",
        "\nuse super::super::engine;",
        "super::super",
    );
    wrong(
        "src/core/taskdef/ecr.rs",
        "\nuse super::{super::id, size};",
        "super::super",
    );
    wrong(
        "src/core/taskdef/ecr.rs",
        "\nmod tests { use super::super::ImageRef; }",
        "super::super",
    );
    wrong("src/core/mod.rs", "\nuse super::text::Complaint;", "super");
    wrong(
        "src/ports.rs",
        "\nfn f(x: super::engine::Driven) {}",
        "super",
    );
    wrong("src/adapters/host.rs", "\nuse super::aws::Aws;", "super");
}

#[test]
fn a_planted_worldly_word_is_found() {
    let wrong = |text: &str, word: &str| {
        for file in [
            "src/core/diff.rs",
            "src/text/yaml.rs",
            "src/sandbox/time.rs",
        ] {
            check(file, text, &[(1, word, WORLD_RULE)]);
        }
    };
    wrong("use std::fs;", "std::fs");
    wrong("use std::{fmt, env::args};", "std::env");
    wrong("fn f() { std::process::exit(1) }", "std::process");
    wrong("fn f() { std::thread::sleep(d) }", "std::thread");
    wrong("use std::net::{IpAddr, TcpStream};", "std::net");
    wrong("use tokio::time;", "tokio");
    wrong("async fn f() {}", "async");
    wrong("fn f() { x.await }", "await");
    wrong("use std::time::SystemTime;", "SystemTime");
    wrong("fn f() { std::time::Instant::now() }", "Instant::now");
    wrong("use std::collections::{BTreeMap, HashMap};", "HashMap");
    wrong("type T = std::collections::HashSet<u8>;", "HashSet");
    wrong("fn f() { println!(\"{x}\") }", "println");
    wrong("fn f() { if x { eprintln!() } }", "eprintln");
    wrong("#[cfg(test)] mod tests { use std::fs; }", "std::fs");
}

#[test]
fn worldly_words_are_allowed_in_worldly_rooms_and_in_prose() {
    let right = |path: &str, text: &str| check(path, text, &[]);
    right(
        "src/cli/stdout.rs",
        "use std::{fs, env}; async fn f() { println!(); x.await }",
    );
    right(
        "src/adapters/host.rs",
        "use std::collections::HashMap; use tokio::signal;",
    );
    right(
        "src/core/diff.rs",
        "//! No HashMap, no std::fs, no crate::text.\n/// async\nfn f() {} /* tokio */",
    );
    right(
        "src/core/diff.rs",
        "const A: &str = \"std::fs println! crate::cli\"; const B: &str = r#\"async \"#;",
    );
    right(
        "src/core/diff.rs",
        "fn f(println: u8, awaiting: u8) -> std::net::IpAddr { println }",
    );
    right(
        "src/core/diff.rs",
        "struct S<'async_>(&'async_ str); const C: char = '\"'; // HashMap\n",
    );
}

#[test]
fn every_break_in_a_file_is_named() {
    let text = "use crate::cli::run;\nuse std::fs;\n\nuse super::super::text;\n";
    let expect = [
        (1, "cli", ROOMS_RULE),
        (2, "std::fs", WORLD_RULE),
        (4, "super::super", CLIMB_RULE),
    ];
    check("src/core/diff.rs", text, &expect);
}

#[test]
fn what_is_beyond_the_budgets_is_found_and_tests_are_apart() {
    let check = |path: &str, text: &str, expect: &[&str]| {
        assert_eq!(sizes::check(path, text), expect, "{path}");
    };
    let long = |name: &str, lines: usize| {
        format!("fn {name}() {{\n{}}}\n", "    x();\n".repeat(lines - 2))
    };
    let many = "fn f();\n".repeat(400);
    check(
        "src/a.rs",
        "use x;\n",
        &["src/a.rs:1: does not open with a //! comment that says what the file does"],
    );
    check("src/a.rs", &format!("//! A.\n{}", long("fits", 70)), &[]);
    check(
        "src/a.rs",
        &format!("//! A.\n\n{}", long("f", 71)),
        &["src/a.rs:3: fn f has 71 lines, more than 70"],
    );
    check(
        "src/a.rs",
        &format!("//! A.\n{many}"),
        &["src/a.rs:1: 401 lines beside its tests, more than 400"],
    );
    check(
        "src/a.rs",
        &format!(
            "//! A.\n#[cfg(test)]\nmod tests {{\n{many}{}}}\n",
            long("f", 90)
        ),
        &[],
    );
    check("src/a/tests.rs", &format!("//! A.\n{many}"), &[]);
    check("tests/a.rs", &format!("//! A.\n{}", long("f", 90)), &[]);
    let inner = format!("//! A.\nimpl A {{\n{}}}\n", long("f", 80));
    check(
        "src/a.rs",
        &inner,
        &["src/a.rs:3: fn f has 80 lines, more than 70"],
    );
}
