//! One command line of this program, as its words and as one would type it.
//!
//! **Invariant:** an option and its value are one word, so that a value that begins with a dash stays a value.

use std::fmt;

use serde_json::{Map, Value};

/// Arguments behind the program's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line(pub Vec<String>);

impl Line {
    pub fn option(&mut self, name: &str, value: &str) {
        self.0.push(format!("{name}={value}"));
    }

    pub fn some(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.option(name, value);
        }
    }

    pub fn each(&mut self, name: &str, values: impl IntoIterator<Item = String>) {
        for value in values {
            self.option(name, &value);
        }
    }

    pub fn flag(&mut self, name: &str, is_set: bool) {
        if is_set {
            self.0.push(name.to_owned());
        }
    }

    pub fn members(&mut self, members: Map<String, Value>) {
        if !members.is_empty() {
            self.option("--members", &Value::Object(members).to_string());
        }
    }
}

/// As one would type it in a shell.
impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ecsdeploy")?;
        for word in &self.0 {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
            if !word.is_empty() && word.chars().all(is_plain) {
                write!(f, " {word}")?;
            } else {
                write!(f, " '{}'", word.replace('\'', r"'\''"))?;
            }
        }
        Ok(())
    }
}
