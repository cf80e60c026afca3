//! Rehearsals for people and for scripts.

use std::fmt::Write as _;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::play::Rehearsal;
use super::release::Release;
use crate::core::report::Outcome;
use crate::text::terminal;

/// What all rehearsals of one rollout have in common.
#[derive(Clone, Debug)]
pub struct Story {
    pub service: String,
    pub strategy: String,
    pub desired: u32,
    pub assumed: Vec<String>,
    pub rehearsals: Vec<Rehearsal>,
}

impl Story {
    pub fn json(&self) -> Value {
        let rehearsals: Vec<Value> = self.rehearsals.iter().map(rehearsal).collect();
        json!({
            "service": self.service,
            "strategy": self.strategy,
            "desired": self.desired,
            "assumed": self.assumed,
            "rehearsals": rehearsals,
        })
    }

    pub fn text(&self) -> String {
        let mut text = format!(
            "rehearsal        {}\nstrategy         {}\n\n",
            self.service, self.strategy
        );
        let _ = writeln!(
            text,
            "{:<22}{:<13}{:>6}{:>12}{:>15}{:>12}{:>15}",
            "release",
            "outcome",
            "takes",
            "going back",
            "least serving",
            "most tasks",
            "lost requests"
        );
        for rehearsal in &self.rehearsals {
            text.push_str(&self.row(rehearsal));
        }
        for rehearsal in &self.rehearsals {
            let _ = writeln!(text, "\n{}", rehearsal.release.words());
            for entry in rehearsal.highlights() {
                text.push_str(&terminal::entry(entry, rehearsal.began));
            }
        }
        if let Some(warning) = self.blindness() {
            let _ = writeln!(text, "\nwarning: {warning}");
        }
        text.push_str("\nassumed\n");
        for assumption in &self.assumed {
            let _ = writeln!(text, "  {}", terminal::inert(assumption));
        }
        text
    }

    fn row(&self, rehearsal: &Rehearsal) -> String {
        let capacity = rehearsal.capacity;
        let lost = if capacity.requests == 0 {
            "-".to_owned()
        } else {
            format!("{} of {}", capacity.lost, capacity.requests)
        };
        format!(
            "{:<22}{:<13}{:>6}{:>12}{:>15}{:>12}{:>15}\n",
            rehearsal.release.words(),
            word(&rehearsal.outcome),
            clock(rehearsal.seconds()),
            rehearsal.undo_seconds().map_or("-".to_owned(), clock),
            format!("{} of {}", capacity.least_serving, self.desired),
            format!("{} of {}", capacity.most_tasks, self.desired),
            lost,
        )
    }

    /// A bad release that would be taken for a good one.
    fn blindness(&self) -> Option<String> {
        let passes = |rehearsal: &&Rehearsal| {
            rehearsal.release != Release::Good && rehearsal.outcome == Outcome::Completed
        };
        let passed = self.rehearsals.iter().find(passes)?;
        Some(format!(
            "a release of the kind \"{}\" would be taken for a good one: nothing looks at what fails",
            passed.release.words()
        ))
    }
}

fn clock(seconds: i64) -> String {
    terminal::elapsed(SignedDuration::from_secs(seconds))
        .trim()
        .to_owned()
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Unchanged => "unchanged",
        Outcome::Completed => "serves",
        Outcome::RolledBack { .. } => "rolled back",
        Outcome::Failed { .. } => "failed",
        Outcome::Stranded { .. } => "stranded",
        Outcome::Superseded { .. } => "superseded",
    }
}

fn rehearsal(rehearsal: &Rehearsal) -> Value {
    let capacity = rehearsal.capacity;
    let timeline: Vec<Value> = rehearsal
        .report
        .entries
        .iter()
        .map(|entry| {
            let mut told = serde_json::to_value(&entry.event).expect("an event is JSON");
            told["second"] = json!(entry.at.duration_since(rehearsal.began).as_secs());
            told
        })
        .collect();
    let mut told = serde_json::to_value(&rehearsal.outcome).expect("an outcome is JSON");
    told["release"] = json!(rehearsal.release.name());
    told["seconds"] = json!(rehearsal.seconds());
    told["undoSeconds"] = json!(rehearsal.undo_seconds());
    told["leastServing"] = json!(capacity.least_serving);
    told["mostTasks"] = json!(capacity.most_tasks);
    told["requests"] = json!(capacity.requests);
    told["requestsLost"] = json!(capacity.lost);
    told["timeline"] = json!(timeline);
    told
}
