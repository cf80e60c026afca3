//! Simulated traffic of two revisions behind one load balancer: counts per minute, seeded, with shared incidents.
//!
//! **Invariant:** knows nothing of the test it is judged by. Errors are Poisson draws at `requests × rate`, the rate of
//! each minute multiplied by one gamma draw (mean 1) for both sides, as an incident of something shared would be.

use ecsdeploy::core::gate::Counts;

/// Traffic through one load balancer.
#[derive(Clone, Copy)]
pub struct Traffic {
    pub requests_per_minute: f64,
    /// The old revision's errors in one request.
    pub error_rate: f64,
    /// The new revision's share of the requests.
    pub share: f64,
    /// The new revision's error rate over the old one's.
    pub ratio: f64,
}

impl Traffic {
    pub fn minute(&self, rng: &mut fastrand::Rng) -> Counts {
        // Gamma of shape 2 and mean 1: twice to a tenth of the usual errors in an ordinary hour.
        let incident = -(1.0 - rng.f64()).ln() / 2.0 - (1.0 - rng.f64()).ln() / 2.0;
        let new_requests = (self.requests_per_minute * self.share).round();
        let old_requests = (self.requests_per_minute - new_requests).round();
        let rate = (self.error_rate * incident).min(1.0);
        let new_errors = poisson(rng, new_requests * (rate * self.ratio).min(1.0));
        Counts {
            new_requests,
            new_errors: new_errors.min(new_requests),
            old_requests,
            old_errors: poisson(rng, old_requests * rate),
        }
    }
}

/// Knuth's product of uniforms, in parts so that `exp(-mean)` never underflows.
fn poisson(rng: &mut fastrand::Rng, mean: f64) -> f64 {
    let mut left = mean;
    let mut count = 0.0;
    while left > 0.0 {
        let part = left.min(30.0);
        left -= part;
        let floor = (-part).exp();
        let mut product = rng.f64();
        while product > floor {
            count += 1.0;
            product *= rng.f64();
        }
    }
    count
}

/// Of `runs` seeded rollouts of `looks` minutes each, when each was rolled back.
pub fn rollbacks(
    traffic: Traffic,
    comparison: &ecsdeploy::core::gate::Comparison,
    runs: u64,
    looks: usize,
) -> Vec<Option<usize>> {
    (0..runs)
        .map(|seed| {
            let mut rng = fastrand::Rng::with_seed(seed);
            let minutes: Vec<Counts> = (0..looks).map(|_| traffic.minute(&mut rng)).collect();
            first_worse(comparison, &minutes)
        })
        .collect()
}

fn first_worse(
    comparison: &ecsdeploy::core::gate::Comparison,
    minutes: &[Counts],
) -> Option<usize> {
    use ecsdeploy::core::gate::Finding;
    let judge = |looks: usize| comparison.judge(minutes[..looks].iter().copied()).finding;
    // Once found it stays found, so the last look tells whether, and the others when.
    (judge(minutes.len()) == Finding::Worse)
        .then(|| (1..=minutes.len()).find(|looks| judge(*looks) == Finding::Worse))
        .flatten()
}
