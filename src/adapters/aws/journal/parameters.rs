//! Records in SSM Parameter Store: `/ecsdeploy/CLUSTER/SERVICE`, and wishes in `…/wish` beside them.
//!
//! PutParameter without Overwrite is an atomic create, which makes the parameter a lock. Nothing is written or deleted
//! conditionally: an expired record is overwritten by each of several takers and is the last one's, and the others learn
//! that when they read it again, here or before their next change. Only where two of them write so slowly that each reads
//! its own record between the other's read and write do both go on until the next.
//! **Invariant:** a value never needs the Advanced tier, which costs money.
//!
//! Rights: `ssm:GetParameters`, `ssm:PutParameter`, `ssm:DeleteParameters` on `parameter/ecsdeploy/*`.

use aws_types::SdkConfig;
use serde_json::{Value, json};

use super::decode;
use crate::adapters::aws::{Api, JsonService, Repeat};
use crate::core::journal::{Fence, Record, RolloutId};
use crate::core::rollout::{Fault, FaultKind, Wish};
use crate::ports::{Claim, Journal, JournalError};
use crate::text::record;

const SSM: Api = Api {
    id: "SSM",
    host: "ssm",
    target: "AmazonSSM",
    content_type: "application/x-amz-json-1.1",
};

/// Bytes of a value in the Standard tier (SSM user guide, "parameter tiers").
const LIMIT: usize = 4096;

const EXISTS: &str = "ParameterAlreadyExists";

/// The parameters of one account and region.
#[derive(Clone, Debug)]
pub struct Parameters(JsonService);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Put {
    /// Only where there is none.
    Create,
    Overwrite,
}

impl Parameters {
    pub fn new(config: &SdkConfig) -> Self {
        Self(JsonService::new(config, SSM))
    }

    async fn get(&self, name: &str) -> Result<Option<String>, Fault> {
        let input = json!({ "Names": [name] });
        let answer = self.0.call("GetParameters", input, Repeat::Freely).await?;
        let value = answer.pointer("/Parameters/0/Value");
        Ok(value.and_then(Value::as_str).map(str::to_owned))
    }

    async fn put(&self, name: &str, value: &str, put: Put) -> Result<(), Fault> {
        let input = json!({
            "Name": name,
            "Value": value,
            "Type": "String",
            "Tier": "Standard",
            "Overwrite": put == Put::Overwrite,
        });
        self.0.call("PutParameter", input, Repeat::Freely).await?;
        Ok(())
    }

    async fn create(&self, id: &RolloutId, record: &Record) -> Result<Claim, JournalError> {
        let put = self.put(&name(id), &encode(record)?, Put::Create).await;
        match put {
            Ok(()) => Ok(Claim::Locked),
            Err(fault) if fault.code == EXISTS || fault.is_unanswered() => {
                self.claimed(id, record, None, Err(fault)).await
            }
            Err(fault) => Err(fault.into()),
        }
    }

    /// Takes the place of a record at one blow: whoever dies over it leaves one of the two, and what was wished of the work
    /// stays.
    async fn replace(
        &self,
        id: &RolloutId,
        record: &Record,
        over: Fence,
    ) -> Result<Claim, JournalError> {
        let put = self.put(&name(id), &encode(record)?, Put::Overwrite).await;
        match put {
            Err(fault) if !fault.is_unanswered() => Err(fault.into()),
            put => self.claimed(id, record, Some(over), put).await,
        }
    }

    /// Whose record it is after a write, which may have been made though its answer was lost.
    async fn claimed(
        &self,
        id: &RolloutId,
        record: &Record,
        over: Option<Fence>,
        put: Result<(), Fault>,
    ) -> Result<Claim, JournalError> {
        match (self.load(id).await?, put) {
            (Some(there), _) if record.is_same_claim(&there) => Ok(Claim::Locked),
            // Nobody else was first: it is the one that was to be replaced, and was not.
            (Some(there), Err(fault)) if Some(there.fence) == over => Err(fault.into()),
            (Some(there), _) => Ok(Claim::Held(Box::new(there))),
            (None, Ok(())) => Ok(Claim::Locked),
            (None, Err(fault)) => Err(fault.into()),
        }
    }

