//! Touches the world: one room per neighbour, none of which names another.
pub mod aws;
pub mod fence;
pub mod github;
pub mod gitlab;
pub mod host;
pub mod http;
pub mod loopback;
pub mod record_file;
