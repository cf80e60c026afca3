//! The functions of metric math that are modelled.

use std::collections::BTreeMap;

use crate::sandbox::Time;
use crate::sandbox::cloudwatch::math::evaluate::{Data, Scope, finite, is_true, map};
use crate::sandbox::cloudwatch::math::parse::{MathError, Tree};
use crate::sandbox::cloudwatch::store::Line;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Abs,
    Avg,
    Ceil,
    Diff,
    Fill,
    Floor,
    If,
    Max,
    Metrics,
    Min,
    Period,
    Rate,
    Sum,
}

const NAMES: [(&str, Function); 13] = [
    ("ABS", Function::Abs),
    ("AVG", Function::Avg),
    ("CEIL", Function::Ceil),
    ("DIFF", Function::Diff),
    ("FILL", Function::Fill),
    ("FLOOR", Function::Floor),
    ("IF", Function::If),
    ("MAX", Function::Max),
    ("METRICS", Function::Metrics),
    ("MIN", Function::Min),
    ("PERIOD", Function::Period),
    ("RATE", Function::Rate),
    ("SUM", Function::Sum),
];

impl Function {
    pub fn named(name: &str) -> Option<Self> {
        NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, function)| *function)
    }

    fn name(self) -> &'static str {
        NAMES
            .iter()
            .find(|(_, function)| *function == self)
            .map_or("", |(name, _)| name)
    }

    fn wrong_count(self) -> MathError {
        MathError::Arguments(self.name())
    }
}

pub(super) fn call<'a>(
    function: Function,
    arguments: &'a [Tree],
    scope: &mut Scope<'a>,
) -> Result<Data, MathError> {
    match (function, arguments) {
        (Function::Metrics, []) => scope.lines_of_metrics(""),
        (Function::Metrics, [Tree::Text(text)]) => scope.lines_of_metrics(text),
        (Function::Fill, [filled, with]) => fill(filled, with, scope),
        (Function::If, [condition, then]) => choose(condition, then, None, scope),
        (Function::If, [condition, then, otherwise]) => {
            choose(condition, then, Some(otherwise), scope)
        }
        (Function::Metrics | Function::Fill | Function::If, _) => Err(function.wrong_count()),
        (_, [only]) => {
            let data = scope.tree(only)?;
            of_one(function, data)
        }
        (Function::Sum | Function::Avg | Function::Min | Function::Max, [_, _, ..]) => Err(
            MathError::Operand("several series are written as a list, [m1, m2]"),
        ),
        _ => Err(function.wrong_count()),
    }
}

fn of_one(function: Function, data: Data) -> Result<Data, MathError> {
    match function {
        Function::Abs => map(data, f64::abs),
        Function::Ceil => map(data, f64::ceil),
        Function::Floor => map(data, f64::floor),
        Function::Diff | Function::Rate => match data {
            Data::Line(line) => Ok(Data::Line(change(function, &line))),
            Data::Lines(lines) => Ok(Data::Lines(
                lines.iter().map(|line| change(function, line)).collect(),
            )),
            _ => Err(MathError::Operand("RATE and DIFF take a time series")),
        },
        Function::Period => match data {
            Data::Line(line) => Ok(Data::Number(line.period.millis() as f64 / 1000.0)),
            _ => Err(MathError::Operand("PERIOD takes a metric")),
        },
        _ => aggregate(function, data),
    }
}

/// One series comes to a number, several come to a series over those that have a value at the time.
fn aggregate(function: Function, data: Data) -> Result<Data, MathError> {
    match data {
        Data::Line(line) => {
            let values: Vec<f64> = line.values.values().copied().collect();
            Ok(fold(function, &values).map_or(Data::Line(line), Data::Number))
        }
        Data::Lines(lines) => {
            let period = lines
                .iter()
                .map(|line| line.period)
                .max()
                .unwrap_or_default();
            let mut columns: BTreeMap<Time, Vec<f64>> = BTreeMap::new();
            for (at, value) in lines.iter().flat_map(|line| &line.values) {
                columns.entry(*at).or_default().push(*value);
            }
            let values = columns
                .into_iter()
                .filter_map(|(at, column)| Some((at, fold(function, &column)?)))
                .collect();
            Ok(Data::Line(Line { period, values }))
        }
        Data::Number(_) | Data::Text(_) => {
            Err(MathError::Operand("an aggregate takes time series"))
        }
    }
}

