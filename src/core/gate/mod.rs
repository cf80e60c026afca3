//! Samples in, verdict out.
//!
//! **Invariant:** no data is never a pass, and a failure to measure is not a failed measurement.

mod compare;
mod serving;
mod tasks;

pub use compare::{Compared, Comparison, Counts, Evidence, Finding, Lack, RATIOS};
pub use serving::{Serving, serving};
pub use tasks::{TaskFailure, failures, first_permanent};
