//! Metric math: expressions over the values of other statements.
//!
//! | part | meaning |
//! | --- | --- |
//! | `+ - * / ^`, parentheses, numbers | point by point, where both sides have a value; a division by zero has none |
//! | `< <= > >= == !=`, `AND` `&&`, `OR` `\|\|` | 1 or 0, point by point |
//! | `FILL(m, n)`, `FILL(m, REPEAT)`, `FILL(m, LINEAR)` | a value for every period of the window that has none |
//! | `IF(condition, then, else)` | `else` may be left out: then there is no value |
//! | `SUM AVG MIN MAX` | of one series: a number; of `[m1, m2]` or `METRICS()`: a series, over those that have a value |
//! | `METRICS()`, `METRICS("err")` | every metric of the request, or those whose id holds the text |
//! | `ABS CEIL FLOOR` | point by point |
//! | `RATE(m)`, `DIFF(m)` | change since the value before, per second or as it is |
//! | `PERIOD(m)` | the period in seconds |
//!
//! **Invariant:** every other function is refused by its name.

mod evaluate;
mod functions;
mod parse;
#[cfg(test)]
mod tests;

pub use evaluate::Scope;
pub use parse::Expression;
#[cfg(test)]
use parse::MathError;
