//! Pretends to be AWS, byte for byte; names no other room.
//!
//! One synchronous function from HTTP request to HTTP response ([`Sandbox::answer`]) plus a hand on the clock
//! ([`Sandbox::advance`]). Everything between is plain structs, ordered maps and one seed.
//!
//! **Invariants:** no I/O, no real clock, no async; no type is shared with another room, so that a misunderstanding of
//! AWS is not made twice; a request that is not modelled is refused by name, never guessed.

pub mod apps;
mod autoscaling;
mod census;
pub mod cloudwatch;
pub mod codedeploy;
pub mod ecr;
pub mod ecs;
pub mod elb;
mod error;
pub mod faults;
pub mod ids;
pub mod image;
pub mod input;
mod journal;
pub mod lambdas;
mod logs;
mod looking;
pub mod network;
mod poke;
mod rng;
#[expect(
    clippy::module_inception,
    reason = "the room's main type has the room's name"
)]
mod sandbox;
pub mod seed;
mod ssm;
mod sts;
mod tally;
#[cfg(test)]
mod tests;
mod time;
pub mod traffic;
pub mod wire;
mod world;

pub use error::ApiError;
pub use journal::{MOST_BYTES, StateError};
pub use poke::{Poke, PokeError, Whom};
pub use rng::Rng;
pub use sandbox::{Exchange, Outcome, Sandbox};
pub use seed::WorldError;
pub use tally::Tally;
pub use time::{Duration, Time};
pub use world::World;
