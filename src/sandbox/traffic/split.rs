//! Whole requests shared by weight.
//!
//! Each second's share is rounded, and what is rounded away is remembered, so that over time each gets its exact part:
//! 1 request a second at 90 to 10 is nine for the one, then one for the other. (Smooth weighted round robin, in bulk.)

use std::collections::BTreeMap;

/// What one request is worth, so that parts of one are whole numbers.
const REQUEST: i64 = 1 << 20;

/// Who is owed how much of a request.
#[derive(Clone, Debug)]
pub struct Split<K>(BTreeMap<K, i64>);

impl<K> Default for Split<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord + Clone> Split<K> {
    /// Shares `count` requests; the answer is in the order of `weights`. Weight 0 gets none; if all are 0, nobody does.
    pub fn share(&mut self, count: u64, weights: &[(&K, u64)]) -> Vec<u64> {
        let total: u64 = weights.iter().map(|(_, weight)| weight).sum();
        if total == 0 || count == 0 {
            return vec![0; weights.len()];
        }
        let mut given: Vec<u64> = weights
            .iter()
            .map(|(_, weight)| count * weight / total)
            .collect();
        let mut owed: Vec<i64> = weights
            .iter()
            .map(|(key, weight)| self.owed(key) + part(count, *weight, total))
            .collect();
        for _ in given.iter().sum::<u64>()..count {
            let open = (0..owed.len()).filter(|at| weights[*at].1 > 0);
            let at = open
                .max_by_key(|at| (owed[*at], std::cmp::Reverse(*at)))
                .expect("some weight is above zero");
            given[at] += 1;
            owed[at] -= REQUEST;
        }
        self.remember(weights, &owed);
        given
    }

    fn owed(&self, key: &K) -> i64 {
        self.0.get(key).copied().unwrap_or(0)
    }

    /// Forgets those who are no longer there.
    fn remember(&mut self, weights: &[(&K, u64)], owed: &[i64]) {
        let open = weights
            .iter()
            .zip(owed)
            .filter(|((_, weight), _)| *weight > 0);
        let mut kept = 0;
        for ((key, _), owed) in open {
            kept += 1;
            match self.0.get_mut(key) {
                Some(there) => *there = *owed,
                None => drop(self.0.insert((*key).clone(), *owed)),
            }
        }
        if self.0.len() > kept {
            let is_open = |key: &K| {
                weights
                    .iter()
                    .any(|(known, weight)| *known == key && *weight > 0)
            };
            self.0.retain(|key, _| is_open(key));
        }
    }
}

/// The part of a request that whole division leaves over.
fn part(count: u64, weight: u64, total: u64) -> i64 {
    ((count * weight % total) * REQUEST.cast_unsigned() / total).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(seconds: u64, count: u64, weights: &[u64]) -> Vec<u64> {
        let keys: Vec<usize> = (0..weights.len()).collect();
        let weights: Vec<(&usize, u64)> = keys.iter().zip(weights.iter().copied()).collect();
        let mut split = Split::default();
        let mut sums = vec![0; keys.len()];
        for _ in 0..seconds {
            let given = split.share(count, &weights);
            assert_eq!(
                given.iter().sum::<u64>(),
                if weights.iter().any(|(_, w)| *w > 0) {
                    count
                } else {
                    0
                }
            );
            sums.iter_mut()
                .zip(given)
                .for_each(|(sum, given)| *sum += given);
        }
        sums
    }

    #[test]
    fn over_time_everyone_gets_the_exact_share() {
        let check = |seconds, count, weights: &[u64], expected: &[u64]| {
            assert_eq!(
                run(seconds, count, weights),
                expected,
                "{count} a second by {weights:?}"
            );
        };
        check(1, 100, &[90, 10], &[90, 10]);
        check(10, 1, &[90, 10], &[9, 1]);
        check(100, 7, &[999, 1], &[699, 1]);
        check(60, 10, &[1, 1, 1], &[200, 200, 200]);
        check(60, 50, &[100, 0], &[3000, 0]);
        check(60, 50, &[0, 0], &[0, 0]);
        check(60, 0, &[1, 1], &[0, 0]);
        check(100, 3, &[950, 50], &[285, 15]);
    }

    #[test]
    fn a_share_follows_a_change_of_weights_at_once() {
        let mut split = Split::default();
        let (blue, green) = ("blue", "green");
        split.share(3, &[(&blue, 50), (&green, 50)]);
        assert_eq!(split.share(10, &[(&blue, 100), (&green, 0)]), [10, 0]);
        assert_eq!(split.share(10, &[(&blue, 0), (&green, 100)]), [0, 10]);
    }
}
