//! Rust source as tokens: paths, groups and test modules, with the lines they stand on.
//!
//! Read with the compiler's own token rules, so that comments, documentation and strings are no code and a path is
//! found however it is spaced, nested in braces or put into a macro. **Invariant:** knows nothing of rooms or rules.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The segments of a path after its root, and the line of the last one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    pub segments: Vec<String>,
    pub line: usize,
}

impl Tail {
    pub fn first(&self) -> &str {
        &self.segments[0]
    }

    fn under(mut self, parent: &str) -> Self {
        self.segments.insert(0, parent.to_owned());
        self
    }
}

pub fn tokens(stream: TokenStream) -> Vec<TokenTree> {
    stream.into_iter().collect()
}

pub fn line(token: &TokenTree) -> usize {
    token.span().start().line
}

/// The word, if the token is one.
pub fn word(token: Option<&TokenTree>) -> Option<String> {
    match token {
        Some(TokenTree::Ident(ident)) => Some(ident.to_string()),
        _ => None,
    }
}

pub fn is_punct(token: Option<&TokenTree>, character: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == character)
}

/// What is inside the brackets, if the token is a group of this kind.
pub fn inside(token: Option<&TokenTree>, delimiter: Delimiter) -> Option<Vec<TokenTree>> {
    match token {
        Some(TokenTree::Group(group)) if group.delimiter() == delimiter => {
            Some(tokens(group.stream()))
        }
        _ => None,
    }
}

/// Every path that goes on from a root: `::a::b` is one, `::{a, b::c}` two, `::*` one; none where no `::` follows.
pub fn tails(after_root: &[TokenTree]) -> Vec<Tail> {
    let colons = is_punct(after_root.first(), ':') && is_punct(after_root.get(1), ':');
    if colons {
        segments(&after_root[2..])
    } else {
        Vec::new()
    }
}

fn segments(rest: &[TokenTree]) -> Vec<Tail> {
    let Some(first) = rest.first() else {
        return Vec::new();
    };
    if let Some(list) = inside(Some(first), Delimiter::Brace) {
        let items = list.split(|token| is_punct(Some(token), ','));
        return items.flat_map(segments).collect();
    }
    let name = match word(Some(first)) {
        Some(name) => name,
        None if is_punct(Some(first), '*') => "*".to_owned(),
        None => return Vec::new(),
    };
    let longer = tails(&rest[1..]);
    if longer.is_empty() {
        return vec![Tail {
            segments: vec![name],
            line: line(first),
        }];
    }
    longer.into_iter().map(|tail| tail.under(&name)).collect()
}

/// The index of the body of the `#[cfg(test)] mod name { … }` whose `#` is at `at`, if that is what stands there.
pub fn test_module(tokens: &[TokenTree], at: usize) -> Option<usize> {
    if !is_attribute(tokens, at, "cfg(test)") {
        return None;
    }
    let mut next = at + 2;
    while is_punct(tokens.get(next), '#') {
        next += 2;
    }
    let is_module = word(tokens.get(next)).as_deref() == Some("mod");
    (is_module && inside(tokens.get(next + 2), Delimiter::Brace).is_some()).then_some(next + 2)
}

fn is_attribute(tokens: &[TokenTree], at: usize, text: &str) -> bool {
    let Some(content) = tokens.get(at + 1).filter(|_| is_punct(tokens.get(at), '#')) else {
        return false;
    };
    inside(Some(content), Delimiter::Bracket).is_some_and(|inner| {
        let spaced = TokenStream::from_iter(inner).to_string();
        spaced.split_whitespace().collect::<String>() == text
    })
}
