//! The JSON types of input members, as the service's front checks them before an operation sees its input.
//!
//! Only numbers that are reckoned with are checked, and only where a name cannot be a key of somebody's free map. An
//! Integer of AWS has 32 bits (ECS service model); a larger one would overflow what is reckoned from it.

use serde_json::Value;

use crate::sandbox::ApiError;
use crate::sandbox::ecs::document::Document;
use crate::sandbox::ecs::refuse;

const INTEGERS: [&str; 10] = [
    "bakeTimeInMinutes",
    "base",
    "containerPort",
    "desiredCount",
    "healthCheckGracePeriodSeconds",
    "healthyPercent",
    "maximumPercent",
    "minimumHealthyPercent",
    "value",
    "weight",
];
/// Structures that hold such members, or hold others that do. `scale`, whose `value` is a Double, is none of them.
const STRUCTURES: [&str; 6] = [
    "capacityProviderStrategy",
    "deploymentCircuitBreaker",
    "deploymentConfiguration",
    "earlySuccessCriteria",
    "loadBalancers",
    "thresholdConfiguration",
];

/// Refuses an Integer that is none.
pub fn check(input: &Document) -> Result<(), ApiError> {
    for (name, value) in input.iter().filter(|(_, value)| !value.is_null()) {
        if INTEGERS.contains(&name.as_str()) && !is_integer(value) {
            return Err(refuse::wrong_type(value, "Integer"));
        }
        if STRUCTURES.contains(&name.as_str()) {
            let alone = std::slice::from_ref(value);
            let parts = value.as_array().map_or(alone, Vec::as_slice);
            parts
                .iter()
                .filter_map(Value::as_object)
                .try_for_each(check)?;
        }
    }
    Ok(())
}

/// Whether a value is a whole number of 32 bits.
pub fn is_integer(value: &Value) -> bool {
    value
        .as_i64()
        .is_some_and(|number| i32::try_from(number).is_ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_integer_has_32_bits() {
        let says = |input: Value| {
            let input = input.as_object().unwrap().clone();
            check(&input).err().map(|error| error.message)
        };
        let refused = |kind: &str| Some(format!("{kind}_VALUE can not be converted to an Integer"));
        for (input, expected) in [
            (json!({"desiredCount": 2, "tags": [{"value": "x"}]}), None),
            (json!({"desiredCount": null}), None),
            (json!({"scale": {"value": 12.5}}), None),
            (json!({"desiredCount": "2"}), refused("STRING")),
            (json!({"desiredCount": u64::MAX}), refused("NUMBER")),
            (
                json!({"healthCheckGracePeriodSeconds": i64::MAX}),
                refused("NUMBER"),
            ),
            (
                json!({"deploymentConfiguration": {"maximumPercent": 0.5}}),
                refused("NUMBER"),
            ),
            (
                json!({"deploymentConfiguration": {"deploymentCircuitBreaker": {"thresholdConfiguration": {"value": "3"}}}}),
                refused("STRING"),
            ),
            (
                json!({"capacityProviderStrategy": [{"weight": 1}, {"weight": 1_u64 << 31}]}),
                refused("NUMBER"),
            ),
        ] {
            assert_eq!(says(input.clone()), expected, "{input}");
        }
    }
}
