//! Lambda functions, as far as a deployment calls them: their answers are data from the world file.
//!
//! Source: ECS developer guide, "Lambda lifecycle hooks" (`hookStatus`, `callBackDelay`).
//! **Invariant:** no code runs here; a function that the world file does not list does not exist.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::sandbox::Duration;

/// An entry of the world file's `lambdas`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LambdaSeed {
    /// The name; calls may use the ARN, with or without a qualifier.
    pub function_name: String,
    /// What it answers, call by call; the last answer is repeated. Without any it always succeeds after a second.
    #[serde(default)]
    pub answers: Vec<LambdaAnswer>,
}

/// One answer to a lifecycle hook.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LambdaAnswer {
    /// Only calls for this stage get it; absent means every stage.
    pub lifecycle_stage: Option<String>,
    /// Absent is the `null` that ECS cannot parse.
    pub hook_status: Option<HookStatus>,
    /// Seconds until ECS calls again, after `IN_PROGRESS`.
    #[serde(default = "usual_delay")]
    pub call_back_delay: u64,
    /// How long the function runs.
    #[serde(default = "usual_run")]
    pub after: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum HookStatus {
    Succeeded,
    Failed,
    InProgress,
}

fn usual_delay() -> u64 {
    30
}

fn usual_run() -> Duration {
    Duration::from_secs(1)
}

/// The functions that there are, by name.
#[derive(Clone, Debug, Default)]
pub struct Lambdas(BTreeMap<String, Vec<LambdaAnswer>>);

impl Lambdas {
    /// Makes a function known; whether its name was still free.
    pub fn add(&mut self, seed: LambdaSeed) -> bool {
        self.0.insert(seed.function_name, seed.answers).is_none()
    }

    pub fn has(&self, arn_or_name: &str) -> bool {
        self.0.contains_key(name(arn_or_name))
    }

    /// The answer to the call of this number, from 0, at a stage.
    pub fn answer(&self, arn_or_name: &str, stage: &str, call: usize) -> LambdaAnswer {
        let answers = self.0.get(name(arn_or_name)).map_or(&[][..], Vec::as_slice);
        let is_for = |answer: &&LambdaAnswer| {
            answer
                .lifecycle_stage
                .as_deref()
                .is_none_or(|only| only == stage)
        };
        let fitting: Vec<&LambdaAnswer> = answers.iter().filter(is_for).collect();
        let chosen = fitting.get(call).or(fitting.last());
        chosen.map_or(
            LambdaAnswer {
                lifecycle_stage: None,
                hook_status: Some(HookStatus::Succeeded),
                call_back_delay: usual_delay(),
                after: usual_run(),
            },
            |&answer| answer.clone(),
        )
    }
}

/// `NAME` of `arn:aws:lambda:REGION:ACCOUNT:function:NAME:QUALIFIER`.
fn name(arn_or_name: &str) -> &str {
    match arn_or_name.split_once(":function:") {
        Some((_, rest)) => rest.split(':').next().unwrap_or(rest),
        None => arn_or_name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(stage: Option<&str>, status: HookStatus) -> LambdaAnswer {
        LambdaAnswer {
            lifecycle_stage: stage.map(str::to_owned),
            hook_status: Some(status),
            call_back_delay: 30,
            after: Duration::from_secs(1),
        }
    }

    #[test]
    fn calls_are_answered_in_order_and_by_stage() {
        use HookStatus::{Failed, InProgress, Succeeded};
        let mut lambdas = Lambdas::default();
        let answers = vec![
            answer(None, InProgress),
            answer(Some("POST_SCALE_UP"), Failed),
            answer(None, Succeeded),
        ];
        let seed = LambdaSeed {
            function_name: "check".into(),
            answers,
        };
        assert!(lambdas.add(seed));
        let arn = "arn:aws:lambda:eu-west-1:123456789012:function:check:live";
        assert!(lambdas.has(arn) && !lambdas.has("other"));
        let check = |stage: &str, expected: &[HookStatus]| {
            let got: Vec<_> = (0..expected.len())
                .map(|call| lambdas.answer(arn, stage, call).hook_status.unwrap())
                .collect();
            assert_eq!(got, expected, "{stage}");
        };
        check("PRE_SCALE_UP", &[InProgress, Succeeded, Succeeded]);
        check("POST_SCALE_UP", &[InProgress, Failed, Succeeded, Succeeded]);
    }
}
