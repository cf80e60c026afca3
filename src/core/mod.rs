//! Decides: no I/O, no clock, no async, no hash order.
pub mod comparison;
pub mod diff;
pub mod gate;
pub mod handover;
pub mod id;
pub mod journal;
pub mod live;
pub mod plan;
pub mod preflight;
pub mod proposal;
pub mod redact;
pub mod report;
pub mod rollout;
pub mod service;
pub mod steps;
pub mod strategy;
pub mod taskdef;
