//! Deployment configurations: how traffic moves from blue to green.

use serde_json::{Value, json};

use crate::sandbox::input::Input;
use crate::sandbox::{ApiError, Duration};

/// How much of the traffic green has, by time since the shift began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shift {
    AllAtOnce,
    /// So many percent at first, and again after each so many minutes.
    Linear {
        percent: u64,
        minutes: u64,
    },
    /// So many percent at first, and the rest after so many minutes.
    Canary {
        percent: u64,
        minutes: u64,
    },
}

/// The configurations that every account has.
const PREDEFINED: [(&str, Shift); 5] = [
    ("CodeDeployDefault.ECSAllAtOnce", Shift::AllAtOnce),
    (
        "CodeDeployDefault.ECSLinear10PercentEvery1Minutes",
        Shift::Linear {
            percent: 10,
            minutes: 1,
        },
    ),
    (
        "CodeDeployDefault.ECSLinear10PercentEvery3Minutes",
        Shift::Linear {
            percent: 10,
            minutes: 3,
        },
    ),
    (
        "CodeDeployDefault.ECSCanary10Percent5Minutes",
        Shift::Canary {
            percent: 10,
            minutes: 5,
        },
    ),
    (
        "CodeDeployDefault.ECSCanary10Percent15Minutes",
        Shift::Canary {
            percent: 10,
            minutes: 15,
        },
    ),
];

/// What a group has that names no configuration.
pub const DEFAULT: &str = "CodeDeployDefault.ECSAllAtOnce";

pub fn predefined(name: &str) -> Option<Shift> {
    let found = PREDEFINED.iter().find(|(known, _)| *known == name);
    found.map(|(_, shift)| *shift)
}

impl Shift {
    /// Green's percent of the traffic.
    pub fn percent(self, since_begin: Duration) -> u64 {
        let minutes = since_begin.millis() / 60_000;
        match self {
            Self::Linear {
                percent,
                minutes: every,
            } => (percent * (minutes / every + 1)).min(100),
            Self::Canary {
                percent,
                minutes: until,
            } if minutes < until => percent,
            Self::Canary { .. } | Self::AllAtOnce => 100,
        }
    }

    /// Reads `trafficRoutingConfig`.
    pub fn read(input: Input<'_>) -> Result<Self, ApiError> {
        let part = |member: &str, percent: &str, interval: &str| {
            let part = input.at(member).ok_or_else(|| invalid(input))?;
            let percent = part.int(percent, 1..=99)?.ok_or_else(|| invalid(input))?;
            let minutes = part
                .int(interval, 1..=2880)?
                .ok_or_else(|| invalid(input))?;
            Ok((percent, minutes))
        };
        match input.text("type") {
            Some("AllAtOnce") => Ok(Self::AllAtOnce),
            Some("TimeBasedLinear") => {
                let (percent, minutes) =
                    part("timeBasedLinear", "linearPercentage", "linearInterval")?;
                Ok(Self::Linear { percent, minutes })
            }
            Some("TimeBasedCanary") => {
                let (percent, minutes) =
                    part("timeBasedCanary", "canaryPercentage", "canaryInterval")?;
                Ok(Self::Canary { percent, minutes })
            }
            _ => Err(invalid(input)),
        }
    }

    /// The shape `TrafficRoutingConfig`.
    pub fn show(self) -> Value {
        match self {
            Self::AllAtOnce => json!({"type": "AllAtOnce"}),
            Self::Linear { percent, minutes } => json!({
                "type": "TimeBasedLinear",
                "timeBasedLinear": {"linearPercentage": percent, "linearInterval": minutes},
            }),
            Self::Canary { percent, minutes } => json!({
                "type": "TimeBasedCanary",
                "timeBasedCanary": {"canaryPercentage": percent, "canaryInterval": minutes},
            }),
        }
    }
}

fn invalid(_: Input<'_>) -> ApiError {
    ApiError::client(
        "InvalidTrafficRoutingConfigurationException",
        "The traffic routing configuration is not valid.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traffic_moves_as_the_configuration_says() {
        let check = |name: &str, minutes: u64, percent: u64| {
            let shift = predefined(&format!("CodeDeployDefault.ECS{name}")).unwrap();
            assert_eq!(
                shift.percent(Duration::from_secs(60 * minutes)),
                percent,
                "{name} {minutes}"
            );
        };
        check("AllAtOnce", 0, 100);
        check("Linear10PercentEvery1Minutes", 0, 10);
        check("Linear10PercentEvery1Minutes", 1, 20);
        check("Linear10PercentEvery1Minutes", 9, 100);
        check("Linear10PercentEvery1Minutes", 90, 100);
        check("Linear10PercentEvery3Minutes", 8, 30);
        check("Canary10Percent5Minutes", 4, 10);
        check("Canary10Percent5Minutes", 5, 100);
    }
}
