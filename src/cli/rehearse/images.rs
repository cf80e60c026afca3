//! The images of a copy: which there are, how long they take to start, and those that stand for bad releases.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::copy::Copy;
use super::release::Release;
use crate::core::live::Task;
use crate::core::taskdef::{ImageRef, TaskDefinition};

/// How long a task takes to start.
#[derive(Clone, Debug, PartialEq)]
pub struct Pace {
    /// Tasks that it was measured on; none means that the sandbox's own pace is assumed.
    measured: usize,
    pull_millis: u64,
    start_millis: u64,
}

impl Pace {
    /// The median of what running tasks took to pull and to start.
    pub fn measured(tasks: &[Task]) -> Self {
        let mut pulls: Vec<u64> = tasks
            .iter()
            .filter_map(|t| between(t, "pullStartedAt", "pullStoppedAt"))
            .collect();
        let mut starts: Vec<u64> = tasks
            .iter()
            .filter_map(|t| between(t, "pullStoppedAt", "startedAt"))
            .collect();
        Self {
            measured: pulls.len().min(starts.len()),
            pull_millis: median(&mut pulls),
            start_millis: median(&mut starts),
        }
    }

    pub fn assumption(&self) -> String {
        let readiness = "answers its health check 5 s after it runs";
        if self.measured == 0 {
            return format!("a task pulls in 8 s, starts in 3 s and {readiness}");
        }
        format!(
            "a task pulls in {:.1} s and starts in {:.1} s (median of {} running tasks) and {readiness}",
            self.pull_millis as f64 / 1000.0,
            self.start_millis as f64 / 1000.0,
            self.measured
        )
    }

    fn behaviour(&self) -> Value {
        if self.measured == 0 {
            return json!({});
        }
        json!({
            "pullTime": format!("{}ms", self.pull_millis),
            "startTime": format!("{}ms", self.start_millis),
        })
    }
}

fn between(task: &Task, from: &str, to: &str) -> Option<u64> {
    let at = |member: &str| task.as_value()[member].as_f64();
    let seconds = at(to)? - at(from)?;
    (seconds >= 0.0).then_some((seconds * 1000.0).round() as u64)
}

fn median(of: &mut [u64]) -> u64 {
    of.sort_unstable();
    of.get(of.len() / 2).copied().unwrap_or_default()
}

/// `repositories` and `images` of the world file: the images of these documents, and the bad releases'.
pub fn sections(
    documents: &[&TaskDefinition],
    account: &str,
    region: &str,
    pace: &Pace,
) -> (Value, Value) {
    let mut ours: BTreeMap<String, Vec<ImageRef>> = BTreeMap::new();
    let mut others: BTreeSet<String> = BTreeSet::new();
    let texts = documents.iter().flat_map(|document| document.containers());
    let texts: BTreeSet<String> = texts.filter_map(|c| c.image().map(str::to_owned)).collect();
    for text in texts {
        let Ok(image) = text.parse::<ImageRef>() else {
            others.insert(text);
            continue;
        };
        match image.ecr() {
            Some(ecr) if ecr.account.to_string() == account && ecr.region == region => {
                ours.entry(ecr.repository).or_default().push(image);
            }
            _ => {
                others.insert(text);
            }
        }
    }
    let repositories: Vec<Value> = ours
        .iter()
        .map(|(name, images)| repository(name, images, pace))
        .collect();
    let mut images: Vec<Value> = others
        .iter()
        .map(|image| json!({"image": image, "behaviour": pace.behaviour()}))
        .collect();
    images.extend(
        Release::BAD
            .iter()
            .map(|release| release.image_entry(pace.behaviour())),
    );
    (json!(repositories), json!(images))
}

/// A tag may have moved from one digest to another, and leads to one of them only.
fn repository(name: &str, images: &[ImageRef], pace: &Pace) -> Value {
    let mut by_digest: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let mut tags: BTreeSet<&str> = BTreeSet::new();
    // Pinned images first: they know where a tag leads.
    for image in images.iter().filter(|image| image.is_pinned()) {
        let digest = image.digest().map(ToString::to_string).unwrap_or_default();
        let of_digest = by_digest.entry(digest).or_default();
        of_digest.extend(image.tag().filter(|tag| tags.insert(tag)));
    }
    let mut entries: Vec<Value> = by_digest
        .iter()
        .map(|(digest, tags)| json!({"imageDigest": digest, "imageTags": tags, "behaviour": pace.behaviour()}))
        .collect();
    for image in images.iter().filter(|image| !image.is_pinned()) {
        let tag = image.tag().unwrap_or("latest");
        if tags.insert(tag) {
            entries.push(json!({"imageTags": [tag], "behaviour": pace.behaviour()}));
        }
    }
    json!({"repositoryName": name, "images": entries})
}

/// Lets the copy have the images of a document that it was not made for: a record knows those of its own time.
pub fn admit(copy: &mut Copy, wanted: &TaskDefinition) {
    let known = serde_json::to_string(&copy.world).expect("a world file is JSON");
    for container in wanted.containers() {
        let Some(image) = container.image() else {
            continue;
        };
        let Ok(parsed) = image.parse::<ImageRef>() else {
            continue;
        };
        let mark = parsed.digest().map_or_else(
            || parsed.tag().unwrap_or("latest").to_owned(),
            ToString::to_string,
        );
        if known.contains(&format!("\"{mark}\"")) || known.contains(&format!("\"{image}\"")) {
            continue;
        }
        if let Some(Value::Array(images)) = copy.world.get_mut("images") {
            images.push(json!({ "image": image }));
            copy.assumed
                .push(format!("the image {image} can be pulled"));
        }
    }
}
