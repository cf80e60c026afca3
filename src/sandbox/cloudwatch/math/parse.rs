//! From the text of an expression to its tree.

use std::fmt;

use crate::sandbox::cloudwatch::math::functions::Function;

/// Characters that AWS takes in an expression. It bounds the tree too, which grows with every operator.
const LONGEST: usize = 2048;
/// How deep parentheses may nest; it keeps a hostile text from exhausting the stack.
const DEEPEST: usize = 64;

/// Why an expression cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MathError {
    #[error("unexpected {found} at position {at}")]
    Unexpected { found: String, at: usize },
    #[error("the expression is longer than {LONGEST} characters")]
    TooLong,
    #[error("the expression nests too deeply")]
    TooDeep,
    #[error("the sandbox does not model the function {0}")]
    Function(String),
    #[error("the number of arguments of {0} is wrong")]
    Arguments(&'static str),
    #[error("{0} is not the id of a metric or expression of this request")]
    Unknown(String),
    #[error("{0} refers to itself")]
    Circular(String),
    #[error("unsupported operand type(s): {0}")]
    Operand(&'static str),
}

/// An expression, with the text that it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    text: String,
    pub(super) tree: Tree,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tree {
    Number(f64),
    Text(String),
    Name(String),
    List(Vec<Tree>),
    Negation(Box<Tree>),
    Binary(Operator, Box<Tree>, Box<Tree>),
    Call(Function, Vec<Tree>),
}

/// In the order in which they bind, loosest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
}

const LEVELS: [&[(&str, Operator)]; 6] = [
    &[("||", Operator::Or), ("OR", Operator::Or)],
    &[("&&", Operator::And), ("AND", Operator::And)],
    &[
        ("==", Operator::Equal),
        ("!=", Operator::NotEqual),
        ("<=", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("<", Operator::Less),
        (">", Operator::Greater),
    ],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[("*", Operator::Multiply), ("/", Operator::Divide)],
    &[("^", Operator::Power)],
];

impl Expression {
    pub fn parse(text: &str) -> Result<Self, MathError> {
        if text.chars().count() > LONGEST {
            return Err(MathError::TooLong);
        }
        let mut parser = Parser {
            tokens: tokens(text)?,
            next: 0,
            depth: 0,
        };
        let tree = parser.level(0)?;
        match parser.peek() {
            None => Ok(Self {
                text: text.to_owned(),
                tree,
            }),
            Some(_) => Err(parser.unexpected()),
        }
    }

    pub fn text(&self) -> &str {
        &self.text
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(f64),
    Text(String),
    Word(String),
    Sign(&'static str),
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Word(word) => write!(f, "'{word}'"),
            Self::Sign(sign) => write!(f, "'{sign}'"),
        }
    }
}

const SIGNS: [&str; 18] = [
    "||", "&&", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "^", "(", ")", "[", "]", ",",
];

/// The words of the text with their positions.
fn tokens(text: &str) -> Result<Vec<(usize, Token)>, MathError> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let (token, length) = token(rest).ok_or_else(|| MathError::Unexpected {
            found: format!("'{c}'"),
            at,
        })?;
        found.push((at, token));
        at += length;
    }
    Ok(found)
}

/// The token that the text begins with, and its length.
fn token(rest: &str) -> Option<(Token, usize)> {
    if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
        return Some((Token::Sign(sign), sign.len()));
    }
    if let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        let length = rest[1..].find(quote)?;
        return Some((Token::Text(rest[1..=length].to_owned()), length + 2));
    }
    let end = rest
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.')))
        .unwrap_or(rest.len());
    let word = &rest[..end];
    if word.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return word
            .parse()
            .ok()
            .filter(|n: &f64| n.is_finite())
            .map(|number| (Token::Number(number), end));
    }
    (!word.is_empty()).then(|| (Token::Word(word.to_owned()), end))
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    next: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(_, token)| token)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.next += 1;
        token
    }

    fn skip(&mut self, sign: &'static str) -> bool {
        let is_there = self.peek() == Some(&Token::Sign(sign));
        self.next += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, sign: &'static str) -> Result<(), MathError> {
        if self.skip(sign) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    fn unexpected(&self) -> MathError {
        match self.tokens.get(self.next) {
            Some((at, token)) => MathError::Unexpected {
                found: token.to_string(),
                at: *at,
            },
            None => MathError::Unexpected {
                found: "end".to_owned(),
                at: self.tokens.last().map_or(0, |(at, _)| *at),
            },
        }
    }

    /// A chain of operators that bind alike, each side binding tighter.
    fn level(&mut self, level: usize) -> Result<Tree, MathError> {
        let Some(operators) = LEVELS.get(level) else {
            return self.unary();
        };
        let mut left = self.level(level + 1)?;
        while let Some(operator) = self.operator(operators) {
            let right = self.level(level + 1)?;
            left = Tree::Binary(operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn operator(&mut self, known: &[(&str, Operator)]) -> Option<Operator> {
        let text = match self.peek()? {
            Token::Sign(sign) => *sign,
            Token::Word(word) => word.as_str(),
            Token::Number(_) | Token::Text(_) => return None,
        };
        let operator = known
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, operator)| *operator)?;
        self.next += 1;
        Some(operator)
    }

    fn unary(&mut self) -> Result<Tree, MathError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(MathError::TooDeep);
        }
        let tree = if self.skip("-") {
            Tree::Negation(Box::new(self.unary()?))
        } else {
            self.atom()?
        };
        self.depth -= 1;
        Ok(tree)
    }

    fn atom(&mut self) -> Result<Tree, MathError> {
        match self.peek() {
            Some(Token::Number(_) | Token::Text(_) | Token::Word(_)) => {}
            Some(Token::Sign("(")) => {
                self.next += 1;
                let inner = self.level(0)?;
                self.expect(")")?;
                return Ok(inner);
            }
            Some(Token::Sign("[")) => {
                self.next += 1;
                return self.items("]").map(Tree::List);
            }
            _ => return Err(self.unexpected()),
        }
        match self.take().expect("the token was just looked at") {
            Token::Number(number) => Ok(Tree::Number(number)),
            Token::Text(text) => Ok(Tree::Text(text)),
            Token::Word(word) if self.skip("(") => {
                let function = Function::named(&word).ok_or(MathError::Function(word))?;
                Ok(Tree::Call(function, self.items(")")?))
            }
            Token::Word(word) => Ok(Tree::Name(word)),
            Token::Sign(_) => Err(self.unexpected()),
        }
    }

    /// Trees between commas, up to and with the closing sign.
    fn items(&mut self, end: &'static str) -> Result<Vec<Tree>, MathError> {
        let mut items = Vec::new();
        if self.skip(end) {
            return Ok(items);
        }
        loop {
            items.push(self.level(0)?);
            if self.skip(end) {
                return Ok(items);
            }
            self.expect(",")?;
        }
    }
}
