//! The value of an expression over one window.

use std::collections::BTreeMap;

use crate::sandbox::cloudwatch::math::functions;
use crate::sandbox::cloudwatch::math::parse::{Expression, MathError, Operator, Tree};
use crate::sandbox::cloudwatch::statement::{Source, Statement};
use crate::sandbox::cloudwatch::store::{Line, Store, Window};
use crate::sandbox::{Duration, Time};

/// What an expression can be worth.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    Number(f64),
    Line(Line),
    Lines(Vec<Line>),
    Text(String),
}

/// The statements of one request, evaluated as they are needed and each only once.
pub struct Scope<'a> {
    pub statements: &'a [Statement],
    pub store: &'a Store,
    pub window: Window,
    done: BTreeMap<&'a str, Data>,
    under_way: Vec<&'a str>,
}

impl<'a> Scope<'a> {
    pub fn new(statements: &'a [Statement], store: &'a Store, window: Window) -> Self {
        Self {
            statements,
            store,
            window,
            done: BTreeMap::new(),
            under_way: Vec::new(),
        }
    }

    /// The values of a statement. A number becomes a level line over the window's periods.
    pub fn line(&mut self, statement: &'a Statement) -> Result<Line, MathError> {
        let period = self.period_of(statement);
        match self.evaluate(statement)? {
            Data::Line(line) => Ok(line),
            Data::Number(number) => {
                let values = self.starts(period).map(|at| (at, number)).collect();
                Ok(Line { period, values })
            }
            Data::Lines(_) => Err(MathError::Operand(
                "an expression must return one time series",
            )),
            Data::Text(_) => Err(MathError::Operand(
                "an expression must return a time series",
            )),
        }
    }

    /// The starts of the window's periods that have begun.
    pub(super) fn starts(&self, period: Duration) -> impl Iterator<Item = Time> + use<> {
        let now = self.window.now;
        self.window
            .starts(period)
            .take_while(move |start| *start < now)
    }

    fn period_of(&self, statement: &Statement) -> Duration {
        let own = match &statement.source {
            Source::Statistic(stat) => Some(stat.period),
            Source::Expression { period, .. } => *period,
        };
        let of_metrics = self.metrics("").map(|(_, period)| period).min();
        own.or(of_metrics).unwrap_or(Duration::from_secs(60))
    }

    /// The statements that are metrics and whose id holds the text, each with its period.
    fn metrics<'t>(
        &self,
        text: &'t str,
    ) -> impl Iterator<Item = (&'a Statement, Duration)> + use<'a, 't> {
        self.statements
            .iter()
            .filter(move |statement| statement.id.contains(text))
            .filter_map(|statement| match &statement.source {
                Source::Statistic(stat) => Some((statement, stat.period)),
                Source::Expression { .. } => None,
            })
    }

    pub(super) fn lines_of_metrics(&mut self, text: &str) -> Result<Data, MathError> {
        let mut lines = Vec::new();
        for (statement, _) in self.metrics(text) {
            if let Data::Line(line) = self.evaluate(statement)? {
                lines.push(line);
            }
        }
        Ok(Data::Lines(lines))
    }

    fn evaluate(&mut self, statement: &'a Statement) -> Result<Data, MathError> {
        let id = statement.id.as_str();
        if let Some(done) = self.done.get(id) {
            return Ok(done.clone());
        }
        if self.under_way.contains(&id) {
            return Err(MathError::Circular(id.to_owned()));
        }
        self.under_way.push(id);
        let data = match &statement.source {
            Source::Statistic(stat) => Data::Line(self.store.read(
                &stat.metric,
                stat.unit.as_deref(),
                stat.statistic,
                stat.period,
                self.window,
            )),
            Source::Expression {
                expression: Expression { tree, .. },
                ..
            } => self.tree(tree)?,
        };
        self.under_way.pop();
        self.done.insert(id, data.clone());
        Ok(data)
    }

    pub(super) fn tree(&mut self, tree: &'a Tree) -> Result<Data, MathError> {
        match tree {
            Tree::Number(number) => Ok(Data::Number(*number)),
            Tree::Text(text) => Ok(Data::Text(text.clone())),
            Tree::Name(name) => {
                let statement = self
                    .statements
                    .iter()
                    .find(|statement| statement.id == *name);
                self.evaluate(statement.ok_or_else(|| MathError::Unknown(name.clone()))?)
            }
            Tree::List(items) => self.list(items),
            Tree::Negation(inner) => map(self.tree(inner)?, |value| -value),
            Tree::Binary(operator, left, right) => {
                let (left, right) = (self.tree(left)?, self.tree(right)?);
                combine(left, right, |a, b| operator.apply(a, b))
            }
            Tree::Call(function, arguments) => functions::call(*function, arguments, self),
        }
    }

    fn list(&mut self, items: &'a [Tree]) -> Result<Data, MathError> {
        let mut lines = Vec::new();
        for item in items {
            match self.tree(item)? {
                Data::Line(line) => lines.push(line),
                Data::Lines(more) => lines.extend(more),
                Data::Number(_) | Data::Text(_) => {
                    return Err(MathError::Operand("a list holds time series"));
                }
            }
        }
        Ok(Data::Lines(lines))
    }
}

