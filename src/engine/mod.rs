//! Drives the loop.