    async fn delete(&self, names: &[String]) -> Result<(), Fault> {
        let input = json!({ "Names": names });
        self.0
            .call("DeleteParameters", input, Repeat::Freely)
            .await?;
        Ok(())
    }
}

impl Journal for Parameters {
    async fn load(&self, id: &RolloutId) -> Result<Option<Record>, JournalError> {
        let name = name(id);
        let text = self.get(&name).await?;
        text.map(|text| decode(&text, format!("the parameter {name}")))
            .transpose()
    }

    async fn claim(
        &self,
        id: &RolloutId,
        record: &Record,
        over: Option<Fence>,
    ) -> Result<Claim, JournalError> {
        let Some(over) = over else {
            return self.create(id, record).await;
        };
        match self.load(id).await? {
            Some(there) if there.fence == over => self.replace(id, record, over).await,
            Some(there) => Ok(Claim::Held(Box::new(there))),
            None => self.create(id, record).await,
        }
    }

    async fn save(&self, id: &RolloutId, record: &Record) -> Result<(), JournalError> {
        let text = encode(record)?;
        match self.load(id).await? {
            Some(there) if record.may_replace(&there) => {
                Ok(self.put(&name(id), &text, Put::Overwrite).await?)
            }
            Some(there) => Err(JournalError::TakenOver(there.owner)),
            None => match self.create(id, record).await? {
                Claim::Held(there) => Err(JournalError::TakenOver(there.owner)),
                Claim::Locked | Claim::Unlocked { .. } => Ok(()),
            },
        }
    }

    async fn release(&self, id: &RolloutId, fence: Fence) -> Result<(), JournalError> {
        let Some(there) = self.load(id).await?.filter(|there| there.fence == fence) else {
            return Ok(());
        };
        match self.delete(&[name(id), wish_name(id)]).await {
            // Without the right to delete, a lock that nobody holds and that leaves nothing to do is as good.
            Err(fault) if fault.kind == FaultKind::Denied => {
                let free = Record {
                    expires: there.since,
                    work: None,
                    ..there
                };
                Ok(self.put(&name(id), &encode(&free)?, Put::Overwrite).await?)
            }
            deleted => Ok(deleted?),
        }
    }

    async fn wish(&self, id: &RolloutId, fence: Fence, wish: &Wish) -> Result<(), JournalError> {
        let (name, letter) = (wish_name(id), record::write_wish(fence, wish));
        if let Wish::Promote { .. } = wish {
            // Created, so that it cannot take the place of an abort that is left at the same time.
            match self.put(&name, &letter, Put::Create).await {
                Err(fault) if fault.code == EXISTS => {}
                put => return Ok(put?),
            }
            let there = self.load(id).await?;
            let since = there.map_or(fence, |there| there.told_since());
            let standing = self.hear(id, since).await?;
            if let Some(by) = wish.comes_after_an_abort(standing.as_ref()) {
                return Err(JournalError::Aborted { by: by.to_owned() });
            }
        }
        Ok(self.put(&name, &letter, Put::Overwrite).await?)
    }

    async fn hear(&self, id: &RolloutId, since: Fence) -> Result<Option<Wish>, JournalError> {
        let letter = self.get(&wish_name(id)).await?;
        Ok(letter.and_then(|text| record::read_wish(&text, since)))
    }
}

/// Names and ARNs of one cluster and service come to one parameter.
fn name(id: &RolloutId) -> String {
    format!("/ecsdeploy/{}/{}", id.cluster.short(), id.service.short())
}

fn wish_name(id: &RolloutId) -> String {
    format!("{}/wish", name(id))
}

fn encode(record: &Record) -> Result<String, JournalError> {
    let text = record::encode(record, LIMIT);
    if text.len() > LIMIT {
        return Err(JournalError::TooLarge {
            place: "an SSM parameter of the Standard tier",
            bytes: text.len(),
            limit: LIMIT,
        });
    }
    Ok(text)
}
