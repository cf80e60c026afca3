//! How often to look. Chosen so that a rollout of ten minutes makes about one call in five seconds, far
//! below ECS's sustained rate of 20 reads a second for an account and region (ECS developer guide, request throttling).

use jiff::{SignedDuration, Timestamp};

/// ECS is eventually consistent: for so long after a change, a read may still show what was before it.
pub const SETTLE: SignedDuration = SignedDuration::from_secs(20);

/// How long ECS gets to begin a rollback of its own before ecsdeploy does it.
pub const ECS_ROLLBACK_STARTS: SignedDuration = SignedDuration::from_secs(60);

/// A second look, when an answer was lost or a read looks older than the change.
pub const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(3);

/// How long, and for how many looks (two of them are a try), it is attempted to scale a canary to 0 before the service
/// goes back. Three tries outlast a throttled call; whatever lasts longer must not keep the bad revision on the service,
/// which has more traffic than its canary.
pub const STAND_DOWN: SignedDuration = SignedDuration::from_secs(10);
pub const STAND_DOWN_LOOKS: u32 = 6;

/// Young deployments change quickly and are looked at often.
pub fn between_looks(entered: Timestamp, now: Timestamp) -> SignedDuration {
    match now.duration_since(entered).as_secs() {
        ..60 => SignedDuration::from_secs(5),
        60..300 => SignedDuration::from_secs(10),
        _ => SignedDuration::from_secs(15),
    }
}