/// `None` of no values.
fn fold(function: Function, values: &[f64]) -> Option<f64> {
    let sum: f64 = values.iter().sum();
    match function {
        Function::Min => values.iter().copied().reduce(f64::min),
        Function::Max => values.iter().copied().reduce(f64::max),
        Function::Avg => (!values.is_empty()).then(|| sum / values.len() as f64),
        _ => (!values.is_empty()).then_some(sum),
    }
}

/// The change from one value to the next, by the second for RATE.
fn change(function: Function, line: &Line) -> Line {
    let pairs = line.values.iter().zip(line.values.iter().skip(1));
    let values = pairs.map(|((before, old), (at, new))| {
        let seconds = if function == Function::Rate {
            at.since(*before).millis() as f64 / 1000.0
        } else {
            1.0
        };
        (*at, (new - old) / seconds)
    });
    Line {
        values: finite(values),
        ..*line
    }
}

fn fill<'a>(filled: &'a Tree, with: &'a Tree, scope: &mut Scope<'a>) -> Result<Data, MathError> {
    let filler = match with {
        Tree::Name(name) if name == "REPEAT" => Filler::Repeat,
        Tree::Name(name) if name == "LINEAR" => Filler::Linear,
        other => match scope.tree(other)? {
            Data::Number(number) => Filler::Number(number),
            Data::Line(line) => Filler::Line(line),
            Data::Lines(_) | Data::Text(_) => {
                return Err(MathError::Operand(
                    "FILL fills with a number, a series, REPEAT or LINEAR",
                ));
            }
        },
    };
    match scope.tree(filled)? {
        Data::Line(line) => Ok(Data::Line(filler.fill(&line, scope))),
        Data::Lines(lines) => Ok(Data::Lines(
            lines.iter().map(|line| filler.fill(line, scope)).collect(),
        )),
        Data::Number(_) | Data::Text(_) => Err(MathError::Operand("FILL takes a time series")),
    }
}

enum Filler {
    Number(f64),
    Line(Line),
    Repeat,
    Linear,
}

impl Filler {
    fn fill(&self, line: &Line, scope: &Scope<'_>) -> Line {
        let value = |at: Time| line.values.get(&at).copied().or_else(|| self.at(line, at));
        let values = scope
            .starts(line.period)
            .filter_map(|at| Some((at, value(at)?)))
            .collect();
        Line { values, ..*line }
    }

    fn at(&self, line: &Line, at: Time) -> Option<f64> {
        let before = || line.values.range(..at).next_back();
        match self {
            Self::Number(number) => Some(*number),
            Self::Line(other) => other.values.get(&at).copied(),
            Self::Repeat => before().map(|(_, value)| *value),
            Self::Linear => {
                let ((from, low), (to, high)) = (before()?, line.values.range(at..).next()?);
                let part = at.since(*from).millis() as f64 / to.since(*from).millis() as f64;
                Some(low + (high - low) * part)
            }
        }
    }
}

fn choose<'a>(
    condition: &'a Tree,
    then: &'a Tree,
    otherwise: Option<&'a Tree>,
    scope: &mut Scope<'a>,
) -> Result<Data, MathError> {
    let condition = scope.tree(condition)?;
    let then = scope.tree(then)?;
    let otherwise = otherwise.map(|tree| scope.tree(tree)).transpose()?;
    let line = match condition {
        Data::Line(line) => line,
        Data::Number(number) if is_true(number) => return Ok(then),
        Data::Number(_) => {
            return otherwise.ok_or(MathError::Operand(
                "IF with a number needs all three arguments",
            ));
        }
        Data::Lines(_) | Data::Text(_) => {
            return Err(MathError::Operand(
                "the condition of IF is one time series or a number",
            ));
        }
    };
    let chosen = |value: f64| {
        if is_true(value) {
            Some(&then)
        } else {
            otherwise.as_ref()
        }
    };
    let mut values = BTreeMap::new();
    for (at, value) in &line.values {
        let found = match chosen(*value) {
            None => None,
            Some(Data::Number(number)) => Some(*number),
            Some(Data::Line(branch)) => branch.values.get(at).copied(),
            Some(_) => {
                return Err(MathError::Operand(
                    "the branches of IF are time series or numbers",
                ));
            }
        };
        values.extend(found.map(|found| (*at, found)));
    }
    Ok(Data::Line(Line { values, ..line }))
}
