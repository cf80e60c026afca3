//! Every command that the documentation shows is run, and what it shows of the output is what comes.
//!
//! In ```sh blocks each line is a command; in ```console blocks those that begin with `$ ` are, and the lines behind them
//! must be said in this order (a line that is `…` stands for any others). A command succeeds unless its comment says
//! `exits with N`; one whose comment says `not run: WHY` is not run, and counted. AWS is the sandbox with the world of
//! `examples/fargate-web`, served for each document anew; the folder is a service's repository (`tests/docs/repository`).
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    reason = "a panic in a test is a failure with its place"
)]

#[path = "action/runner.rs"]
#[expect(dead_code, reason = "only its root is needed here")]
mod runner;
#[path = "action/served.rs"]
#[expect(dead_code, reason = "nobody asks for the service here")]
mod served;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use ecsdeploy::text::config::Config;
use runner::root;
use served::Served;

/// One command of a document, with what is said to come of it.
#[derive(Debug, Default, PartialEq)]
struct Shown {
    line: usize,
    command: String,
    output: Vec<String>,
}

/// Fenced blocks: the word behind the fence, the line it begins at, its lines.
fn blocks(text: &str) -> Vec<(String, usize, Vec<&str>)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, usize, Vec<&str>)> = None;
    for (index, line) in text.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(kind)) => open = Some((kind.trim().to_owned(), index + 2, Vec::new())),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some((_, _, lines)), None) => lines.push(line),
            (None, None) => {}
        }
    }
    assert_eq!(open, None, "a block is not closed");
    blocks
}

fn commands(text: &str) -> Vec<Shown> {
    let mut all = Vec::new();
    for (kind, first, lines) in blocks(text) {
        if !matches!(kind.as_str(), "sh" | "console") {
            continue;
        }
        let mut continued = false;
        for (line, text) in (first..).zip(lines) {
            let told = if kind == "sh" {
                Some(text)
            } else {
                text.strip_prefix("$ ")
            };
            let Some(told) = told.or(continued.then_some(text)) else {
                let last: &mut Shown = all.last_mut().expect("output follows a command");
                last.output.push(text.trim_end().to_owned());
                continue;
            };
            let goes_on = told.ends_with('\\');
            let words = told.trim_end_matches('\\');
            match all.last_mut().filter(|_| continued) {
                Some(last) => last.command += words,
                None if told.trim().is_empty() => {}
                None => all.push(Shown {
                    line,
                    command: words.to_owned(),
                    output: Vec::new(),
                }),
            }
            continued = goes_on;
        }
    }
    all
}

fn documents() -> Vec<PathBuf> {
    let mut all = vec![root().join("README.md"), root().join("CONTRIBUTING.md")];
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "md") {
                all.push(path);
            }
        }
    }
    all.sort();
    all
}

/// A service's repository, with the program in PATH; `cargo run --release --locked -- …` is the program too.
fn repository() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let work = home.path().join("work");
    let bin = home.path().join("bin");
    fs::create_dir(&work).unwrap();
    fs::create_dir(&bin).unwrap();
    for entry in fs::read_dir(root().join("tests/docs/repository")).unwrap() {
        let file = entry.unwrap().path();
        fs::copy(&file, work.join(file.file_name().unwrap())).unwrap();
    }
    for folder in ["examples", "templates"] {
        symlink(root().join(folder), work.join(folder)).unwrap();
    }
    symlink(cargo_bin!("ecsdeploy"), bin.join("ecsdeploy")).unwrap();
    let cargo = "#!/bin/sh\n[ \"$1 $2 $3 $4\" = 'run --release --locked --' ] || exit 99\nshift 4\nexec ecsdeploy \"$@\"\n";
    fs::write(bin.join("cargo"), cargo).unwrap();
    fs::set_permissions(bin.join("cargo"), fs::Permissions::from_mode(0o755)).unwrap();
    home
}

/// Runs what a document shows; how many commands it ran and left.
fn check(document: &Path) -> (usize, Vec<String>) {
    let name = document.strip_prefix(root()).unwrap().display();
    let shown = commands(&fs::read_to_string(document).unwrap());
    let (left, run): (Vec<Shown>, Vec<Shown>) = shown
        .into_iter()
        .partition(|it| it.command.contains("# not run: "));
    let left = left
        .iter()
        .map(|it| format!("{name}:{}: {}", it.line, it.command));
    let left = left.collect();
    if run.is_empty() {
        return (0, left);
    }
    let served = Served::example("fargate-web", 600);
    let home = repository();
    for Shown {
        line,
        command,
        output,
    } in &run
    {
        let path = format!("{}:/usr/bin:/bin", home.path().join("bin").display());
        let ended = Command::new("bash")
            .args(["-c", &format!("exec 2>&1; {command}")])
            .current_dir(home.path().join("work"))
            .env_clear()
            .env("PATH", path)
            .env("HOME", home.path())
            .envs(served.environment.clone())
            .output()
            .unwrap();
        let said = String::from_utf8(ended.stdout).unwrap();
        let told = format!("{name}:{line}: {command}\n{said}");
        let wanted = command
            .split("# exits with ")
            .nth(1)
            .map_or(0, |code| code.trim().parse().unwrap());
        assert_eq!(ended.status.code(), Some(wanted), "{told}");
        let mut lines = said.lines().map(str::trim_end);
        for shown in output.iter().filter(|it| *it != "…") {
            assert!(
                lines.any(|line| line == shown),
                "not said, or not in this order: {shown}\n{told}"
            );
        }
    }
    (run.len(), left)
}

#[test]
fn every_command_that_is_shown_does_what_is_shown() {
    let (mut ran, mut left) = (0, Vec::new());
    for document in documents() {
        let (run, not) = check(&document);
        ran += run;
        left.extend(not);
    }
    assert!(ran > 10, "only {ran} commands are shown");
    let told = format!(
        "{ran} commands of the documentation run, {} not run\n",
        left.len()
    );
    let told = left
        .iter()
        .fold(told, |told, line| told + "  " + line + "\n");
    // Past the capture of a passing test's output.
    std::io::stderr().write_all(told.as_bytes()).unwrap();
}

#[test]
fn every_configuration_that_is_shown_is_understood() {
    let mut found = 0;
    for document in documents() {
        for (kind, line, lines) in blocks(&fs::read_to_string(&document).unwrap()) {
            if kind == "yaml" && lines.first().is_some_and(|it| *it == "# ecsdeploy.yml") {
                let name = format!("{}:{line}", document.display());
                let config = Config::parse(&name, &lines.join("\n"));
                assert!(config.is_ok(), "{name}: {config:?}");
                found += 1;
            }
        }
    }
    assert!(found > 0);
}

#[test]
fn commands_and_what_they_say_are_told_apart() {
    let text = "x\n```sh\na \\\n  b\n\nc # not run: d\n```\n```console\n$ e \\\n  f\ng\n…\n$ h\n```\n```text\n$ i\n```\n";
    let found = commands(text);
    let found: Vec<(usize, &str, Vec<&str>)> = found
        .iter()
        .map(|it| {
            let output = it.output.iter().map(String::as_str).collect();
            (it.line, it.command.as_str(), output)
        })
        .collect();
    assert_eq!(
        found,
        [
            (3, "a   b", vec![]),
            (6, "c # not run: d", vec![]),
            (9, "e   f", vec!["g", "…"]),
            (13, "h", vec![]),
        ]
    );
}
