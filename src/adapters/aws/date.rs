//! What AWS's own clock says: the `Date` of ECS's newest answer (RFC 9110, 6.6.1). By it the times in AWS's documents have
//! an age, whatever the clock of this machine says.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::DateTime;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::Format;
use jiff::Timestamp;

/// Reads the header off each answer.
#[derive(Clone, Debug, Default)]
pub struct Dates(Arc<Mutex<Option<Timestamp>>>);

impl Dates {
    /// `None` before the first answer, and where none says.
    pub fn newest(&self) -> Option<Timestamp> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[dyn_dispatch_hint]
impl Intercept for Dates {
    fn name(&self) -> &'static str {
        "Dates"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(date) = context.response().headers().get("date").and_then(read) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(date);
        }
        Ok(())
    }
}

fn read(header: &str) -> Option<Timestamp> {
    let date = DateTime::from_str(header, Format::HttpDate).ok()?;
    Timestamp::from_second(date.secs()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_that_cannot_be_read_is_none() {
        let read = |header| read(header).map(|date| date.to_string());
        assert_eq!(
            read("Thu, 15 Jan 2026 09:00:00 GMT").as_deref(),
            Some("2026-01-15T09:00:00Z")
        );
        assert_eq!(read("yesterday"), None);
    }
}
