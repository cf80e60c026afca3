//! Words <-> values, pure.
