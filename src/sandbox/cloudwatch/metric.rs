//! The name of a metric: namespace, name and dimensions, all three together.
//!
//! **Invariant:** CloudWatch never aggregates over dimensions, so a name with one dimension fewer is another metric.

use serde_json::{Value, json};

use crate::sandbox::ApiError;
use crate::sandbox::input::Input;

const MOST_DIMENSIONS: usize = 30;

/// Which metric.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Metric {
    pub namespace: String,
    pub name: String,
    /// Name and value, in the order of names: their order in a request means nothing.
    dimensions: Vec<(String, String)>,
}

impl Metric {
    pub fn new(namespace: &str, name: &str, dimensions: &[(&str, &str)]) -> Self {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let mut dimensions: Vec<_> = dimensions.iter().map(own).collect();
        dimensions.sort();
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            dimensions,
        }
    }

    /// Reads `Namespace`, `MetricName` and `Dimensions`.
    pub fn read(input: Input<'_>) -> Result<Self, ApiError> {
        Self::read_in(input.need("Namespace")?, input)
    }

    /// Reads `MetricName` and `Dimensions` of a metric in this namespace.
    pub fn read_in(namespace: &str, input: Input<'_>) -> Result<Self, ApiError> {
        let dimensions = input
            .each("Dimensions")
            .map(|dimension| {
                let dimension = dimension.only(&["Name", "Value"])?;
                Ok((dimension.need("Name")?, dimension.need("Value")?))
            })
            .collect::<Result<Vec<_>, ApiError>>()?;
        if dimensions.len() > MOST_DIMENSIONS {
            return Err(input.invalid(&format!(
                "A metric has at most {MOST_DIMENSIONS} dimensions"
            )));
        }
        Ok(Self::new(namespace, input.need("MetricName")?, &dimensions))
    }

    pub fn dimension(&self, name: &str) -> Option<&str> {
        self.dimensions
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    pub fn echo_dimensions(&self) -> Value {
        self.dimensions
            .iter()
            .map(|(name, value)| json!({"Name": name, "Value": value}))
            .collect()
    }

    pub fn echo(&self) -> Value {
        json!({"Namespace": self.namespace, "MetricName": self.name, "Dimensions": self.echo_dimensions()})
    }
}
