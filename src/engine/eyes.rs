//! All that looks, as one: AWS, probes from here, and what people say.
//!
//! Several who can let a rollout go on are a pair of pairs: the first of them that has a word is heard. `ecsdeploy
//! promote` and `abort` need nobody here: they are wishes, which the journal brings.
//! **Invariant:** each facet goes to the one that can answer it, and is answered.

use futures_util::future::join;

use crate::core::gate::{Ask, Word};
use crate::core::rollout::{Action, Facet, Fault, Observation, Receipt, Watch};
use crate::ports::{Cloud, People, Prober};

/// A cloud with eyes for what is not in it.
#[derive(Debug)]
pub struct Eyes<'a, C, P, W> {
    pub cloud: &'a C,
    pub prober: &'a P,
    pub people: &'a W,
}

impl<C: Cloud, P: Prober, W: People> Cloud for Eyes<'_, C, P, W> {
    async fn observe(&self, watch: &Watch) -> Observation {
        let (here, there): (Watch, Watch) = watch
            .iter()
            .cloned()
            .partition(|facet| matches!(facet, Facet::Http(_) | Facet::Approval(_)));
        let (mut seen, beside) = join(self.cloud.observe(&there), self.look_beside(here)).await;
        seen.replies.extend(beside.replies);
        seen.approvals.extend(beside.approvals);
        seen
    }

    async fn perform(&self, action: &Action) -> Result<Receipt, Fault> {
        self.cloud.perform(action).await
    }
}

impl<C, P: Prober, W: People> Eyes<'_, C, P, W> {
    async fn look_beside(&self, watch: Watch) -> Observation {
        let mut seen = Observation::default();
        for facet in watch {
            match facet {
                Facet::Http(probe) => {
                    let reply = self.prober.probe(&probe).await.map(Some).into();
                    seen.replies.insert(probe, reply);
                }
                Facet::Approval(ask) => {
                    let word = self.people.word(&ask).await.into();
                    seen.approvals.insert(ask, word);
                }
                _ => {}
            }
        }
        seen
    }
}

/// Nobody has anything to say.
#[derive(Clone, Copy, Debug)]
pub struct Nobody;

impl People for Nobody {
    async fn word(&self, _: &Ask) -> Result<Option<Word>, Fault> {
        Ok(None)
    }
}

/// A word of the first wins; what only one of them could not say is no trouble while the other has a word.
impl<A: People, B: People> People for (A, B) {
    async fn word(&self, ask: &Ask) -> Result<Option<Word>, Fault> {
        let first = self.0.word(ask).await;
        if let Ok(Some(word)) = first {
            return Ok(Some(word));
        }
        match self.1.word(ask).await {
            Ok(None) => first,
            second => second,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::gate::{Approval, Says};

    struct One(Result<Option<Word>, Fault>);

    impl People for One {
        async fn word(&self, _: &Ask) -> Result<Option<Word>, Fault> {
            self.0.clone()
        }
    }

    #[tokio::test]
    async fn of_several_people_one_word_suffices() {
        let ask = Ask {
            gate: "approval".to_owned(),
            how: Approval::default(),
            since: jiff::Timestamp::UNIX_EPOCH,
        };
        let says = Says::Yes;
        let by = "anna".to_owned();
        let yes = || {
            One(Ok(Some(Word {
                says,
                by: by.clone(),
            })))
        };
        let silent = || One(Ok(None));
        let mute = || One(Err(Fault::unasked("approval", "no connection")));
        let expected = Some(Word {
            says,
            by: by.clone(),
        });
        assert_eq!((silent(), yes()).word(&ask).await, Ok(expected.clone()));
        assert_eq!((mute(), yes()).word(&ask).await, Ok(expected.clone()));
        assert_eq!(
            (Nobody, (silent(), yes())).word(&ask).await,
            Ok(expected.clone())
        );
        assert_eq!((yes(), mute()).word(&ask).await, Ok(expected));
        assert_eq!((silent(), silent()).word(&ask).await, Ok(None));
        assert!((mute(), silent()).word(&ask).await.is_err());
    }
}
