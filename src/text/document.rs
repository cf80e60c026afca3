//! Task definitions that need no template: JSON and YAML files, told apart by their names.
//!
//! **Invariant:** a document is read whole or not at all, with every member that stands in it, known or not.

use serde_json::Value;

use super::complaint::{Complaint, Place};
use super::{json, yaml};

/// What a task-definition file holds, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentKind {
    /// Plain JSON.
    Json,
    /// Plain YAML.
    Yaml,
    /// A Handlebars template of a JSON document.
    JsonTemplate,
}

const ENDINGS: [&str; 4] = [".json", ".yaml", ".yml", ".json.hbs"];

/// What the file at `path` holds, by the end of its name.
pub fn kind_of(path: &str) -> Result<DocumentKind, Complaint> {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let lower = name.to_ascii_lowercase();
    let (stem, ending) = lower.rsplit_once('.').unwrap_or((&lower, ""));
    match ending {
        "json" => Ok(DocumentKind::Json),
        "yaml" | "yml" => Ok(DocumentKind::Yaml),
        "hbs" | "handlebars" if is_yaml(stem) => Err(unknown(name)
            .hint("templates are of JSON: write the document as JSON, ending in .json.hbs")),
        "hbs" | "handlebars" => Ok(DocumentKind::JsonTemplate),
        "tpl" | "tftpl" => Err(unknown(name).hint(
            "for a Terraform template, end the name in .json.hbs, write {{x}} for ${x}, and {{json x}} for \
             ${jsonencode(x)}",
        )),
        _ => Err(unknown(name)),
    }
}

/// The JSON document in `text`, the content of the file `name`: an object.
pub fn parse_json(name: &str, text: &str) -> Result<Value, Complaint> {
    let text = text.trim_start_matches('\u{feff}');
    let value = read_json(name, text)?;
    object(value).ok_or_else(|| not_an_object(name, text))
}

/// The YAML document in `text`, the content of the file `name`: an object.
pub fn parse_yaml(name: &str, text: &str) -> Result<Value, Complaint> {
    let value = yaml::read(name, text)?;
    object(value).ok_or_else(|| not_an_object(name, text))
}

/// Any JSON value, with the place of what is wrong with it.
pub(super) fn read_json(name: &str, text: &str) -> Result<Value, Complaint> {
    json::parse(text).map_err(|fault| {
        let place = Place::new(name, text, fault.at..fault.at + 1);
        let complaint = Complaint::new(fault.message).at(place);
        fault.hint.into_iter().fold(complaint, Complaint::hint)
    })
}

fn object(value: Value) -> Option<Value> {
    value.is_object().then_some(value)
}

fn not_an_object(name: &str, text: &str) -> Complaint {
    let blank = text.len() - text.trim_start().len();
    Complaint::new("a task definition is an object").at(Place::new(name, text, blank..blank + 1))
}

fn unknown(name: &str) -> Complaint {
    Complaint::new(format!("`{name}` is no kind of task definition")).allow(ENDINGS)
}

fn is_yaml(stem: &str) -> bool {
    let ending = stem.rsplit_once('.').map(|(_, ending)| ending);
    matches!(ending, Some("yaml" | "yml"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_name_tells_what_a_file_holds() {
        let check = |path: &str, kind: DocumentKind| assert_eq!(kind_of(path), Ok(kind), "{path}");
        check("td.json", DocumentKind::Json);
        check("deploy.d/TD.JSON", DocumentKind::Json);
        check("td.yaml", DocumentKind::Yaml);
        check("a\\b\\td.yml", DocumentKind::Yaml);
        check("service.json.hbs", DocumentKind::JsonTemplate);
        check("service.hbs", DocumentKind::JsonTemplate);
        check("service.json.handlebars", DocumentKind::JsonTemplate);
    }

    #[test]
    fn another_name_says_which_are_known() {
        let hints = |path: &str| kind_of(path).unwrap_err().hints().join("\n");
        assert!(hints("td.json.tpl").contains("write {{x}} for ${x}"));
        assert!(hints("td.tftpl").contains("write {{x}} for ${x}"));
        assert!(hints("td.yml.hbs").contains("write the document as JSON"));
        let complaint = kind_of("conf.d/td").unwrap_err();
        assert_eq!(complaint.message(), "`td` is no kind of task definition");
        assert_eq!(complaint.allowed(), ENDINGS);
    }

    #[test]
    fn unknown_members_and_their_order_survive() {
        let text = r#"{"zeta":{"bornTomorrow":[1,{"x":null}]},"family":"web"}"#;
        assert_eq!(parse_json("td.json", text).unwrap().to_string(), text);
        assert_eq!(parse_yaml("td.yml", text).unwrap().to_string(), text);
        let yaml = "family: web\ncpu: '256'\n";
        assert_eq!(
            parse_yaml("td.yml", yaml),
            Ok(json!({"family": "web", "cpu": "256"}))
        );
    }

    #[test]
    fn what_is_wrong_is_shown_where_it_stands() {
        let check = |text: &str, line: &str| {
            assert_eq!(parse_json("td.json", text).unwrap_err().to_string(), line);
        };
        check("{\n  \"cpu\": 1,\n}", "td.json:2:11: trailing comma");
        check("{\"a\": 1\n", "td.json:1:8: the text ends inside an object");
        check("{\"a\":1,\n \"a\":2}", "td.json:2:2: duplicate member `a`");
        check(" []", "td.json:1:2: a task definition is an object");
        check("", "td.json:1:1: the text ends inside a value");
    }
}
