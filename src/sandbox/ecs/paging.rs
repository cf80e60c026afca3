//! Pages of a list: `maxResults` in, `nextToken` out.

use serde_json::{Value, json};

use crate::sandbox::ApiError;
use crate::sandbox::ecs::document::{Document, text, whole};
use crate::sandbox::ecs::refuse;

/// One page of a list, and the token of the next one if there is one.
pub struct Page {
    pub items: Vec<Value>,
    next: Option<String>,
}

impl Page {
    /// The answer `{KEY: items, nextToken?}`.
    pub fn answer(self, key: &str) -> Value {
        let mut answer = json!({ key: self.items });
        if let Some(token) = self.next {
            answer["nextToken"] = json!(token);
        }
        answer
    }
}

/// Cuts the page that `input` asks for; `usual` is the page size when it names none (1 to 100 may be asked for).
pub fn page(
    all: impl IntoIterator<Item = Value>,
    input: &Document,
    usual: usize,
) -> Result<Page, ApiError> {
    let size = match whole(input, "maxResults") {
        None => usual,
        Some(asked @ 1..=100) => asked as usize,
        Some(_) => return Err(refuse::invalid("maxResults should be between 1 and 100")),
    };
    let start = match text(input, "nextToken") {
        None => 0,
        Some(token) => start_of(token)?,
    };
    let mut items: Vec<Value> = all.into_iter().skip(start).take(size + 1).collect();
    let next = (items.len() > size).then(|| format!("page-{}", start + size));
    items.truncate(size);
    Ok(Page { items, next })
}

fn start_of(token: &str) -> Result<usize, ApiError> {
    token
        .strip_prefix("page-")
        .and_then(|start| start.parse().ok())
        .ok_or_else(|| refuse::invalid("Invalid token."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn following_the_tokens_reads_every_item_once() {
        let mut input = Document::new();
        input.insert("maxResults".into(), json!(3));
        let mut seen = Vec::new();
        loop {
            let page = page((0..8).map(Value::from), &input, 10).expect("a good token");
            let answer = page.answer("items");
            seen.extend(answer["items"].as_array().expect("a list").clone());
            match answer.get("nextToken") {
                Some(token) => input.insert("nextToken".into(), token.clone()),
                None => break,
            };
        }
        assert_eq!(seen, (0..8).map(Value::from).collect::<Vec<_>>());
    }

    #[test]
    fn a_foreign_token_and_a_page_of_none_are_refused() {
        for (key, value) in [
            ("nextToken", json!("x")),
            ("maxResults", json!(0)),
            ("maxResults", json!(101)),
        ] {
            let mut input = Document::new();
            input.insert(key.into(), value);
            assert!(page([], &input, 10).is_err());
        }
    }
}
