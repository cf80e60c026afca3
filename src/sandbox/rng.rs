//! The only source of chance in the sandbox: a tiny seeded generator.
//!
//! `SplitMix64` (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014; constants as in Vigna's
//! public-domain `splitmix64.c`). It is not for secrets.

use serde::{Deserialize, Serialize};

/// A seeded stream of numbers: the same seed gives the same stream on every machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rng(u64);

impl Rng {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A stream that depends only on the seed and the words, so that one thing's identity never shifts when another
    /// thing is added. The words are mixed in by FNV-1a (64 bit).
    pub fn named(seed: u64, words: &[&str]) -> Self {
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        for word in words {
            for byte in word.bytes().chain([0xff]) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        Self(Rng(seed).next_u64() ^ hash)
    }

    pub const fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0..bound`; 0 if the bound is 0. The bias is below 2^-32 for the small bounds used here.
    pub const fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            0
        } else {
            self.next_u64() % bound
        }
    }

    /// True with this probability (0 never, 1 always).
    pub fn chance(&mut self, probability: f64) -> bool {
        ((self.next_u64() >> 11) as f64) < probability * (1_u64 << 53) as f64
    }

    /// That many characters drawn from the alphabet.
    pub fn text(&mut self, alphabet: &[u8], length: usize) -> String {
        let size = alphabet.len() as u64;
        (0..length)
            .map(|_| char::from(alphabet[self.below(size) as usize]))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_the_published_one() {
        let mut rng = Rng::new(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| rng.next_u64()).collect();
        assert_eq!(
            first,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn names_do_not_run_together() {
        let first = |words: &[&str]| Rng::named(7, words).next_u64();
        assert_ne!(first(&["ab", "c"]), first(&["a", "bc"]));
        assert_eq!(first(&["ab", "c"]), first(&["ab", "c"]));
    }

    #[test]
    fn chance_keeps_its_ends() {
        let mut rng = Rng::new(1);
        assert!((0..1000).all(|_| rng.chance(1.0)));
        assert!((0..1000).all(|_| !rng.chance(0.0)));
    }
}
