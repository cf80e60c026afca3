//! Task-level `cpu` and `memory`: their spellings, and which pairs Fargate offers.
//!
//! Source: the Fargate size table of the ECS developer guide, "Task definition parameters".

use crate::sandbox::ecs::defaults::Switches;

/// CPU units in the normal form: `"1 vCPU"` and `"1024"` are both 1024.
pub fn cpu_units(spelling: &str) -> Option<u32> {
    quantity(spelling, "vcpu", 1024.0)
}

/// MiB in the normal form: `"2 GB"` and `"2048"` are both 2048.
pub fn memory_mib(spelling: &str) -> Option<u32> {
    quantity(spelling, "gb", 1024.0)
}

fn quantity(spelling: &str, unit: &str, factor: f64) -> Option<u32> {
    let lower = spelling.trim().to_ascii_lowercase();
    match lower.strip_suffix(unit) {
        Some(number) => {
            let value: f64 = number.trim().parse().ok()?;
            (value > 0.0).then_some((value * factor).round() as u32)
        }
        None => lower.parse().ok().filter(|&whole| whole > 0),
    }
}

/// Whether Fargate runs a task of this size.
pub fn fargate_offers(cpu: u32, memory: u32, switches: &Switches) -> bool {
    let (smallest, largest, step) = match cpu {
        256 => return matches!(memory, 512 | 1024 | 2048),
        512 => (1024, 4096, 1024),
        1024 => (2048, 8192, 1024),
        2048 => (4096, 16384, 1024),
        4096 => (8192, 30720, 1024),
        8192 => (16384, 61440, 4096),
        16384 => (32768, 122_880, 8192),
        32768 if switches.fargate_32_vcpu => return matches!(memory, 61440 | 122_880 | 249_856),
        _ => return false,
    };
    (smallest..=largest).contains(&memory) && (memory - smallest).is_multiple_of(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_have_one_normal_form() {
        for (spelling, units) in [
            ("1024", Some(1024)),
            ("1 vCPU", Some(1024)),
            (".5 vcpu", Some(512)),
            ("0.25vCPU", Some(256)),
            ("one", None),
            ("-1", None),
            ("0", None),
        ] {
            assert_eq!(cpu_units(spelling), units, "{spelling}");
        }
        assert_eq!(memory_mib("2 GB"), Some(2048));
        assert_eq!(memory_mib("0.5GB"), Some(512));
        assert_eq!(memory_mib("3072"), Some(3072));
    }

    #[test]
    fn fargate_offers_seventy_four_sizes_and_three_where_the_large_row_is_switched_on() {
        let count = |switches: &Switches| {
            [256, 512, 1024, 2048, 4096, 8192, 16384, 32768]
                .into_iter()
                .flat_map(|cpu| (1..=512).map(move |half| (cpu, half * 512)))
                .filter(|&(cpu, memory)| fargate_offers(cpu, memory, switches))
                .count()
        };
        let small = Switches {
            fargate_32_vcpu: false,
            ..Switches::default()
        };
        assert_eq!(count(&small), 74);
        let large = Switches {
            fargate_32_vcpu: true,
            ..small
        };
        assert_eq!(count(&large), 77);
    }
}
