//! Where records of rollouts are kept in AWS.

mod auto;
mod parameters;
mod tags;

pub use auto::Auto;
pub use parameters::Parameters;
pub use tags::ServiceTags;

use crate::core::journal::Record;
use crate::ports::JournalError;
use crate::text::record;

fn decode(text: &str, place: impl Into<String>) -> Result<Record, JournalError> {
    record::decode(text).map_err(|error| JournalError::Unreadable {
        place: place.into(),
        reason: error.to_string(),
    })
}
