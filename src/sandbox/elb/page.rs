//! Paging: `PageSize` 1 to 400, `Marker` in, `NextMarker` out and absent at the end.

use serde_json::{Map, Value};

use crate::sandbox::ApiError;
use crate::sandbox::input::Input;

const MOST: u64 = 400;

/// One page of `items` under `member`. The marker is the ARN of the next page's first item.
pub fn page(
    input: Input<'_>,
    member: &str,
    arn_member: &str,
    items: Vec<Value>,
) -> Result<Value, ApiError> {
    let size = input.int("PageSize", 1..=MOST)?.unwrap_or(MOST) as usize;
    let arn_of = |item: &Value| {
        item.get(arn_member)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let start = match input.text("Marker") {
        None => 0,
        Some(marker) => items
            .iter()
            .position(|item| arn_of(item).as_deref() == Some(marker))
            .ok_or_else(|| input.invalid("Invalid marker"))?,
    };
    let next = items.get(start + size).and_then(arn_of);
    let mut output = Map::new();
    output.insert(
        member.to_owned(),
        items.into_iter().skip(start).take(size).collect(),
    );
    if let Some(marker) = next {
        output.insert("NextMarker".to_owned(), marker.into());
    }
    Ok(Value::Object(output))
}
