//! What goes wrong between a client and AWS: rules that spoil calls, and AWS's own request rates.
//!
//! A call first has to find a token in its buckets, if `throttling: aws` is on. Then the rules are asked in order: a
//! slow rule that fires adds its delay and the next one is asked; any other rule that fires decides.
//!
//! **Invariants:** what a rule does depends on the calls it has seen and the seed alone, never on real time; the state
//! is small and can be saved; copies of past worlds are kept only while a rule needs them, and never more than a few.

mod buckets;
mod past;
mod permission;
mod rule;
#[cfg(test)]
mod tests;

pub use buckets::Throttling;
pub use past::Past;
pub use permission::Permission;
pub use rule::{Fault, Faults, Rule, RuleError, Verdict, When};
