//! Records in tags of the ECS service itself, for identities that may not write parameters: `ecsdeploy:journal:01` and
//! so on, each with a piece of the compressed record, and `ecsdeploy:wish`.
//!
//! Tags cannot lock: two rollouts that begin within the same second both find nothing. They keep what a killed run left.
//! Limits (ECS developer guide, "tagging"): 50 tags with the user's own, keys to 128 characters, values to 256 of
//! letters, digits, spaces and `+ - = . _ : / @`, which base64 keeps to.
//!
//! Rights: `ecs:DescribeServices`, `ecs:TagResource`, `ecs:UntagResource` on the service.

use aws_sdk_ecs::types::{ServiceField, Tag};
use aws_types::SdkConfig;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::decode;
use crate::adapters::aws::faults::fault;
use crate::core::journal::{Fence, Record, RolloutId};
use crate::core::rollout::{Fault, FaultKind, Wish};
use crate::ports::{Claim, Journal, JournalError};
use crate::text::record;

const RECORD: &str = "ecsdeploy:journal:";
const WISH: &str = "ecsdeploy:wish";

const VALUE: usize = 256;

/// Tags of one resource, those of AWS itself (`aws:`) not counted.
const TAGS: usize = 50;

/// A record never takes more, however few tags there are else.
const PIECES: usize = 40;

/// The tags of one account's and region's services.
#[derive(Clone, Debug)]
pub struct ServiceTags(aws_sdk_ecs::Client);

/// A service's ARN, those of its tags that are ours, and how many pieces of a record the others leave room for.
struct Tagged {
    arn: String,
    tags: Vec<(String, String)>,
    room: usize,
}

impl ServiceTags {
    pub fn new(config: &SdkConfig) -> Self {
        Self(aws_sdk_ecs::Client::new(config))
    }

    async fn read(&self, id: &RolloutId) -> Result<Option<Tagged>, Fault> {
        let asked = self
            .0
            .describe_services()
            .cluster(id.cluster.as_str())
            .services(id.service.as_str())
            .include(ServiceField::Tags)
            .send();
        let answer = Box::pin(asked)
            .await
            .map_err(|error| fault("DescribeServices", &error))?;
        Ok(answer.services().first().map(|service| Tagged {
            arn: service.service_arn().unwrap_or_default().to_owned(),
            tags: service.tags().iter().filter_map(ours).collect(),
            room: room(service.tags()),
        }))
    }

    async fn put(&self, arn: &str, tags: Vec<(String, String)>) -> Result<(), Fault> {
        let tags = tags
            .into_iter()
            .map(|(key, value)| Tag::builder().key(key).value(value).build())
            .collect();
        let put = self.0.tag_resource().resource_arn(arn);
        let put = put.set_tags(Some(tags)).send();
        let done = Box::pin(put).await;
        done.map_err(|error| fault("TagResource", &error))?;
        Ok(())
    }

    async fn write(&self, tagged: &Tagged, record: &Record) -> Result<(), JournalError> {
        Ok(self.put(&tagged.arn, pieces(record, tagged.room)?).await?)
    }
}

impl Journal for ServiceTags {
    async fn load(&self, id: &RolloutId) -> Result<Option<Record>, JournalError> {
        match self.read(id).await? {
            Some(tagged) => tagged.record(),
            None => Ok(None),
        }
    }

    async fn claim(
        &self,
        id: &RolloutId,
        record: &Record,
        over: Option<Fence>,
    ) -> Result<Claim, JournalError> {
        let tagged = self.read(id).await?.ok_or_else(|| gone(id))?;
        match tagged.record()? {
            Some(there) if Some(there.fence) != over => Ok(Claim::Held(Box::new(there))),
            _ => {
                self.write(&tagged, record).await?;
                let why = "tags of the service keep the record, and tags cannot lock".to_owned();
                Ok(Claim::Unlocked { why })
            }
        }
    }

    async fn save(&self, id: &RolloutId, record: &Record) -> Result<(), JournalError> {
        let tagged = self.read(id).await?.ok_or_else(|| gone(id))?;
        match tagged.record()? {
            Some(there) if !record.may_replace(&there) => Err(JournalError::TakenOver(there.owner)),
            _ => self.write(&tagged, record).await,
        }
    }

