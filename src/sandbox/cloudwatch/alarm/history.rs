//! `DescribeAlarmHistory`.

use serde_json::{Value, json};

use crate::sandbox::cloudwatch::alarm::model::Alarm;
use crate::sandbox::cloudwatch::data::Order;
use crate::sandbox::cloudwatch::page::page;
use crate::sandbox::input::Input;
use crate::sandbox::wire::mark::instant;
use crate::sandbox::{ApiError, Time, World};

const MOST: u64 = 100;

/// One thing that happened to an alarm.
#[derive(Clone, Debug)]
pub struct Item {
    pub at: Time,
    /// `HistoryItemType`.
    pub kind: &'static str,
    pub summary: String,
    pub data: Value,
}

pub fn describe(world: &World, input: Input<'_>) -> Result<Value, ApiError> {
    let known = [
        "AlarmName",
        "AlarmTypes",
        "HistoryItemType",
        "StartDate",
        "EndDate",
        "MaxRecords",
        "NextToken",
        "ScanBy",
    ];
    let input = input.only(&known)?;
    let (from, to) = (input.time("StartDate")?, input.time("EndDate")?);
    let is_wanted = |item: &Item| {
        input
            .text("HistoryItemType")
            .is_none_or(|kind| kind == item.kind)
            && from.is_none_or(|from| item.at >= from)
            && to.is_none_or(|to| item.at <= to)
    };
    let types = input.texts("AlarmTypes");
    let alarms = world.cloudwatch.alarms.values().filter(|alarm| {
        input
            .text("AlarmName")
            .is_none_or(|name| name == alarm.settings.name)
            && (types.is_empty() || types.contains(&"MetricAlarm"))
    });
    let mut items: Vec<(&Alarm, &Item)> = alarms
        .flat_map(|alarm| alarm.history.iter().map(move |item| (alarm, item)))
        .collect();
    items.retain(|(_, item)| is_wanted(item));
    items.sort_by_key(|(_, item)| item.at);
    if matches!(Order::read(input)?, Order::NewestFirst) {
        items.reverse();
    }
    let size = input.int("MaxRecords", 1..=MOST)?.unwrap_or(MOST) as usize;
    page(
        input,
        "AlarmHistoryItems",
        items.into_iter().map(write).collect(),
        size,
    )
    .map(Value::Object)
}

fn write((alarm, item): (&Alarm, &Item)) -> Value {
    json!({
        "AlarmName": alarm.settings.name,
        "AlarmType": "MetricAlarm",
        "Timestamp": instant(item.at),
        "HistoryItemType": item.kind,
        "HistorySummary": item.summary,
        "HistoryData": item.data.to_string(),
    })
}
