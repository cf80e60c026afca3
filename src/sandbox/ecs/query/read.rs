//! Reads expressions of the cluster query language.

use super::expression::{Expression, Operator, Subject};
use super::pattern::Pattern;

/// How deep negations and parentheses may nest; it keeps a hostile text from exhausting the stack.
const DEEPEST: usize = 64;

/// Why an expression cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// No such expression exists.
    #[error("{0}")]
    Malformed(String),
    /// AWS would take it.
    #[error("{0}")]
    NotModelled(String),
}

/// Reads one whole expression.
pub fn read(text: &str) -> Result<Expression, Unreadable> {
    let mut reader = Reader {
        words: words(text)?,
        place: 0,
        depth: 0,
    };
    let expression = reader.any()?;
    match reader.peek() {
        None => Ok(expression),
        Some(word) => Err(malformed(format!("unexpected '{word}'"))),
    }
}

fn malformed(what: impl Into<String>) -> Unreadable {
    Unreadable::Malformed(what.into())
}

const SIGNS: [&str; 13] = [
    "==", "!=", ">=", "<=", "=~", "!~", "&&", "||", "(", ")", "[", "]", ",",
];

/// Splits a text into signs and words; quoted text is one word.
fn words(text: &str) -> Result<Vec<String>, Unreadable> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if first == '\'' || first == '"' {
            let end = rest[1..].find(first);
            let end = end.ok_or_else(|| malformed("a quote is not closed"))?;
            words.push(rest[1..=end].to_owned());
            rest = rest[end + 2..].trim_start();
            continue;
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            sign.len()
        } else if "<>!".contains(first) {
            1
        } else {
            let is_end = |c: char| c.is_whitespace() || "=!<>&|()[],'\"".contains(c);
            rest.find(is_end)
                .unwrap_or(rest.len())
                .max(first.len_utf8())
        };
        words.push(rest[..length].to_owned());
        rest = rest[length..].trim_start();
    }
    Ok(words)
}

struct Reader {
    words: Vec<String>,
    place: usize,
    depth: usize,
}

impl Reader {
    fn peek(&self) -> Option<&str> {
        self.words.get(self.place).map(String::as_str)
    }

    fn next(&mut self) -> Result<String, Unreadable> {
        let word = self.words.get(self.place).cloned();
        self.place += 1;
        word.ok_or_else(|| malformed("the expression ends too early"))
    }

    fn takes(&mut self, spellings: &[&str]) -> bool {
        let is_next = self.peek().is_some_and(|word| spellings.contains(&word));
        self.place += usize::from(is_next);
        is_next
    }

    fn any(&mut self) -> Result<Expression, Unreadable> {
        let mut parts = vec![self.all()?];
        while self.takes(&["or", "||"]) {
            parts.push(self.all()?);
        }
        Ok(Expression::Any(parts))
    }

    fn all(&mut self) -> Result<Expression, Unreadable> {
        let mut parts = vec![self.one()?];
        while self.takes(&["and", "&&"]) {
            parts.push(self.one()?);
        }
        Ok(Expression::All(parts))
    }

    fn one(&mut self) -> Result<Expression, Unreadable> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(malformed("it nests too deeply"));
        }
        let read = self.one_of_any_kind();
        self.depth -= 1;
        read
    }

    fn one_of_any_kind(&mut self) -> Result<Expression, Unreadable> {
        if self.takes(&["not", "!"]) {
            return Ok(Expression::Not(Box::new(self.one()?)));
        }
        if self.takes(&["("]) {
            let inner = self.any()?;
            return if self.takes(&[")"]) {
                Ok(inner)
            } else {
                Err(malformed("a parenthesis is not closed"))
            };
        }
        let subject = subject(&self.next()?)?;
        self.test(subject)
    }

    fn test(&mut self, subject: Subject) -> Result<Expression, Unreadable> {
        let word = self.next()?;
        let (operator, is_negated) = match word.as_str() {
            "exists" => (Operator::Exists, false),
            "not_exists" => (Operator::Exists, true),
            // `!exists` and `!in` come in two words.
            "!" if self.takes(&["exists"]) => (Operator::Exists, true),
            "!" if self.takes(&["in"]) => (Operator::In(self.list()?), true),
            "==" | "equals" => (Operator::Equals(self.next()?), false),
            "!=" | "not_equals" => (Operator::Equals(self.next()?), true),
            ">" | "greater_than" => (Operator::Greater(self.next()?), false),
            "<=" | "less_than_equal" => (Operator::Greater(self.next()?), true),
            "<" | "less_than" => (Operator::Less(self.next()?), false),
            ">=" | "greater_than_equal" => (Operator::Less(self.next()?), true),
            "in" => (Operator::In(self.list()?), false),
            "not_in" => (Operator::In(self.list()?), true),
            "=~" | "matches" => (Operator::Matches(pattern(&self.next()?)?), false),
            "!~" | "not_matches" => (Operator::Matches(pattern(&self.next()?)?), true),
            other => return Err(malformed(format!("'{other}' is no operator"))),
        };
        let test = Expression::Test(subject, operator);
        Ok(if is_negated {
            Expression::Not(Box::new(test))
        } else {
            test
        })
    }

    /// `[a, b]`.
    fn list(&mut self) -> Result<Vec<String>, Unreadable> {
        if !self.takes(&["["]) {
            return Err(malformed("a list must stand in brackets"));
        }
        let mut items = vec![self.next()?];
        while self.takes(&[","]) {
            items.push(self.next()?);
        }
        if self.takes(&["]"]) {
            Ok(items)
        } else {
            Err(malformed("a bracket is not closed"))
        }
    }
}

