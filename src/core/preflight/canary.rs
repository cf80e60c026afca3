//! What a canary beside the service does not have of it.

use crate::core::plan::{Plan, Strategy, Survey};
use crate::core::service::StrategyAsked;
use crate::core::strategy::is_offered;
use crate::core::taskdef::Finding;

pub fn check(plan: &Plan, survey: &Survey) -> Option<Finding> {
    let service = &survey.service;
    match (&plan.strategy, plan.intent.strategy) {
        (Strategy::Beside(_), _) if is_offered(service) => {
            let what = "requests by Service Connect do not reach the canary: a discovery name belongs to one service";
            let hint = "it is judged by what its load balancers send; a native canary (--canary 10% with strategy CANARY) gets both";
            Some(Finding::warning("serviceConnectConfiguration", what.to_owned()).hint(hint))
        }
        (Strategy::Rolling, StrategyAsked::Canary(_)) => {
            let what = "no canary is run: the service's desired count is 0".to_owned();
            Some(Finding::warning("desiredCount", what))
        }
        _ => None,
    }
}
