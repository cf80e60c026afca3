//! The changes that turn one document into another.
