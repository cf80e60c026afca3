//! Are the new revision's errors more than the old one's? An answer that may be asked for every minute.
//!
//! In a period the new side answers `n` of the requests and the old side `m`, with `e` and `f` errors. Say both fail
//! requests at one rate, whatever it is just then: given `e + f` errors in all, each fell on the new side with
//! probability `p = n / (n + m)`. If the new side fails `r` times as often, that is `q = p r / (p r + 1 - p)`. The
//! likelihood ratio of the period is
//!
//! ```text
//! L_r = (q / p)^e ((1 - q) / (1 - p))^f = r^e / (p r + 1 - p)^(e + f)
//! ```
//!
//! and the evidence is the product of the periods' ratios, averaged over `r` in {1.5, 2, 3, 5, 10, 20}. While the
//! rates are equal the evidence is a non-negative martingale that starts at 1, so by Ville's inequality it ever
//! reaches `1 / alpha` with probability `alpha` at most, **however often it is looked at**. What both sides share, an
//! incident of a database or a change of the weights, cancels out of `p` and `q` period by period.
//!
//! * Lindon and Malek, *Anytime-Valid Inference for Multinomial Count Data*, NeurIPS 2022, arXiv:2011.03567: the test
//!   for counts whose rates vary in time.
//! * Hoeffding, *Probability inequalities for sums of bounded random variables*, 1963, theorem 4: with a finite number
//!   of requests the errors of one side are hypergeometric, and for the convex `r^e` the binomial is the worse case.
//!   If the new side is the better one, `e` is smaller still. In both cases the bound holds.
//!
//! **Assumes** that errors are independent given the rate. One client that retries in a loop breaks that, hence a
//! least number of errors and a least ratio as further conditions: significance *and* size, as Kayenta's judge asks.
//! **Invariant:** evidence is kept as logarithms, for a plain product overflows within minutes. Power by traffic and
//! ratio: `docs/comparison.md`, printed by `cargo bench --bench power`.

use serde::{Deserialize, Serialize};

/// Ratios of error rates that the evidence is averaged over, with equal weights.
pub const RATIOS: [f64; 6] = [1.5, 2.0, 3.0, 5.0, 10.0, 20.0];

/// When a difference counts, and when there is enough to say that there is none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The largest probability of a rollback when both revisions are equally good, over the whole rollout.
    pub alpha: f64,
    /// Fewer errors than these on the new side never roll back.
    pub min_errors: u64,
    /// The new side's error rate over the old side's must be at least this.
    pub min_ratio: f64,
    /// Each side must have had so many requests before the gate may pass.
    pub min_requests: u64,
    /// With `min_errors` and more on the new side, the gate passes only if equal rates would have put at least so
    /// many there: fewer cannot tell an unlucky revision from a bad one.
    pub min_expected_errors: f64,
}

/// Requests and errors of both sides in one period.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counts {
    pub new_requests: f64,
    pub new_errors: f64,
    pub old_requests: f64,
    pub old_errors: f64,
}

/// What the periods so far come to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Compared {
    pub finding: Finding,
    /// Sums up to the period that decided, or over all.
    pub total: Counts,
    /// Natural logarithm of the evidence at that period.
    pub log_evidence: f64,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The new side fails more requests, beyond chance and by enough to matter.
    Worse,
    /// There was enough to see a difference that matters, and none was seen.
    NotWorse,
    /// Too little of something to tell.
    TooFew(Lack),
}

/// What there is too little of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    NewRequests,
    OldRequests,
    /// The new side has errors, and too few are expected of it to judge them.
    ExpectedErrors,
}

/// Evidence that the new side is worse, period after period.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Evidence {
    log_ratios: [f64; RATIOS.len()],
}

