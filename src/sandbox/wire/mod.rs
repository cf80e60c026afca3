//! From HTTP to a call and from its outcome back to HTTP: nothing here knows what an operation does.

mod body;
mod cbor;
mod json;
pub mod mark;
mod query;
mod route;

pub use route::{Call, Protocol, Service, read, refuse, write};
