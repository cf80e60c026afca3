//! From HTTP to a call and from its outcome back to HTTP: nothing here knows what an operation does.

mod json;
mod query;
mod route;

pub use route::{Call, Protocol, Service, read, refuse, write};