impl Evidence {
    /// Takes one more period in. A period in which either side had no request says nothing.
    pub fn see(&mut self, counts: &Counts) {
        if !counts.is_comparable() {
            return;
        }
        let p = counts.new_requests / (counts.new_requests + counts.old_requests);
        for (log_ratio, r) in self.log_ratios.iter_mut().zip(RATIOS) {
            let errors = counts.new_errors + counts.old_errors;
            *log_ratio += counts.new_errors * r.ln() - errors * (p * r + 1.0 - p).ln();
        }
    }

    /// Natural logarithm of the average ratio: the largest is taken out before the sum, so that nothing overflows.
    pub fn log(&self) -> f64 {
        let largest = self.log_ratios.iter().copied().fold(f64::MIN, f64::max);
        let sum: f64 = self.log_ratios.iter().map(|l| (l - largest).exp()).sum();
        largest + (sum / RATIOS.len() as f64).ln()
    }
}

impl Comparison {
    /// Judges all comparable periods from the first on. Worse is found at the first period that shows it, so that asking once
    /// at the end and asking every minute give the same answer.
    pub fn judge(&self, periods: impl IntoIterator<Item = Counts>) -> Compared {
        let mut evidence = Evidence::default();
        let mut total = Counts::default();
        for counts in periods.into_iter().filter(Counts::is_comparable) {
            evidence.see(&counts);
            total = total.and(&counts);
            if self.is_worse(&evidence, &total) {
                let finding = Finding::Worse;
                return Compared {
                    finding,
                    total,
                    log_evidence: evidence.log(),
                };
            }
        }
        Compared {
            finding: self.enough(&total),
            total,
            log_evidence: evidence.log(),
        }
    }

    fn is_worse(&self, evidence: &Evidence, total: &Counts) -> bool {
        evidence.log() >= -self.alpha.ln()
            && total.new_errors >= self.min_errors as f64
            && total.ratio().is_some_and(|ratio| ratio >= self.min_ratio)
    }

    /// Fewer errors than could ever roll back, over enough requests, is data and not its absence.
    fn enough(&self, total: &Counts) -> Finding {
        let least = self.min_requests.max(1) as f64;
        if total.new_requests < least {
            Finding::TooFew(Lack::NewRequests)
        } else if total.old_requests < least {
            Finding::TooFew(Lack::OldRequests)
        } else if total.new_errors >= self.min_errors as f64
            && total.expected_errors() < self.min_expected_errors
        {
            Finding::TooFew(Lack::ExpectedErrors)
        } else {
            Finding::NotWorse
        }
    }
}

impl Counts {
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self {
            new_requests: self.new_requests + other.new_requests,
            new_errors: self.new_errors + other.new_errors,
            old_requests: self.old_requests + other.old_requests,
            old_errors: self.old_errors + other.old_errors,
        }
    }

    /// Whether both sides had requests.
    pub fn is_comparable(&self) -> bool {
        self.new_requests > 0.0 && self.old_requests > 0.0
    }

    /// The new side's error rate over the old side's: infinite if only the new side has errors, `None` without requests.
    pub fn ratio(&self) -> Option<f64> {
        let new = self.new_errors * self.old_requests;
        let old = self.old_errors * self.new_requests;
        match (self.is_comparable(), new > 0.0) {
            (false, _) => None,
            (true, false) => Some(0.0),
            (true, true) => Some(new / old),
        }
    }

    /// Errors that equal rates would have put on the new side.
    pub fn expected_errors(&self) -> f64 {
        let requests = self.new_requests + self.old_requests;
        if requests > 0.0 {
            (self.new_errors + self.old_errors) * self.new_requests / requests
        } else {
            0.0
        }
    }
}