impl Operator {
    fn apply(self, a: f64, b: f64) -> f64 {
        let truth = |is_true: bool| f64::from(u8::from(is_true));
        match self {
            Self::Add => a + b,
            Self::Subtract => a - b,
            Self::Multiply => a * b,
            Self::Divide => a / b,
            Self::Power => a.powf(b),
            Self::Less => truth(a < b),
            Self::LessOrEqual => truth(a <= b),
            Self::Greater => truth(a > b),
            Self::GreaterOrEqual => truth(a >= b),
            Self::Equal => truth(a.total_cmp(&b).is_eq()),
            Self::NotEqual => truth(a.total_cmp(&b).is_ne()),
            Self::And => truth(is_true(a) && is_true(b)),
            Self::Or => truth(is_true(a) || is_true(b)),
        }
    }
}

/// Anything but zero.
pub(super) fn is_true(value: f64) -> bool {
    value.abs() > 0.0
}

/// Every value changed; a value that is no number any more is dropped.
pub(super) fn map(data: Data, change: impl Fn(f64) -> f64) -> Result<Data, MathError> {
    let line = |line: Line| Line {
        values: finite(
            line.values
                .into_iter()
                .map(|(at, value)| (at, change(value))),
        ),
        ..line
    };
    match data {
        Data::Number(number) => Ok(Data::Number(change(number))),
        Data::Line(one) => Ok(Data::Line(line(one))),
        Data::Lines(lines) => Ok(Data::Lines(lines.into_iter().map(line).collect())),
        Data::Text(_) => Err(MathError::Operand("a text is not a number")),
    }
}

/// Two values joined, point by point where both have one.
fn combine(left: Data, right: Data, join: impl Fn(f64, f64) -> f64) -> Result<Data, MathError> {
    match (left, right) {
        (Data::Number(a), Data::Number(b)) => Ok(Data::Number(join(a, b))),
        (left, Data::Number(b)) => map(left, |a| join(a, b)),
        (Data::Number(a), right) => map(right, |b| join(a, b)),
        (Data::Line(a), Data::Line(b)) => Ok(Data::Line(join_lines(&a, &b, &join))),
        (Data::Lines(many), Data::Line(b)) => Ok(Data::Lines(
            many.iter().map(|a| join_lines(a, &b, &join)).collect(),
        )),
        (Data::Line(a), Data::Lines(many)) => Ok(Data::Lines(
            many.iter().map(|b| join_lines(&a, b, &join)).collect(),
        )),
        (Data::Lines(_), Data::Lines(_)) => Err(MathError::Operand("two lists of time series")),
        (Data::Text(_), _) | (_, Data::Text(_)) => {
            Err(MathError::Operand("a text is not a number"))
        }
    }
}

fn join_lines(a: &Line, b: &Line, join: &impl Fn(f64, f64) -> f64) -> Line {
    let both = a
        .values
        .iter()
        .filter_map(|(at, left)| b.values.get(at).map(|right| (*at, join(*left, *right))));
    Line {
        period: a.period.max(b.period),
        values: finite(both),
    }
}

pub(super) fn finite<K: Ord>(values: impl Iterator<Item = (K, f64)>) -> BTreeMap<K, f64> {
    values.filter(|(_, value)| value.is_finite()).collect()
}
