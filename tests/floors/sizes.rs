//! The house budgets: how a file opens, how long a file and a function may be. Tests are apart from the lengths.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::source;

pub const FILE_LINES: usize = 400;
pub const FUNCTION_LINES: usize = 70;

/// What is beyond the budgets in the file `path` with this text, a sentence each.
pub fn check(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if !text.starts_with("//!") {
        found.push(format!(
            "{path}:1: does not open with a //! comment that says what the file does"
        ));
    }
    if is_test(path) {
        return found;
    }
    let mut measure = Measure {
        test_lines: 0,
        functions: Vec::new(),
    };
    if let Ok(stream) = text.parse::<TokenStream>() {
        measure.tokens(&source::tokens(stream));
    }
    let lines = text.lines().count() - measure.test_lines;
    if lines > FILE_LINES {
        found.push(format!(
            "{path}:1: {lines} lines beside its tests, more than {FILE_LINES}"
        ));
    }
    let long = measure
        .functions
        .iter()
        .filter(|function| function.lines > FUNCTION_LINES);
    found.extend(long.map(|Function { name, line, lines }| {
        format!("{path}:{line}: fn {name} has {lines} lines, more than {FUNCTION_LINES}")
    }));
    found
}

/// A file of tests, by its name: `tests.rs`, `…_tests.rs`, or in a folder `tests`.
fn is_test(path: &str) -> bool {
    path.ends_with("tests.rs") || path.split('/').any(|part| part == "tests")
}

struct Function {
    name: String,
    line: usize,
    lines: usize,
}

struct Measure {
    test_lines: usize,
    functions: Vec<Function>,
}

impl Measure {
    fn tokens(&mut self, tokens: &[TokenTree]) {
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            if let Some(body) = source::test_module(tokens, at) {
                self.test_lines += lines(token, &tokens[body]);
                at = body + 1;
                continue;
            }
            match token {
                TokenTree::Ident(ident) if ident == "fn" => self.function(&tokens[at..]),
                TokenTree::Group(group) => self.tokens(&source::tokens(group.stream())),
                _ => {}
            }
            at += 1;
        }
    }

    /// `from` starts with `fn`. A function type has no name and a required method no body.
    fn function(&mut self, from: &[TokenTree]) {
        let Some(name) = source::word(from.get(1)) else {
            return;
        };
        let body = from
            .iter()
            .take_while(|token| !source::is_punct(Some(token), ';'));
        let Some(body) = body
            .into_iter()
            .find(|token| source::inside(Some(token), Delimiter::Brace).is_some())
        else {
            return;
        };
        self.functions.push(Function {
            name,
            line: source::line(&from[0]),
            lines: lines(&from[0], body),
        });
    }
}

fn lines(from: &TokenTree, to: &TokenTree) -> usize {
    to.span().end().line - from.span().start().line + 1
}
