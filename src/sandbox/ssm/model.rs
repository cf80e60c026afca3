//! What Parameter Store remembers.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::sandbox::{ApiError, Rng, Time, World, ids};

/// Versions of one parameter that are kept (SSM user guide, "parameter versions").
const VERSIONS_KEPT: usize = 100;

/// Everything that Parameter Store remembers, by full name.
#[derive(Clone, Debug, Default)]
pub struct Ssm {
    pub parameters: BTreeMap<String, Parameter>,
}

/// A parameter with its versions, oldest first; there is always one.
#[derive(Clone, Debug)]
pub struct Parameter {
    pub name: String,
    pub arn: String,
    pub kind: Kind,
    pub tier: Tier,
    pub description: Option<String>,
    pub key_id: Option<String>,
    pub data_type: String,
    pub tags: BTreeMap<String, String>,
    versions: Vec<Version>,
}

/// One value of a parameter.
#[derive(Clone, Debug)]
pub struct Version {
    /// From 1.
    pub number: u64,
    pub value: String,
    pub modified: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Plain,
    List,
    Secure,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    Standard,
    Advanced,
}

/// Whether secure strings are to be read in clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    Decrypted,
    AsStored,
}

impl Kind {
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Plain, Self::List, Self::Secure]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "String",
            Self::List => "StringList",
            Self::Secure => "SecureString",
        }
    }
}

impl Tier {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "Standard",
            Self::Advanced => "Advanced",
        }
    }

    /// Bytes that a value may have.
    pub const fn most_bytes(self) -> usize {
        match self {
            Self::Standard => 4096,
            Self::Advanced => 8192,
        }
    }

    /// Parameters of this tier that an account may have in a region.
    pub const fn most_parameters(self) -> usize {
        match self {
            Self::Standard => 10_000,
            Self::Advanced => 100_000,
        }
    }
}

impl Parameter {
    /// A parameter without a value yet: [`Parameter::push`] gives it its first.
    pub fn new(world: &World, name: &str, kind: Kind, tier: Tier) -> Self {
        Self {
            name: name.to_owned(),
            arn: world.arn(
                "ssm",
                &format!("parameter/{}", name.trim_start_matches('/')),
            ),
            kind,
            tier,
            description: None,
            key_id: None,
            data_type: "text".to_owned(),
            tags: BTreeMap::new(),
            versions: vec![],
        }
    }

    /// Adds a version, forgets the oldest of too many, and says the new one's number.
    pub fn push(&mut self, value: &str, now: Time) -> u64 {
        let number = self.versions.last().map_or(1, |last| last.number + 1);
        self.versions.push(Version {
            number,
            value: value.to_owned(),
            modified: now,
        });
        if self.versions.len() > VERSIONS_KEPT {
            self.versions.remove(0);
        }
        number
    }

    pub fn latest(&self) -> &Version {
        self.versions.last().expect("a parameter has a version")
    }

    pub fn versions(&self) -> &[Version] {
        &self.versions
    }

    /// The shape `Parameter`.
    pub fn show(&self, version: &Version, reading: Reading, selector: Option<&str>) -> Value {
        let mut shown = json!({
            "Name": self.name,
            "Type": self.kind.as_str(),
            "Value": self.value(version, reading),
            "Version": version.number,
            "LastModifiedDate": version.modified.epoch_seconds(),
            "ARN": self.arn,
            "DataType": self.data_type,
        });
        if let Some(selector) = selector {
            shown["Selector"] = format!(":{selector}").into();
        }
        shown
    }

    /// The value; of a secure string that is not decrypted, something that looks like a ciphertext.
    pub fn value(&self, version: &Version, reading: Reading) -> String {
        if self.kind != Kind::Secure || reading == Reading::Decrypted {
            return version.value.clone();
        }
        let number = version.number.to_string();
        let mut stream = Rng::named(0, &["ciphertext", &self.arn, &number]);
        format!("AQICAH{}", ids::base62(&mut stream, 122))
    }
}

impl Ssm {
    /// A parameter by name or ARN.
    pub fn find(&self, name: &str) -> Option<&Parameter> {
        self.parameters.get(name).or_else(|| {
            name.starts_with("arn:")
                .then(|| self.parameters.values().find(|p| p.arn == name))?
        })
    }
}

/// AWS says no more than the code.
pub fn not_found() -> ApiError {
    ApiError::client("ParameterNotFound", "")
}
