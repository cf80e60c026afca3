//! The map of ecsdeploy: `GitOps` CI/CD for Amazon ECS in one binary.
//!
//! ```text
//! floor 3   cli                      speaks: one file per command, the exit-code table, the composition root
//! floor 2   engine | adapters        drives the loop | touches the world (AWS, GitHub, GitLab, host)
//! floor 1   text | ports             words <-> values, pure | what the tool asks of the world, on one page
//! floor 0   core                     decides: no I/O, no clock, no async, no hash order
//! annex     sandbox                  pretends to be AWS, byte for byte; names no other room
//! ```
//!
//! **Invariants**, each held by a test:
//!
//! * A room names only rooms on lower floors: never up, never across; each adapter is a room of its own.
//!   `sandbox` names nobody, and nobody but `cli` (the composition root) and the tests names it (`tests/floors.rs`).
//! * `core` and `text` never touch the world: no files, no environment, no clock, no async, no hash order.
//! * A task definition is a JSON document with typed views. A field that this program has never heard of is
//!   rendered, compared, registered and read back unchanged.
//! * A turn of the rollout machine decides from what *is*, never from what was ordered, and takes at most one
//!   action, each idempotent. Stopping the program between any two calls and starting it again ends in the same world.
//! * All output leaves by `cli::stdout`, and what GitHub and GitLab are told by `cli::forge`; both hide secrets last.
//!   `render` alone prints the user's own document as it is (`tests/secrets.rs`).
//! * Only `engine` sleeps, through its `Clock`: `drive` between turns, the others between looks at what they wait for,
//!   `publish` before it tries a last word again. Only `adapters::aws` retries.
//! * What is reported, and whether it can be, never changes a rollout or its exit code (`tests/forge`).

pub mod adapters;
pub mod cli;
pub mod core;
pub mod engine;
pub mod ports;
pub mod sandbox;
pub mod text;