    async fn release(&self, id: &RolloutId, fence: Fence) -> Result<(), JournalError> {
        let Some(tagged) = self.read(id).await? else {
            return Ok(());
        };
        let is_ours = tagged.record()?.is_some_and(|there| there.fence == fence);
        if !is_ours {
            return Ok(());
        }
        let keys = tagged.tags.into_iter().map(|(key, _)| key).collect();
        let removed = self.0.untag_resource().resource_arn(tagged.arn);
        let removed = removed.set_tag_keys(Some(keys)).send();
        let done = Box::pin(removed).await;
        done.map_err(|error| fault("UntagResource", &error))?;
        Ok(())
    }

    async fn wish(&self, id: &RolloutId, fence: Fence, wish: &Wish) -> Result<(), JournalError> {
        let tagged = self.read(id).await?.ok_or_else(|| gone(id))?;
        let since = tagged.record()?.map_or(fence, |there| there.told_since());
        if let Some(by) = wish.comes_after_an_abort(tagged.wish(since).as_ref()) {
            return Err(JournalError::Aborted { by: by.to_owned() });
        }
        let letter = STANDARD.encode(record::write_wish(fence, wish));
        if letter.len() > VALUE {
            return Err(too_large("a tag", letter.len(), VALUE));
        }
        Ok(self
            .put(&tagged.arn, vec![(WISH.to_owned(), letter)])
            .await?)
    }

    async fn hear(&self, id: &RolloutId, since: Fence) -> Result<Option<Wish>, JournalError> {
        let tagged = self.read(id).await?;
        Ok(tagged.and_then(|tagged| tagged.wish(since)))
    }
}

impl Tagged {
    fn wish(&self, fence: Fence) -> Option<Wish> {
        let (_, letter) = self.tags.iter().find(|(key, _)| key == WISH)?;
        let text = String::from_utf8(STANDARD.decode(letter).ok()?).ok()?;
        record::read_wish(&text, fence)
    }

    /// The first piece begins with how many there are: pieces of a longer record before it may lie beyond.
    fn record(&self) -> Result<Option<Record>, JournalError> {
        let mut found: Vec<&(String, String)> = self
            .tags
            .iter()
            .filter(|(key, _)| key.starts_with(RECORD))
            .collect();
        found.sort();
        let Some((_, first)) = found.first() else {
            return Ok(None);
        };
        let place = format!("the tags of {}", self.arn);
        let (count, rest) = first.split_once('/').unwrap_or_default();
        let count: usize = count.parse().unwrap_or_default();
        if count == 0 || count > found.len() {
            let reason = "a piece of it is missing".to_owned();
            return Err(JournalError::Unreadable { place, reason });
        }
        let others = found[1..count].iter().map(|(_, piece)| piece.as_str());
        let text: String = std::iter::once(rest).chain(others).collect();
        decode(&text, place).map(Some)
    }
}

fn ours(tag: &Tag) -> Option<(String, String)> {
    let (key, value) = (tag.key()?, tag.value().unwrap_or_default());
    let is_ours = key.starts_with(RECORD) || key == WISH;
    is_ours.then(|| (key.to_owned(), value.to_owned()))
}

/// One is left for a wish.
fn room(tags: &[Tag]) -> usize {
    let is_others = |tag: &&Tag| {
        let is_of_aws = tag.key().is_some_and(|key| key.starts_with("aws:"));
        ours(tag).is_none() && !is_of_aws
    };
    let others = tags.iter().filter(is_others).count();
    (TAGS - 1).saturating_sub(others).min(PIECES)
}

fn pieces(record: &Record, room: usize) -> Result<Vec<(String, String)>, JournalError> {
    let text = record::encode_compressed(record);
    // `NN/` in front of the first.
    let count = (text.len() + 3).div_ceil(VALUE);
    if count > room {
        let limit = (room * VALUE).saturating_sub(3);
        return Err(too_large(
            "what is free of the service's tags",
            text.len(),
            limit,
        ));
    }
    let numbered = format!("{count:02}/{text}");
    let pieces = numbered.as_bytes().chunks(VALUE).enumerate();
    Ok(pieces
        .map(|(n, piece)| {
            let piece = String::from_utf8_lossy(piece).into_owned();
            (format!("{RECORD}{n:02}"), piece)
        })
        .collect())
}

fn too_large(place: &'static str, bytes: usize, limit: usize) -> JournalError {
    JournalError::TooLarge {
        place,
        bytes,
        limit,
    }
}

fn gone(id: &RolloutId) -> Fault {
    Fault {
        operation: "DescribeServices".to_owned(),
        kind: FaultKind::Refused,
        code: String::new(),
        message: format!("there is no service {id} to tag"),
    }
}
