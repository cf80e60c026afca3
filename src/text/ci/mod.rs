//! What a job says to the CI system that runs it: workflow commands, log sections, outputs.
//!
//! **Invariant:** a text from outside is never obeyed: it ends no command and begins none.

pub mod github;
pub mod gitlab;
