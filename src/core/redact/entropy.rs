//! Which values look like chance made them, as generated keys do, and are not one of the random-looking things that
//! everybody may see: digests, ARNs, UUIDs, commits, image references, AWS's ids, addresses.

use super::rules::words;

/// Shorter values carry too little to be told from a word.
const SHORTEST: usize = 20;

/// Random hexadecimal digits come near 4 bits each, English words stay below 3.
const HEX_BITS: f64 = 3.0;
const SHORTEST_HEX: usize = 32;

/// Bits of a character, of a text written in an alphabet of 64. A text of `SHORTEST` random ones has about 4.
const BITS: f64 = 3.5;

/// Words in the name of a value that is made by chance, or by a hash, and is meant to be seen.
const FINGERPRINTS: [&str; 14] = [
    "SHA",
    "COMMIT",
    "DIGEST",
    "HASH",
    "CHECKSUM",
    "REVISION",
    "REV",
    "VERSION",
    "BUILD",
    "GIT",
    "ETAG",
    "FINGERPRINT",
    "UUID",
    "IMAGE",
];

/// Whether `value`, called `name`, looks like a generated secret.
pub(super) fn is_random(name: &str, value: &str) -> bool {
    let value = value.trim();
    value.len() >= SHORTEST
        && value.bytes().all(is_of_alphabet)
        && !words(name)
            .iter()
            .any(|word| FINGERPRINTS.contains(&word.as_str()))
        && !is_known_shape(value)
        && looks_random(value)
}

fn is_of_alphabet(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=_-!@#$%^&*~.".contains(&byte)
}

/// UUIDs, commits, paths and addresses, and AWS's own ids (`subnet-0a1b2c3d4e5f60001`).
fn is_known_shape(value: &str) -> bool {
    let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let groups: Vec<&str> = value.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let is_uuid = lengths == [8, 4, 4, 4, 12] && groups.iter().all(|group| hex(group));
    let is_aws_id = groups
        .split_last()
        .is_some_and(|(last, kind)| !kind.is_empty() && matches!(last.len(), 8 | 17) && hex(last));
    let is_commit = value.len() == 40 && hex(value);
    // Paths and addresses are written in words; chance mixes capitals and digits.
    let is_mixed = value.bytes().any(|byte| byte.is_ascii_uppercase())
        && value.bytes().any(|byte| byte.is_ascii_digit());
    let is_path_or_address = value.contains(['/', '.']) && !is_mixed;
    is_uuid || is_aws_id || is_commit || is_path_or_address
}

fn looks_random(value: &str) -> bool {
    if value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return value.len() >= SHORTEST_HEX && bits_a_character(value) >= HEX_BITS;
    }
    let has_digit = value.bytes().any(|byte| byte.is_ascii_digit());
    has_digit && bits_a_character(value) >= BITS && switches(value) * 4 >= value.len()
}

/// Shannon's entropy of the characters, in bits.
fn bits_a_character(value: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in value.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let all = value.len() as f64;
    let terms = counts.iter().filter(|count| **count > 0).map(|count| {
        let share = f64::from(*count) / all;
        -share * share.log2()
    });
    terms.sum()
}

/// How often letters and digits follow each other as words do not write them: of random characters nearly every second
/// pair does. A capital before a small letter begins a word and does not count.
fn switches(value: &str) -> usize {
    let class = |byte: u8| match byte {
        b'a'..=b'z' => 'a',
        b'A'..=b'Z' => 'A',
        b'0'..=b'9' => '0',
        _ => '-',
    };
    let classes: Vec<char> = value.bytes().map(class).collect();
    let is_switch =
        |pair: &&[char]| pair[0] != pair[1] && !pair.contains(&'-') && !matches!(pair, ['A', 'a']);
    classes.windows(2).filter(is_switch).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_values_look_random() {
        for value in [
            "q8ZkT3vN/x2LmB7wYc0+RdJ5gPfS9aUhE4oXi6Kt",
            "kX9vQ2mL7pR4tY8wZ1aB",
            "9f86d081884c7d659a2feaa0c55ad015",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MA==",
        ] {
            assert!(is_random("SETTING", value), "{value}");
        }
    }

    #[test]
    fn what_everybody_may_see_does_not() {
        for (name, value) in [
            ("A", "short"),
            ("A", "production-eu-central-1-blue-environment"),
            ("A", "MyVeryLongServiceHandlerFactoryBean2"),
            ("A", "my-app-v2-2024-10-01-build-77"),
            ("A", "com.example.Orders2EventHandlerFactory"),
            ("A", "arn:aws:iam::123456789012:role/kX9vQ2mL7pR4tY8wZ1aB"),
            ("A", "6f9619ff-8b86-d011-b42d-00cf4fc964ff"),
            ("A", "subnet-0a1b2c3d4e5f60001"),
            ("A", "356a192b7913b04c54574d18c28d46e6395428ab"),
            ("GIT_SHA", "9f86d081884c7d659a2feaa0c55ad015"),
            (
                "A",
                "123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/web",
            ),
            (
                "A",
                "main-db.cluster-c9akciq32rgx.eu-central-1.rds.amazonaws.com",
            ),
            ("A", "/usr/local/lib/python3.12/site-packages"),
            ("A", "2024-11-22T02:25:00Z"),
            ("A", "11111111111111111111111111111111"),
        ] {
            assert!(!is_random(name, value), "{value}");
        }
    }
}
