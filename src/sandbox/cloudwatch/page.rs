//! Paging: `NextToken` in and out. The token is the place to go on from.

use serde_json::{Map, Value};

use crate::sandbox::ApiError;
use crate::sandbox::input::Input;

/// Where the page begins.
pub fn start(input: Input<'_>) -> Result<usize, ApiError> {
    match input.text("NextToken") {
        None => Ok(0),
        Some(token) => token
            .strip_prefix("from-")
            .and_then(|place| place.parse().ok())
            .ok_or_else(|| {
                ApiError::client("InvalidNextToken", "The next token specified is invalid.")
            }),
    }
}

/// Puts the token for what follows `end` into an answer, if anything does.
pub fn put_next(answer: &mut Map<String, Value>, end: usize, all: usize) {
    if end < all {
        answer.insert("NextToken".to_owned(), format!("from-{end}").into());
    }
}

/// One page of a list under `member`.
pub fn page(
    input: Input<'_>,
    member: &str,
    items: Vec<Value>,
    size: usize,
) -> Result<Map<String, Value>, ApiError> {
    let (start, all) = (start(input)?, items.len());
    let mut answer = Map::new();
    answer.insert(
        member.to_owned(),
        items.into_iter().skip(start).take(size).collect(),
    );
    put_next(&mut answer, start.saturating_add(size), all);
    Ok(answer)
}