impl Default for Comparison {
    fn default() -> Self {
        Self {
            alpha: 0.01,
            min_errors: 5,
            min_ratio: 1.5,
            min_requests: 100,
            min_expected_errors: 3.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(new_requests: f64, new_errors: f64, old_requests: f64, old_errors: f64) -> Counts {
        Counts {
            new_requests,
            new_errors,
            old_requests,
            old_errors,
        }
    }

    #[test]
    fn the_evidence_is_the_average_likelihood_ratio() {
        let mut evidence = Evidence::default();
        assert!(evidence.log().abs() < 1e-12, "none at the start");
        evidence.see(&counts(100.0, 2.0, 900.0, 1.0));
        let by_hand: f64 = RATIOS
            .iter()
            .map(|r| r.powi(2) / (0.1 * r + 0.9).powi(3) / 6.0)
            .sum();
        assert!((evidence.log().exp() - by_hand).abs() < 1e-9);
    }

    #[test]
    fn a_flood_of_errors_overflows_nothing() {
        let mut evidence = Evidence::default();
        for _ in 0..1000 {
            evidence.see(&counts(1e6, 1e6, 1e6, 0.0));
        }
        assert!(evidence.log().is_finite() && evidence.log() > 1e6);
        for _ in 0..5000 {
            evidence.see(&counts(1e6, 0.0, 1e6, 1e6));
        }
        assert!(evidence.log().is_finite() && evidence.log() < -1e6);
    }

    #[test]
    fn a_period_with_one_side_idle_says_nothing() {
        let mut evidence = Evidence::default();
        evidence.see(&counts(0.0, 0.0, 900.0, 90.0));
        evidence.see(&counts(900.0, 90.0, 0.0, 0.0));
        assert!(evidence.log().abs() < 1e-12);
    }

    fn check(period: Counts, periods: usize, finding: Finding) {
        let judged = Comparison::default().judge(std::iter::repeat_n(period, periods));
        assert_eq!(judged.finding, finding, "{periods} of {period:?}");
    }

    #[test]
    fn worse_needs_evidence_and_errors_and_a_ratio() {
        check(counts(100.0, 5.0, 900.0, 0.0), 1, Finding::Worse);
        // As strong, of too few errors to matter.
        check(counts(100.0, 4.0, 900.0, 0.0), 1, Finding::NotWorse);
        // Beyond chance, and only 1.4 times.
        check(counts(5000.0, 700.0, 5000.0, 500.0), 10, Finding::NotWorse);
        check(counts(5000.0, 750.0, 5000.0, 500.0), 10, Finding::Worse);
        // Both sides have the incident.
        check(counts(100.0, 50.0, 900.0, 450.0), 10, Finding::NotWorse);
        // Better is not worse.
        check(counts(100.0, 0.0, 900.0, 90.0), 10, Finding::NotWorse);
    }

    #[test]
    fn too_little_is_never_not_worse() {
        use Lack::{ExpectedErrors, NewRequests, OldRequests};
        check(Counts::default(), 0, Finding::TooFew(NewRequests));
        check(counts(0.0, 0.0, 1e6, 0.0), 10, Finding::TooFew(NewRequests));
        check(
            counts(99.0, 0.0, 900.0, 0.0),
            1,
            Finding::TooFew(NewRequests),
        );
        check(
            counts(100.0, 0.0, 99.0, 0.0),
            1,
            Finding::TooFew(OldRequests),
        );
        check(counts(100.0, 0.0, 100.0, 0.0), 1, Finding::NotWorse);
        check(
            counts(100.0, 5.0, 900.0, 20.0),
            1,
            Finding::TooFew(ExpectedErrors),
        );
        check(counts(100.0, 5.0, 900.0, 25.0), 1, Finding::NotWorse);
    }

    #[test]
    fn what_was_worse_once_stays_found() {
        let bad = std::iter::repeat_n(counts(100.0, 20.0, 900.0, 0.0), 2);
        let good = std::iter::repeat_n(counts(100.0, 0.0, 900.0, 20.0), 50);
        let judged = Comparison::default().judge(bad.chain(good));
        assert_eq!(judged.finding, Finding::Worse);
        assert!((judged.total.new_errors - 20.0).abs() < f64::EPSILON);
    }
}
