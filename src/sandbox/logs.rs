//! CloudWatch Logs, as far as the logs of tasks go: what containers wrote, for as long as ECS remembers their tasks.
//!
//! A container with the `awslogs` driver and a stream prefix writes the lines of its image's behaviour when it starts,
//! one a millisecond, into the stream `PREFIX/CONTAINER/TASK`. A group that a task definition names exists, whoever made
//! it. Not modelled, and refused by name: writing log events, queries, metric filters, and filter patterns other than
//! plain words.
//!
//! **Invariant:** nothing is stored twice. Events are derived from the tasks, through ECS's own answers, when asked for.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::sandbox::input::Input;
use crate::sandbox::{ApiError, Time, World, ecs, looking};

const SERVICE: &str = "logs";
const GROUPS_PER_PAGE: u64 = 50;
const EVENTS_PER_PAGE: u64 = 10_000;

/// Groups that were made by a call or by the world file: by name, when and with what retention.
#[derive(Clone, Debug, Default)]
pub struct Logs {
    groups: BTreeMap<String, Group>,
}

#[derive(Clone, Copy, Debug)]
struct Group {
    created: Time,
    retention_days: Option<u64>,
}

/// One container's log.
#[derive(Clone, Debug)]
struct Stream {
    group: String,
    name: String,
    started: Time,
    lines: Vec<String>,
}

/// Answers one operation.
pub fn answer(world: &mut World, op: &str, input: &Value) -> Result<Value, ApiError> {
    let input = Input::new(SERVICE, op, input);
    match op {
        "CreateLogGroup" => create_group(world, input),
        "DeleteLogGroup" => delete_group(world, input),
        "PutRetentionPolicy" => put_retention(world, input),
        "DescribeLogGroups" => describe_groups(world, input),
        "DescribeLogStreams" => describe_streams(world, input),
        "GetLogEvents" => get_events(world, input),
        "FilterLogEvents" => filter_events(world, input),
        _ => Err(ApiError::not_modelled(SERVICE, op)),
    }
}

fn create_group(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["logGroupName"])?;
    let name = input.need("logGroupName")?;
    if world.logs.groups.contains_key(name) {
        return Err(ApiError::client(
            "ResourceAlreadyExistsException",
            "The specified log group already exists",
        ));
    }
    let group = Group {
        created: world.now,
        retention_days: None,
    };
    world.logs.groups.insert(name.to_owned(), group);
    Ok(json!({}))
}

fn delete_group(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["logGroupName"])?;
    let removed = world.logs.groups.remove(input.need("logGroupName")?);
    removed.map(|_| json!({})).ok_or_else(no_group)
}

fn put_retention(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["logGroupName", "retentionInDays"])?;
    let days = input.int("retentionInDays", 1..=3653)?;
    let group = world
        .logs
        .groups
        .get_mut(input.need("logGroupName")?)
        .ok_or_else(no_group)?;
    group.retention_days = Some(days.ok_or_else(|| input.missing("retentionInDays"))?);
    Ok(json!({}))
}

fn no_group() -> ApiError {
    ApiError::client(
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    )
}

fn describe_groups(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["logGroupNamePrefix", "nextToken", "limit"])?;
    let prefix = input.text("logGroupNamePrefix").unwrap_or_default();
    let streams = streams(world)?;
    let named = streams.iter().map(|stream| &stream.group);
    let names: BTreeSet<&String> = named.chain(world.logs.groups.keys()).collect();
    let shown = names
        .into_iter()
        .filter(|name| name.starts_with(prefix))
        .map(|name| show_group(world, name))
        .collect();
    page(input, "logGroups", shown, GROUPS_PER_PAGE)
}

fn show_group(world: &World, name: &str) -> Value {
    let arn = world.arn("logs", &format!("log-group:{name}"));
    let made = world.logs.groups.get(name);
    let mut shown = json!({
        "logGroupName": name,
        "creationTime": made.map_or(0, |group| group.created.millis()),
        "metricFilterCount": 0,
        "arn": format!("{arn}:*"),
        "storedBytes": 0,
        "logGroupClass": "STANDARD",
        "logGroupArn": arn,
    });
    if let Some(days) = made.and_then(|group| group.retention_days) {
        shown["retentionInDays"] = days.into();
    }
    shown
}

