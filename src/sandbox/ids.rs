//! AWS-shaped identifiers: what they look like, not what they mean.
//!
//! Things born of the world file take their ids from (seed, kind, name), so a file without ARNs always gives the same
//! ones; things made through the API take them from the world's stream.

use crate::sandbox::Rng;

const HEX: &[u8] = b"0123456789abcdef";
const DIGITS: &[u8] = b"0123456789";
const BASE62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// `length` lower-case hexadecimal digits.
pub fn hex(rng: &mut Rng, length: usize) -> String {
    rng.text(HEX, length)
}

/// `length` decimal digits, the first not 0 (deployment ids have 19).
pub fn digits(rng: &mut Rng, length: usize) -> String {
    let first = rng.text(&DIGITS[1..], length.min(1));
    first + &rng.text(DIGITS, length.saturating_sub(1))
}

/// `length` letters and digits (service deployments have 21).
pub fn base62(rng: &mut Rng, length: usize) -> String {
    rng.text(BASE62, length)
}

/// A version-4 UUID.
pub fn uuid(rng: &mut Rng) -> String {
    let d = hex(rng, 32);
    let variant = ["8", "9", "a", "b"][rng.below(4) as usize];
    format!(
        "{}-{}-4{}-{variant}{}-{}",
        &d[..8],
        &d[8..12],
        &d[13..16],
        &d[17..20],
        &d[20..]
    )
}

/// `arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE`, with the partition that the region lies in.
pub fn arn(service: &str, region: &str, account: &str, resource: &str) -> String {
    format!(
        "arn:{}:{service}:{region}:{account}:{resource}",
        partition(region)
    )
}

fn partition(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "aws-cn"
    } else if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else {
        "aws"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_shapes_that_aws_gives_them() {
        let mut rng = Rng::new(3);
        assert_eq!(hex(&mut rng, 32).len(), 32);
        assert!(
            digits(&mut rng, 19)
                .parse::<u64>()
                .is_ok_and(|n| n >= 1_000_000_000_000_000_000)
        );
        let uuid = uuid(&mut rng);
        assert_eq!((uuid.len(), &uuid[14..15]), (36, "4"));
    }

    #[test]
    fn an_arn_names_its_partition() {
        assert_eq!(
            arn("ecs", "eu-west-1", "123456789012", "cluster/web"),
            "arn:aws:ecs:eu-west-1:123456789012:cluster/web"
        );
        assert!(arn("ecs", "cn-north-1", "123456789012", "cluster/web").starts_with("arn:aws-cn:"));
    }
}
