//! Capacity providers: FARGATE and FARGATE_SPOT, which every account has, and which of a strategy's gets the next task.
//!
//! Source: ECS API reference, `CapacityProviderStrategyItem`: `base` tasks first, then by `weight`.

use serde_json::{Value, json};

use crate::sandbox::ApiError;
use crate::sandbox::ecs::document::{
    Document, default_to, last_part, list, objects, text, texts, whole,
};
use crate::sandbox::ecs::paging;
use crate::sandbox::ecs::refuse;
use crate::sandbox::ecs::state::{Ecs, Ground};

/// The providers that exist without having been made.
const BUILT_IN: [&str; 2] = ["FARGATE", "FARGATE_SPOT"];

/// DescribeCapacityProviders: all, or those that are named; 10 at a time unless the call says otherwise.
pub fn describe(ecs: &mut Ecs, input: &Document, ground: &Ground<'_>) -> Result<Value, ApiError> {
    if text(input, "cluster").is_some() {
        ecs.cluster(input)?;
    }
    if whole(input, "maxResults").is_some_and(|asked| asked > 10) {
        return Err(refuse::invalid("maxResults should be between 1 and 10"));
    }
    let named: Vec<&str> = texts(input, "capacityProviders").map(last_part).collect();
    let arn = |name: &str| ground.arn(&format!("capacity-provider/{name}"));
    let shown = BUILT_IN
        .into_iter()
        .filter(|name| named.is_empty() || named.contains(name))
        .map(|name| json!({ "capacityProviderArn": arn(name), "name": name, "status": "ACTIVE", "tags": [] }));
    let mut answer = paging::page(shown, input, 10)?.answer("capacityProviders");
    let missing = named.iter().filter(|name| !BUILT_IN.contains(name));
    answer["failures"] = missing
        .map(|name| json!({ "arn": arn(name), "reason": "MISSING" }))
        .collect();
    Ok(answer)
}

/// PutClusterCapacityProviders: both lists are replaced.
pub fn put(ecs: &mut Ecs, input: &Document) -> Result<Value, ApiError> {
    for key in ["capacityProviders", "defaultCapacityProviderStrategy"] {
        if !input.get(key).is_some_and(Value::is_array) {
            return Err(refuse::invalid(format!("{key} should not be null.")));
        }
    }
    let providers: Vec<&str> = texts(input, "capacityProviders").collect();
    if providers.iter().any(|name| !BUILT_IN.contains(name)) {
        return Err(refuse::invalid(
            "The specified capacity provider was not found",
        ));
    }
    let strategy = list(input, "defaultCapacityProviderStrategy");
    check_strategy(strategy, &providers)?;
    let mut filled = strategy.to_vec();
    for item in filled.iter_mut().filter_map(Value::as_object_mut) {
        default_to(item, "weight", || json!(0));
        default_to(item, "base", || json!(0));
    }
    let cluster = ecs.cluster(input)?;
    let document = &mut cluster.document;
    document.insert("capacityProviders".into(), json!(providers));
    document.insert("defaultCapacityProviderStrategy".into(), json!(filled));
    Ok(json!({ "cluster": cluster.answer(&["SETTINGS"]) }))
}

/// Refuses a strategy that names a provider which the cluster does not have.
pub fn check_strategy(strategy: &[Value], of_cluster: &[&str]) -> Result<(), ApiError> {
    let named = strategy
        .iter()
        .filter_map(|item| item["capacityProvider"].as_str());
    for name in named {
        if !of_cluster.contains(&name) {
            return Err(refuse::invalid(
                "The specified capacity provider strategy cannot contain a capacity provider that is not associated with the cluster. Associate the capacity provider with the cluster and try again.",
            ));
        }
    }
    Ok(())
}

/// The provider of the next task: `placed` says how many each has already.
pub fn choose(settings: &Document, placed: impl Fn(&str) -> u64) -> Option<&str> {
    let number = |item: &Document, key| {
        let given = whole(item, key).and_then(|n| u64::try_from(n).ok());
        given.unwrap_or(0)
    };
    let placed = |item: &Document| text(item, "capacityProvider").map_or(0, &placed);
    let items: Vec<&Document> = objects(settings, "capacityProviderStrategy").collect();
    let short = items
        .iter()
        .find(|item| placed(item) < number(item, "base"));
    let weighed = || {
        let weighted = items.iter().filter(|item| number(item, "weight") > 0);
        weighted.min_by(|left, right| {
            // Beyond the base, the one that is furthest behind its weight: a / x < b / y, without division.
            let beyond = |item: &Document| placed(item).saturating_sub(number(item, "base"));
            let (a, b) = (beyond(left), beyond(right));
            (a * number(right, "weight")).cmp(&(b * number(left, "weight")))
        })
    };
    let chosen = short.or_else(weighed).or(items.first())?;
    text(chosen, "capacityProvider")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_base_comes_first_and_the_rest_goes_by_weight() {
        let settings = json!({ "capacityProviderStrategy": [
            { "capacityProvider": "FARGATE", "base": 2, "weight": 1 },
            { "capacityProvider": "FARGATE_SPOT", "weight": 3 },
        ] });
        let settings = settings.as_object().unwrap();
        let mut placed: BTreeMap<String, u64> = BTreeMap::new();
        for _ in 0..10 {
            let count = |name: &str| placed.get(name).copied().unwrap_or(0);
            let name = choose(settings, count).unwrap().to_owned();
            *placed.entry(name).or_default() += 1;
        }
        assert_eq!((placed["FARGATE"], placed["FARGATE_SPOT"]), (4, 6));
    }
}
