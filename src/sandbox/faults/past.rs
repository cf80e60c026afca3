//! The last few states of the world, for reads that lag behind.

use std::collections::VecDeque;

use crate::sandbox::{Duration, Time, World};

/// States that are kept at most, beside the newest: they lie evenly over the time that the oldest read reaches back.
const KEPT: u64 = 15;

/// Past worlds, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Past(VecDeque<World>);

impl Past {
    /// Keeps the present, if a read may ask for it within `age`; without an age everything is forgotten.
    pub fn remember(&mut self, world: &World, age: Option<Duration>) {
        let Some(age) = age else {
            self.0.clear();
            return;
        };
        let apart = Duration::from_millis((age.millis() / KEPT).max(1000));
        if self
            .0
            .back()
            .is_none_or(|last| last.now + apart <= world.now)
        {
            self.0.push_back(world.clone());
        }
        // The front must stay old enough for the oldest read.
        while self
            .0
            .get(1)
            .is_some_and(|second| second.now + age <= world.now)
        {
            self.0.pop_front();
        }
    }

    /// The world as it was at `when`: the newest state that is not younger, or the oldest one known.
    pub fn at(&mut self, when: Time) -> Option<&mut World> {
        let younger = self.0.iter().take_while(|world| world.now <= when).count();
        self.0.get_mut(younger.saturating_sub(1))
    }

    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.0.len()
    }
}
