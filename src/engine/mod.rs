//! Drives: looks and plans, then takes the machine's turns until it is done.
//!
//! **Invariant:** only the engine sleeps, and only through the clock it is given.

mod desk;
mod drive;
mod errand;
mod eyes;
mod followed;
mod inspect;
mod keeper;
mod patience;
mod propose;
mod publish;
mod register;
mod rollback;
mod rollout;
mod spectate;
mod survey;
mod turn_back;
mod unkept;

pub use drive::{Driven, Means, drive};
pub use errand::{Patience, Ran as ErrandRan, run_errand};
pub use eyes::{Eyes, Nobody};
pub use inspect::inspect;
pub use keeper::{Keeper, TakenOver, Troubled};
pub use propose::{admit, propose, propose_over};
pub use publish::{Outbox, Press, alongside, press};
pub use register::{Registered, register};
pub use rollback::{To, roll_back};
pub use rollout::{Ran, Unawaited, left_by_others, roll_out};
pub use spectate::{service_of, spectate};
pub use survey::{
    Pinning, Request, SurveyError, Surveyed, Wanted, compare, document_of, look, pin,
};
pub use unkept::Unkept;