fn describe_streams(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&[
        "logGroupName",
        "logStreamNamePrefix",
        "orderBy",
        "descending",
        "nextToken",
        "limit",
    ])?;
    let prefix = input.text("logStreamNamePrefix").unwrap_or_default();
    let mut streams = of_group(world, input)?;
    streams.retain(|stream| stream.name.starts_with(prefix));
    match input.text("orderBy") {
        None | Some("LogStreamName") => streams.sort_by(|a, b| a.name.cmp(&b.name)),
        Some("LastEventTime") => streams.sort_by_key(Stream::last_event),
        Some(other) => return Err(input.not_modelled(&format!("orderBy {other}"))),
    }
    if input.flag("descending")? == Some(true) {
        streams.reverse();
    }
    let shown = streams.iter().map(|stream| stream.show(world)).collect();
    page(input, "logStreams", shown, GROUPS_PER_PAGE)
}

impl Stream {
    /// Timestamp and text of each line that has been written by now.
    fn events(&self, now: Time) -> impl Iterator<Item = (u64, &str)> {
        let times = self.started.millis()..=now.millis();
        times.zip(self.lines.iter().map(String::as_str))
    }

    fn last_event(&self) -> u64 {
        self.started.millis() + (self.lines.len() as u64).saturating_sub(1)
    }

    fn show(&self, world: &World) -> Value {
        let resource = format!("log-group:{}:log-stream:{}", self.group, self.name);
        let mut shown = json!({
            "logStreamName": self.name,
            "creationTime": self.started.millis(),
            "arn": world.arn("logs", &resource),
            "storedBytes": 0,
        });
        if !self.lines.is_empty() {
            shown["firstEventTimestamp"] = self.started.millis().into();
            shown["lastEventTimestamp"] = self.last_event().into();
            shown["lastIngestionTime"] = self.last_event().into();
        }
        shown
    }
}

/// Forwards from the head, or the newest page if `startFromHead` is not set, as the operation does.
fn get_events(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&[
        "logGroupName",
        "logStreamName",
        "startTime",
        "endTime",
        "nextToken",
        "limit",
        "startFromHead",
    ])?;
    let name = input.need("logStreamName")?;
    let streams = of_group(world, input)?;
    let stream = streams.iter().find(|stream| stream.name == name);
    let stream = stream.ok_or_else(|| {
        ApiError::client(
            "ResourceNotFoundException",
            "The specified log stream does not exist.",
        )
    })?;
    let events: Vec<(u64, &str)> = within(input, stream.events(world.now))?;
    let size = input
        .int("limit", 1..=EVENTS_PER_PAGE)?
        .unwrap_or(EVENTS_PER_PAGE) as usize;
    let from_head = input.flag("startFromHead")? == Some(true);
    let (first, last) = match input
        .text("nextToken")
        .map(|t| (&t[..2.min(t.len())], token(t)))
    {
        None if from_head => (0, size),
        None => (events.len().saturating_sub(size), events.len()),
        Some(("f/", Some(at))) => (at, at + size),
        Some(("b/", Some(at))) => (at.saturating_sub(size), at),
        Some(_) => return Err(input.invalid("The specified nextToken is invalid.")),
    };
    let (first, last) = (first.min(events.len()), last.min(events.len()));
    let shown: Vec<Value> = events[first..last]
        .iter()
        .map(|(at, line)| json!({"timestamp": at, "message": line, "ingestionTime": at}))
        .collect();
    // The end is where the same token comes back.
    Ok(json!({
        "events": shown,
        "nextForwardToken": format!("f/{last}"),
        "nextBackwardToken": format!("b/{first}"),
    }))
}

fn token(text: &str) -> Option<usize> {
    text.get(2..)?.parse().ok()
}

/// The events between `startTime` and `endTime`, in milliseconds; the end is not included.
fn within<'a>(
    input: Input<'_>,
    events: impl Iterator<Item = (u64, &'a str)>,
) -> Result<Vec<(u64, &'a str)>, ApiError> {
    let start = input.int("startTime", 0..=u64::MAX)?.unwrap_or(0);
    let end = input.int("endTime", 0..=u64::MAX)?.unwrap_or(u64::MAX);
    Ok(events.filter(|(at, _)| (start..end).contains(at)).collect())
}

