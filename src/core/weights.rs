//! Percent of production traffic for the new one of two task sets, step by step.
//!
//! **Invariant:** the steps rise, each a whole percent from 1 on, and the last is 100: that one need not be said, but
//! nothing that was said is put in another order or left out.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<u32>", into = "Vec<u32>")]
pub struct Weights(Vec<u32>);

const ALL: u32 = 100;

/// Why a list is no steps.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeightsError {
    #[error("`{0}` is not a whole percent from 1 to 100")]
    Percent(String),
    #[error("the weights must rise, and {next} follows {before}")]
    Order { before: u32, next: u32 },
}

impl Weights {
    pub fn steps(&self) -> &[u32] {
        &self.0
    }
}

/// All at once.
impl Default for Weights {
    fn default() -> Self {
        Self(vec![ALL])
    }
}

impl TryFrom<Vec<u32>> for Weights {
    type Error = WeightsError;

    fn try_from(mut steps: Vec<u32>) -> Result<Self, WeightsError> {
        if let Some(wrong) = steps.iter().find(|step| !(1..=ALL).contains(*step)) {
            return Err(WeightsError::Percent(wrong.to_string()));
        }
        if let Some(pair) = steps.windows(2).find(|pair| pair[0] >= pair[1]) {
            let (before, next) = (pair[0], pair[1]);
            return Err(WeightsError::Order { before, next });
        }
        if steps.last() != Some(&ALL) {
            steps.push(ALL);
        }
        Ok(Self(steps))
    }
}

/// `5,25,50`
impl FromStr for Weights {
    type Err = WeightsError;

    fn from_str(text: &str) -> Result<Self, WeightsError> {
        let whole = |step: &str| {
            let percent = step.trim().parse();
            percent.map_err(|_| WeightsError::Percent(step.trim().to_owned()))
        };
        let steps: Result<Vec<u32>, _> = text.split(',').map(whole).collect();
        steps?.try_into()
    }
}

impl From<Weights> for Vec<u32> {
    fn from(weights: Weights) -> Self {
        weights.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&[u32], &str>) {
        let read = text.parse::<Weights>().map_err(|error| error.to_string());
        let read = read.as_ref().map(Weights::steps).map_err(String::as_str);
        assert_eq!(read, expected, "{text}");
    }

    #[test]
    fn weights_rise_and_end_at_100_whether_that_is_said_or_not() {
        check("1,5,25,50,100", Ok(&[1, 5, 25, 50, 100]));
        check("5, 25", Ok(&[5, 25, 100]));
        check("100", Ok(&[100]));
        check("50,1,100", Err("the weights must rise, and 1 follows 50"));
        check("5,5", Err("the weights must rise, and 5 follows 5"));
        check("0,50", Err("`0` is not a whole percent from 1 to 100"));
        check("50,101", Err("`101` is not a whole percent from 1 to 100"));
        check("2.5,50", Err("`2.5` is not a whole percent from 1 to 100"));
        check("", Err("`` is not a whole percent from 1 to 100"));
        assert_eq!(Weights::try_from(Vec::new()), Ok(Weights::default()));
    }
}
