//! The task sizes that Fargate has (Amazon ECS developer guide, "Task CPU and memory" for Fargate).
//!
//! The API answers a pair that is not in the table with `No Fargate configuration exists for given values.` The row of 32
//! vCPUs is documented, but was seen refused in some regions: it is a warning.

use super::finding::{Finding, Subject};
use crate::core::taskdef::{Container, cpu_units, memory_mib};
use serde_json::Value;

/// Sizes of one number of CPU units, with memory in MiB.
struct Row {
    cpu: u64,
    memory: Memory,
}

enum Memory {
    Of(&'static [u64]),
    Steps { least: u64, most: u64, step: usize },
}

const fn steps(cpu: u64, least: u64, most: u64, step: usize) -> Row {
    Row {
        cpu,
        memory: Memory::Steps { least, most, step },
    }
}

const ROWS: [Row; 8] = [
    Row {
        cpu: 256,
        memory: Memory::Of(&[512, 1024, 2048]),
    },
    steps(512, 1024, 4096, 1024),
    steps(1024, 2048, 8192, 1024),
    steps(2048, 4096, 16384, 1024),
    steps(4096, 8192, 30720, 1024),
    steps(8192, 16384, 61440, 4096),
    steps(16384, 32768, 122_880, 8192),
    Row {
        cpu: REGIONAL_CPU,
        memory: Memory::Of(&[61440, 122_880, 249_856]),
    },
];

/// The row that not every region has.
const REGIONAL_CPU: u64 = 32768;
/// The rows that Windows tasks have.
const WINDOWS_CPU: std::ops::RangeInclusive<u64> = 1024..=4096;

impl Row {
    fn memory(&self) -> Vec<u64> {
        match self.memory {
            Memory::Of(sizes) => sizes.to_vec(),
            Memory::Steps { least, most, step } => (least..=most).step_by(step).collect(),
        }
    }
}

pub(super) fn check(subject: &Subject<'_>) -> Vec<Finding> {
    if !subject.fargate {
        return Vec::new();
    }
    [present, pair, container_cpu]
        .iter()
        .flat_map(|rule| rule(subject))
        .collect()
}

fn present(subject: &Subject<'_>) -> Vec<Finding> {
    let absent = ["cpu", "memory"]
        .into_iter()
        .filter(|it| !subject.definition.as_map().contains_key(*it));
    absent
        .map(|member| Finding::error(member, "is missing, and Fargate needs it"))
        .collect()
}

fn pair(subject: &Subject<'_>) -> Vec<Finding> {
    let (cpu, memory) = (
        subject.definition.text("cpu"),
        subject.definition.text("memory"),
    );
    let Some((cpu, memory)) = cpu.and_then(cpu_units).zip(memory.and_then(memory_mib)) else {
        return Vec::new();
    };
    let row = ROWS.iter().find(|row| row.cpu == cpu);
    if !row.is_some_and(|row| row.memory().contains(&memory)) {
        let message = format!("Fargate has no size of cpu {cpu} with memory {memory}");
        return vec![Finding::error("cpu", message).hint(nearest(cpu, memory))];
    }
    if cpu == REGIONAL_CPU {
        return vec![Finding::warning(
            "cpu",
            "not every region has tasks of 32 vCPUs",
        )];
    }
    if subject.is_windows() && !WINDOWS_CPU.contains(&cpu) {
        return vec![Finding::error(
            "cpu",
            format!("Windows tasks on Fargate have cpu 1024 to 4096, not {cpu}"),
        )];
    }
    Vec::new()
}

/// The smallest size that holds both, or the largest there is.
fn nearest(cpu: u64, memory: u64) -> String {
    let all: Vec<(u64, u64)> = ROWS
        .iter()
        .flat_map(|row| row.memory().into_iter().map(|it| (row.cpu, it)))
        .collect();
    let holding = all.iter().find(|size| size.0 >= cpu && size.1 >= memory);
    let (cpu, memory) = holding.or(all.last()).expect("the table has rows");
    format!("the nearest size is cpu {cpu} with memory {memory}")
}

/// `ContainerDefinition$cpu`: on Fargate the containers share the CPU units of the task. Documented as a must,
/// but not established as what registration checks: a warning.
fn container_cpu(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(whole) = subject.definition.text("cpu").and_then(cpu_units) else {
        return Vec::new();
    };
    let units = |container: Container<'_>| container.get("cpu").and_then(Value::as_u64);
    let parts: u64 = subject
        .definition
        .containers()
        .filter_map(units)
        .fold(0, u64::saturating_add);
    if parts <= whole {
        return Vec::new();
    }
    vec![Finding::warning(
        "cpu",
        format!("the containers take {parts} CPU units together, and the task has {whole}"),
    )]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_to_sixteen_vcpus_there_are_seventy_four_sizes() {
        let usual = ROWS.iter().filter(|row| row.cpu < REGIONAL_CPU);
        assert_eq!(usual.map(|row| row.memory().len()).sum::<usize>(), 74);
    }

    #[test]
    fn the_nearest_size_holds_what_was_asked_for() {
        for (cpu, memory, expected) in [
            (256, 4096, "the nearest size is cpu 512 with memory 4096"),
            (512, 1500, "the nearest size is cpu 512 with memory 2048"),
            (1024, 512, "the nearest size is cpu 1024 with memory 2048"),
            (300, 300, "the nearest size is cpu 512 with memory 1024"),
            (
                1024,
                999_999,
                "the nearest size is cpu 32768 with memory 249856",
            ),
        ] {
            assert_eq!(nearest(cpu, memory), expected);
        }
    }
}
