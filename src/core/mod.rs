//! Decides: no I/O, no clock, no async, no hash order.
pub mod diff;
pub mod taskdef;