fn subject(word: &str) -> Result<Subject, Unreadable> {
    match word {
        "task:group" => Ok(Subject::TaskGroup),
        "agentConnected" => Ok(Subject::AgentConnected),
        "ec2InstanceId" => Ok(Subject::InstanceId),
        "runningTasksCount" => Ok(Subject::RunningTasks),
        "agentVersion" | "registeredAt" => {
            Err(Unreadable::NotModelled(format!("expressions on {word}")))
        }
        _ => match word.strip_prefix("attribute:") {
            Some(name) if !name.is_empty() => Ok(Subject::Attribute(name.to_owned())),
            _ => Err(malformed(format!("'{word}' is no subject"))),
        },
    }
}

fn pattern(text: &str) -> Result<Pattern, Unreadable> {
    let refused = || Unreadable::NotModelled(format!("the regular expression {text}"));
    Pattern::read(text).ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::sandbox::Time;
    use crate::sandbox::ecs::instances::{Instance, InstanceStatus};
    use crate::sandbox::ecs::query::Facts;

    fn instance() -> Instance {
        Instance {
            id: "0123".into(),
            arn: "arn".into(),
            ec2_id: "i-1".into(),
            kind: "m5.large".into(),
            zone: "eu-west-1a".into(),
            cpu: 2048,
            memory: 4096,
            status: InstanceStatus::Active,
            registered_at: Time::DEFAULT_START,
            tags: Vec::new(),
            last_port: 0,
        }
    }

    #[test]
    fn expressions_mean_what_the_guide_says() {
        let (instance, tasks) = (instance(), BTreeMap::new());
        for (text, holds) in [
            ("attribute:ecs.availability-zone == eu-west-1a", true),
            ("attribute:ecs.availability-zone equals eu-west-1b", false),
            ("attribute:ecs.instance-type =~ m5.*", true),
            ("attribute:ecs.instance-type !~ m5.*", false),
            (
                "attribute:ecs.instance-type in [t2.small, 'm5.large']",
                true,
            ),
            ("attribute:ecs.instance-type not_in [t2.small]", true),
            ("attribute:ecs.instance-type !in [m5.large]", false),
            ("attribute:stack exists", false),
            ("attribute:stack !exists", true),
            ("attribute:stack not_exists", true),
            ("attribute:stack != prod", true),
            ("ec2InstanceId in ['i-1', 'i-2']", true),
            ("agentConnected==true", true),
            ("runningTasksCount < 1", true),
            ("runningTasksCount >= 1", false),
            ("not(task:group == service:web)", true),
            (
                "agentConnected == true and (ec2InstanceId == i-2 or ec2InstanceId == i-1)",
                true,
            ),
            (
                "agentConnected == false || attribute:ecs.os-type == linux && ec2InstanceId == i-1",
                true,
            ),
        ] {
            let facts = Facts {
                instance: &instance,
                tasks: &tasks,
            };
            assert_eq!(read(text).unwrap().holds(facts), holds, "{text}");
        }
    }

    #[test]
    fn what_is_no_expression_is_refused_and_what_is_not_modelled_is_named() {
        for text in [
            "",
            "attribute:a",
            "attribute: == x",
            "a == b",
            "attribute:a == ",
            "(attribute:a exists",
            "attribute:a in x",
            "attribute:a in [x",
            "attribute:a exists b",
            "attribute:a == 'x",
            &"(".repeat(100_000),
            &"not ".repeat(100_000),
        ] {
            assert!(
                matches!(read(text), Err(Unreadable::Malformed(_))),
                "{text:.99}"
            );
        }
        for text in ["registeredAt > 2026-01-01", "attribute:a =~ (x|y)"] {
            assert!(
                matches!(
                    read(text),
                    Err(Unreadable::NotModelled(_) | Unreadable::Malformed(_))
                ),
                "{text}"
            );
        }
    }
}
