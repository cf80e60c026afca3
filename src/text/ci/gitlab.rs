//! GitLab CI: folds of the job's log, variables of a dotenv report, links of an annotations report.
//!
//! Formats by "Custom collapsible sections", `artifacts:reports:dotenv` and `artifacts:reports:annotations`
//! (docs.gitlab.com).

use jiff::Timestamp;
use serde_json::{Value, json};

/// What begins a fold that is closed at first; [`section_end`] with the same name ends it.
pub fn section_start(name: &str, title: &str, now: Timestamp) -> String {
    let second = now.as_second();
    let title = crate::text::terminal::inert(title).replace('\n', " ");
    format!("\u{1b}[0Ksection_start:{second}:{name}[collapsed=true]\r\u{1b}[0K{title}\n")
}

pub fn section_end(name: &str, now: Timestamp) -> String {
    let second = now.as_second();
    format!("\u{1b}[0Ksection_end:{second}:{name}\r\u{1b}[0K\n")
}

/// A variable of a dotenv report, which knows no line breaks and no quotes: `task-definition-arn` becomes
/// `ECSDEPLOY_TASK_DEFINITION_ARN`.
pub fn variable(output: &str, value: &str) -> String {
    let name = output.replace('-', "_").to_ascii_uppercase();
    let value: String = value
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    format!("ECSDEPLOY_{name}={}\n", value.trim())
}

/// An annotations report: labels and addresses.
pub fn links(links: &[(&str, &str)]) -> Value {
    let links: Vec<Value> = links
        .iter()
        .map(|(label, url)| json!({"external_link": {"label": label, "url": url}}))
        .collect();
    json!({"ecsdeploy": links})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stays_on_its_line() {
        assert_eq!(
            variable("task-definition-arn", "arn:x\nPATH=/evil"),
            "ECSDEPLOY_TASK_DEFINITION_ARN=arn:x PATH=/evil\n"
        );
    }

    #[test]
    fn a_fold_is_closed_at_first_and_its_title_obeys_nobody() {
        let now = Timestamp::from_second(7).unwrap();
        assert_eq!(
            section_start("plan", "Plan\u{1b}[2J", now),
            "\u{1b}[0Ksection_start:7:plan[collapsed=true]\r\u{1b}[0KPlan\u{fffd}[2J\n"
        );
        assert_eq!(
            section_end("plan", now),
            "\u{1b}[0Ksection_end:7:plan\r\u{1b}[0K\n"
        );
    }

    #[test]
    fn links_are_in_one_group() {
        let report = links(&[("service", "https://a.test")]);
        assert_eq!(report["ecsdeploy"][0]["external_link"]["label"], "service");
    }
}
