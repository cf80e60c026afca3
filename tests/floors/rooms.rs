//! The rules of the rooms: who may name whom, and which words the pure rooms never say.
//!
//! [`check`] is a function of one file's path and text, so that a planted violation is tested as the tree is.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::source::{self, Tail};

pub const ROOMS_RULE: &str = "a room names only rooms on lower floors \
     (0 core; 1 text, ports; 2 engine and each adapter; 3 cli); sandbox names no room, and only cli names sandbox";
pub const CLIMB_RULE: &str =
    "a path goes up by one super at most and never out of its room: write crate::…";
pub const WORLD_RULE: &str = "core, text and sandbox are pure: no files, environment, network, processes, threads, \
     clock, async, hash order or printing";

const PURE_ROOMS: [&str; 3] = ["core", "text", "sandbox"];
const WORLDLY_STD: [&str; 5] = ["env", "fs", "net", "process", "thread"];
const WORLDLY_WORDS: [&str; 6] = [
    "tokio",
    "async",
    "await",
    "SystemTime",
    "HashMap",
    "HashSet",
];
const WORLDLY_MACROS: [&str; 5] = ["print", "println", "eprint", "eprintln", "dbg"];
/// Members of `std::net` that are values and open nothing.
const ADDRESSES: [&str; 3] = ["IpAddr", "Ipv4Addr", "Ipv6Addr"];

/// Every break of the rooms' rules in the file `path` (from the project's root) with this text, as a sentence with its
/// place and the rule.
pub fn check(path: &str, text: &str) -> Vec<String> {
    let room = room_of(path);
    let mut walk = Walk {
        path,
        room: &room,
        is_door: is_door(path, &room),
        found: Vec::new(),
    };
    if floor(&room).is_none() && room != "sandbox" && room != "the map" {
        walk.report(1, &room, "is in no room that is on the map", ROOMS_RULE);
    }
    match text.parse::<TokenStream>() {
        Ok(stream) => walk.tokens(&source::tokens(stream), Depth::File),
        Err(error) => walk.report(
            error.span().start().line,
            "syntax",
            "is not Rust",
            "a source file can be read",
        ),
    }
    walk.found
}

/// `src/core/diff.rs` is in `core`, `src/adapters/aws/wire.rs` in `adapters::aws`, `src/ports.rs` in `ports`.
fn room_of(path: &str) -> String {
    let inner = path.strip_prefix("src/").unwrap_or(path);
    let mut parts = inner.split('/').map(|part| part.trim_end_matches(".rs"));
    match (parts.next(), parts.next()) {
        (Some("main" | "lib"), None) => "the map".to_owned(),
        (Some("adapters"), Some(adapter)) if adapter != "mod" => format!("adapters::{adapter}"),
        (room, _) => room.unwrap_or_default().to_owned(),
    }
}

/// The file that is the room's own module: its parent is outside the room.
fn is_door(path: &str, room: &str) -> bool {
    let inside = format!("src/{}", room.replace("::", "/"));
    path == format!("{inside}.rs") || path == format!("{inside}/mod.rs")
}

fn floor(room: &str) -> Option<u8> {
    match room {
        "core" => Some(0),
        "text" | "ports" => Some(1),
        "engine" | "adapters" => Some(2),
        "cli" => Some(3),
        _ => room.starts_with("adapters::").then_some(2),
    }
}

fn may_name(from: &str, to: &str) -> bool {
    match (from, to) {
        _ if from == to => true,
        ("the map", _) => to == "cli",
        (_, "sandbox") => from == "cli",
        _ => floor(to) < floor(from) && floor(to).is_some(),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    File,
    InlineModule,
}

struct Walk<'a> {
    path: &'a str,
    room: &'a str,
    is_door: bool,
    found: Vec<String>,
}

impl Walk<'_> {
    fn report(&mut self, line: usize, what: &str, says: &str, rule: &str) {
        let Self { path, room, .. } = self;
        let message = format!("{path}:{line}: room `{room}` {says} `{what}`\n    rule: {rule}");
        self.found.push(message);
    }

    fn tokens(&mut self, tokens: &[TokenTree], depth: Depth) {
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Ident(ident) => self.word(&ident.to_string(), &tokens[at..], depth),
                TokenTree::Group(group) => {
                    let before = at
                        .checked_sub(2)
                        .and_then(|at| source::word(tokens.get(at)));
                    let is_module =
                        group.delimiter() == Delimiter::Brace && before.as_deref() == Some("mod");
                    let depth = if is_module {
                        Depth::InlineModule
                    } else {
                        depth
                    };
                    self.tokens(&source::tokens(group.stream()), depth);
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }

    /// `from` starts with the word itself.
    fn word(&mut self, word: &str, from: &[TokenTree], depth: Depth) {
        let (at, after) = (source::line(&from[0]), &from[1..]);
        match word {
            "crate" if source::word(after.first()).as_deref() == Some("as") => {
                self.report(at, "crate as", "renames the crate:", ROOMS_RULE);
            }
            "crate" | "ecsdeploy" => source::tails(after)
                .iter()
                .for_each(|tail| self.named(tail)),
            "super" => self.climbed(at, &source::tails(after), depth),
            _ if PURE_ROOMS.contains(&self.room) => self.worldly(word, at, after),
            _ => {}
        }
    }

    fn named(&mut self, tail: &Tail) {
        let room = match tail.segments.as_slice() {
            [adapters, adapter, ..] if adapters == "adapters" && adapter != "self" => {
                format!("adapters::{adapter}")
            }
            _ => tail.first().to_owned(),
        };
        if !may_name(self.room, &room) {
            self.report(tail.line, &room, "names room", ROOMS_RULE);
        }
    }

    fn climbed(&mut self, at: usize, tails: &[Tail], depth: Depth) {
        if tails.iter().any(|tail| tail.first() == "super") {
            self.report(at, "super::super", "says", CLIMB_RULE);
        } else if self.is_door && depth == Depth::File && !tails.is_empty() {
            self.report(at, "super", "leaves itself by", CLIMB_RULE);
        }
    }

    fn worldly(&mut self, word: &str, at: usize, after: &[TokenTree]) {
        let is_macro = WORLDLY_MACROS.contains(&word) && source::is_punct(after.first(), '!');
        if is_macro || WORLDLY_WORDS.contains(&word) {
            return self.report(at, word, "says", WORLD_RULE);
        }
        for tail in source::tails(after) {
            if let Some(found) = worldly_path(word, &tail) {
                self.report(tail.line, &found, "says", WORLD_RULE);
            }
        }
    }
}

fn worldly_path(root: &str, tail: &Tail) -> Option<String> {
    let second = tail.segments.get(1).map(String::as_str);
    let is_address =
        tail.first() == "net" && second.is_some_and(|member| ADDRESSES.contains(&member));
    let is_worldly = match root {
        "std" => WORLDLY_STD.contains(&tail.first()) && !is_address,
        "Instant" => tail.first() == "now",
        _ => false,
    };
    is_worldly.then(|| format!("{root}::{}", tail.first()))
}
