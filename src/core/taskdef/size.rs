//! Task sizes as `RegisterTaskDefinition` reads them: integers, or `"1 vCPU"` and `"2 GB"`.
//!
//! **Invariant:** exact. A spelling that does not come out whole is not a size.

const UNITS_PER_VCPU: u64 = 1024;
const MIB_PER_GB: u64 = 1024;
/// More places than these have no meaning: 1/1024 needs ten, and its smallest useful multiple far fewer.
const MOST_DECIMALS: usize = 10;

/// CPU units of `"512"`, `"0.5 vCPU"` or `".5vcpu"` (`RegisterTaskDefinition$cpu`).
pub fn cpu_units(text: &str) -> Option<u64> {
    measured(text, "vcpu", UNITS_PER_VCPU)
}

/// MiB of `"2048"`, `"2 GB"` or `"2GB"` (`RegisterTaskDefinition$memory`).
pub fn memory_mib(text: &str) -> Option<u64> {
    measured(text, "gb", MIB_PER_GB)
}

fn measured(text: &str, suffix: &str, unit: u64) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    match text.strip_suffix(suffix) {
        Some(number) => scaled(number.trim_end(), unit),
        None => scaled(&text, 1),
    }
}

/// `number * unit`, if `number` is a plain decimal and the product is whole.
fn scaled(number: &str, unit: u64) -> Option<u64> {
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    let digits = format!("{whole}{decimals}");
    if digits.is_empty()
        || decimals.len() > MOST_DECIMALS
        || !digits.bytes().all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    let scale = 10_u64.pow(decimals.len() as u32);
    let product = digits.parse::<u64>().ok()?.checked_mul(unit)?;
    product.is_multiple_of(scale).then_some(product / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_is_read_in_every_documented_spelling() {
        for (text, units) in [
            ("256", Some(256)),
            ("1 vCPU", Some(1024)),
            ("1 vcpu", Some(1024)),
            (".25 vCPU", Some(256)),
            ("0.5vCPU", Some(512)),
            ("16 vCPU", Some(16384)),
            ("0.3 vCPU", None),
            ("vCPU", None),
            ("-1", None),
            ("1 GB", None),
            ("99999999999999999999", None),
            ("18446744073709551615 vCPU", None),
        ] {
            assert_eq!(cpu_units(text), units, "{text}");
        }
    }

    #[test]
    fn memory_is_read_in_every_documented_spelling() {
        for (text, mib) in [
            ("512", Some(512)),
            ("2 GB", Some(2048)),
            ("2GB", Some(2048)),
            ("0.5 GB", Some(512)),
            ("244 GB", Some(249_856)),
            ("512 MB", None),
            ("", None),
            ("1.2.3", None),
        ] {
            assert_eq!(memory_mib(text), mib, "{text}");
        }
    }
}
