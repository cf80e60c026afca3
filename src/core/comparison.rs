//! Two task definitions, or a service and its document, beside each other as a reader gets them: canonical, so that only what matters differs, without
//! secrets, and with images as they were written where they differ.
//!
//! **Invariant:** nothing differs here exactly if [`same`](super::taskdef::same) says that nothing does.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::diff::{Change, diff};
use super::live::Service;
use super::redact::Redactor;
use super::service_document::ServiceDocument;
use super::taskdef::{Container, TaskDefinition, compared};

/// What is there and what is wanted. Both documents may be published: they hold no secrets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    pub running: Value,
    pub wanted: Value,
}

impl Comparison {
    pub fn of(running: &TaskDefinition, wanted: &TaskDefinition, redactor: &Redactor) -> Self {
        let (from, to) = compared(running, wanted);
        let (mut from, mut to) = (from.into_value(), to.into_value());
        spell_images((&mut from, running), (&mut to, wanted));
        let (running, wanted) = redactor.documents(&from, &to);
        Self { running, wanted }
    }

    /// What a file manages of a service, beside what the service has in its place.
    pub fn of_service(managed: &ServiceDocument, service: &Service, redactor: &Redactor) -> Self {
        let (running, wanted) = managed.compared(service);
        let (running, wanted) = redactor.documents(&running, &wanted);
        Self { running, wanted }
    }

    pub fn changes(&self) -> Vec<Change> {
        diff(&self.running, &self.wanted)
    }

    pub fn is_empty(&self) -> bool {
        self.running == self.wanted
    }
}

/// The canonical form keeps the digest alone; where images differ, their tags are what people know them by.
fn spell_images(from: (&mut Value, &TaskDefinition), to: (&mut Value, &TaskDefinition)) {
    let differs = |name: &str| image(from.0, name) != image(to.0, name);
    let names: Vec<&str> = from
        .1
        .containers()
        .chain(to.1.containers())
        .map(Container::name)
        .collect();
    let differing: Vec<&str> = names.into_iter().filter(|name| differs(name)).collect();
    for (form, definition) in [from, to] {
        for container in containers(form) {
            let name = container
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let written = definition
                .containers()
                .find(|known| known.name() == name)
                .and_then(|known| known.get("image"));
            if let Some(written) = written.filter(|_| differing.contains(&name)) {
                container["image"] = written.clone();
            }
        }
    }
}

fn containers(form: &mut Value) -> impl Iterator<Item = &mut Value> {
    let list = form
        .get_mut("containerDefinitions")
        .and_then(Value::as_array_mut);
    list.into_iter().flatten()
}

fn image<'a>(form: &'a Value, container: &str) -> Option<&'a Value> {
    let list = form.get("containerDefinitions")?.as_array()?;
    list.iter()
        .find(|it| it.get("name").and_then(Value::as_str) == Some(container))?
        .get("image")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::taskdef::same;

    const DIGEST: &str = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    fn web(image: &str, password: &str) -> TaskDefinition {
        TaskDefinition::from_value(json!({
            "family": "web",
            "containerDefinitions": [{
                "name": "web", "image": image, "essential": true,
                "environment": [{"name": "DB_PASSWORD", "value": password}],
            }],
        }))
        .unwrap()
    }

    fn check(running: &TaskDefinition, wanted: &TaskDefinition, lines: &[&str]) {
        let comparison = Comparison::of(running, wanted, &Redactor::default());
        assert_eq!(comparison.is_empty(), same(running, wanted));
        let found: Vec<String> = comparison
            .changes()
            .iter()
            .map(|it| format!("{} {:?}", it.path, it.kind))
            .collect();
        assert_eq!(found, lines);
    }

    #[test]
    fn a_changed_image_is_shown_with_its_tag() {
        let pinned = format!("web:2@{DIGEST}");
        let line = format!(
            "containerDefinitions[web].image Changed {{ from: String(\"web:1\"), to: String(\"{pinned}\") }}"
        );
        check(&web("web:1", "a"), &web(&pinned, "a"), &[&line]);
    }

    #[test]
    fn another_tag_of_the_same_digest_is_no_change() {
        let (one, two) = (format!("web:1@{DIGEST}"), format!("web:2@{DIGEST}"));
        check(&web(&one, "a"), &web(&two, "a"), &[]);
    }

    #[test]
    fn a_changed_secret_is_a_change_that_tells_nothing() {
        let line = "containerDefinitions[web].environment[DB_PASSWORD].value Changed { from: String(\"«redacted»\"), to: String(\"«redacted:changed»\") }";
        check(&web("web:1", "hunter1"), &web("web:1", "hunter2"), &[line]);
    }
}
