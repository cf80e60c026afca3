//! Drives: looks and plans, then takes the machine's turns until it is done.
//!
//! **Invariant:** only the engine sleeps, and only through the clock it is given.

mod drive;
mod inspect;
mod register;
mod survey;

pub use drive::{Driven, drive};
pub use inspect::inspect;
pub use register::{Registered, register};
pub use survey::{Pinning, Request, SurveyError, Wanted, compare, look, pin};
