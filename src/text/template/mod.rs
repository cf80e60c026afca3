//! Handlebars templates of JSON documents in which no value can change the document's structure.
//!
//! Four steps: [`compile`] parses the template, refuses what could put text in unescaped, and rewrites every
//! interpolation into a slot; Handlebars renders it, writing slots as marked JSON; [`splice`] puts each slot's value
//! where it stands, escaped by what the template's own text says of that spot; the strict JSON reader reads the result,
//! and its faults are led back to the template's lines. **Invariant:** whether a spot is inside a string is decided by
//! the template's own text alone.

mod compile;
mod helpers;
mod mark;
mod reads;
mod render;
mod source;
mod splice;
#[cfg(test)]
mod tests;

pub use reads::Reads;
pub use render::render;
