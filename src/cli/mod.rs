//! Speaks: one file per command.
