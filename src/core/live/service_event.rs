//! What ECS says of a service in its own words, and when.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Service, list, text, time};

/// One element of `Service.events`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceEvent {
    pub id: String,
    pub at: Timestamp,
    pub message: String,
}

impl Service {
    /// The latest events, oldest first (ECS lists up to 100, newest first).
    pub fn events(&self) -> Vec<ServiceEvent> {
        let mut events: Vec<ServiceEvent> = list(self.as_value(), "events")
            .iter()
            .filter_map(|event| {
                Some(ServiceEvent {
                    id: text(event, "id").to_owned(),
                    at: time(event, "createdAt")?,
                    message: text(event, "message").to_owned(),
                })
            })
            .collect();
        events.reverse();
        events
    }

    /// The id of the newest event that is older than this, or of the newest there is.
    pub fn last_event_before(&self, began: Option<Timestamp>) -> Option<String> {
        let events = self.events().into_iter().rev();
        let mut older = events.skip_while(|event| began.is_some_and(|began| event.at >= began));
        older.next().map(|event| event.id)
    }
}