fn filter_events(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&[
        "logGroupName",
        "logStreamNames",
        "logStreamNamePrefix",
        "startTime",
        "endTime",
        "filterPattern",
        "nextToken",
        "limit",
        "interleaved",
    ])?;
    let pattern = input.text("filterPattern").unwrap_or_default();
    if pattern.contains(['"', '{', '[', '?', '-', '%']) {
        return Err(input.not_modelled(&format!("filterPattern {pattern}")));
    }
    let (names, prefix) = (
        input.texts("logStreamNames"),
        input.text("logStreamNamePrefix"),
    );
    let mut streams = of_group(world, input)?;
    streams.retain(|stream| {
        (names.is_empty() || names.contains(&stream.name.as_str()))
            && prefix.is_none_or(|prefix| stream.name.starts_with(prefix))
    });
    let mut found = vec![];
    for stream in &streams {
        for (index, (at, line)) in (0..).zip(within(input, stream.events(world.now))?) {
            if pattern.split_whitespace().all(|word| line.contains(word)) {
                found.push((at, stream.name.as_str(), index, line));
            }
        }
    }
    found.sort_unstable();
    let shown = found
        .into_iter()
        .map(|(at, stream, index, line)| {
            json!({
                "logStreamName": stream,
                "timestamp": at,
                "message": line,
                "ingestionTime": at,
                "eventId": format!("{at:020}{index:012}"),
            })
        })
        .collect();
    let mut output = page(input, "events", shown, EVENTS_PER_PAGE)?;
    output["searchedLogStreams"] = json!([]);
    Ok(output)
}

/// The streams of the group that the input names, which must exist.
fn of_group(world: &mut World, input: Input<'_>) -> Result<Vec<Stream>, ApiError> {
    let group = input.need("logGroupName")?;
    let mut streams = streams(world)?;
    streams.retain(|stream| stream.group == group);
    if streams.is_empty() && !world.logs.groups.contains_key(group) {
        return Err(no_group());
    }
    Ok(streams)
}

/// Every container's log, of the tasks that ECS still shows.
fn streams(world: &mut World) -> Result<Vec<Stream>, ApiError> {
    let mut found = vec![];
    let mut definitions: BTreeMap<String, Value> = BTreeMap::new();
    for task in looking::tasks(world)? {
        let Some(started) = task["startedAt"].as_f64() else {
            continue;
        };
        let arn = task["taskDefinitionArn"].as_str().unwrap_or_default();
        if !definitions.contains_key(arn) {
            let definition = ecs::answer(
                world,
                "DescribeTaskDefinition",
                &json!({"taskDefinition": arn}),
            )?;
            definitions.insert(arn.to_owned(), definition["taskDefinition"].clone());
        }
        let id = task["taskArn"]
            .as_str()
            .and_then(|arn| arn.rsplit('/').next());
        for container in definitions[arn]["containerDefinitions"]
            .as_array()
            .into_iter()
            .flatten()
        {
            found.extend(stream(
                world,
                container,
                &task,
                id.unwrap_or_default(),
                started,
            ));
        }
    }
    Ok(found)
}

/// The log of one container of a task, if it has one.
fn stream(
    world: &World,
    container: &Value,
    task: &Value,
    id: &str,
    started: f64,
) -> Option<Stream> {
    let log = &container["logConfiguration"];
    let option = |name: &str| log["options"][name].as_str();
    let prefix = option("awslogs-stream-prefix").filter(|_| log["logDriver"] == "awslogs")?;
    let name = container["name"].as_str()?;
    let running = task["containers"]
        .as_array()?
        .iter()
        .find(|c| c["name"] == name)?;
    let image = running["image"].as_str()?;
    let reference = match running["imageDigest"].as_str() {
        Some(digest) if !image.contains('@') => format!("{image}@{digest}"),
        _ => image.to_owned(),
    };
    Some(Stream {
        group: option("awslogs-group")?.to_owned(),
        name: format!("{prefix}/{name}/{id}"),
        started: Time::from_millis((started * 1000.0).round() as u64),
        lines: world.apps.behaviour(&reference).logs,
    })
}

/// One page; the token is the place of the next page's first item.
fn page(input: Input<'_>, member: &str, items: Vec<Value>, most: u64) -> Result<Value, ApiError> {
    let size = input.int("limit", 1..=most)?.unwrap_or(most) as usize;
    let start = match input.text("nextToken") {
        None => 0,
        Some(text) => text
            .parse()
            .map_err(|_| input.invalid("The specified nextToken is invalid."))?,
    };
    let mut output = Map::new();
    if items.len() > start + size {
        output.insert("nextToken".to_owned(), (start + size).to_string().into());
    }
    let shown = items.into_iter().skip(start).take(size).collect();
    output.insert(member.to_owned(), shown);
    Ok(Value::Object(output))
}

#[cfg(test)]
#[path = "logs_tests.rs"]
mod tests;
