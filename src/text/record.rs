//! Records of rollouts, and wishes about them, as text, and back.
//!
//! JSON with a version, so that an older program says that it is too old instead of guessing; where that is too long for
//! its store, `gz:` and the same JSON compressed (gzip) in base64, which keeps to the characters that tags allow.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

use crate::core::journal::{Fence, Record};
use crate::core::rollout::Wish;

/// Goes up when older programs could misunderstand what is written.
const VERSION: u32 = 1;

/// Marks compressed text.
const COMPRESSED: &str = "gz:";

/// No record is near this long; what unpacks to more was not written here.
const MOST_UNPACKED: u64 = 1 << 20;

/// Why a text is no record.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    #[error("it was written by a newer ecsdeploy (version {0}; this one reads {VERSION})")]
    Newer(u32),
    #[error("it is no record: {0}")]
    NotARecord(String),
}

#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    #[serde(rename = "v")]
    version: u32,
    #[serde(flatten)]
    content: T,
}

/// Only the version, for a look before the rest is read.
#[derive(Deserialize)]
struct Anything {}

/// The shortest text within `limit` bytes that is still plain, else the compressed one.
pub fn encode(record: &Record, limit: usize) -> String {
    let version = VERSION;
    let content = record;
    let plain = serde_json::to_string(&Versioned { version, content })
        .expect("a record holds only JSON with texts for keys");
    if plain.len() <= limit {
        plain
    } else {
        pack(&plain)
    }
}

/// Compressed, for stores that allow few characters.
pub fn encode_compressed(record: &Record) -> String {
    encode(record, 0)
}

pub fn decode(text: &str) -> Result<Record, RecordError> {
    let plain = match text.strip_prefix(COMPRESSED) {
        Some(packed) => unpack(packed)?,
        None => text.to_owned(),
    };
    let not = |error: serde_json::Error| RecordError::NotARecord(error.to_string());
    let head: Versioned<Anything> = serde_json::from_str(&plain).map_err(not)?;
    if head.version > VERSION {
        return Err(RecordError::Newer(head.version));
    }
    let record: Versioned<Record> = serde_json::from_str(&plain).map_err(not)?;
    Ok(record.content)
}

/// A wish, and the owner that it is for.
#[derive(Serialize, Deserialize)]
struct Letter {
    fence: Fence,
    #[serde(flatten)]
    wish: Wish,
}

pub fn write_wish(fence: Fence, wish: &Wish) -> String {
    let wish = wish.clone();
    serde_json::to_string(&Letter { fence, wish }).expect("a wish is JSON")
}

/// A wish for an earlier owner, or one that cannot be understood, is none.
pub fn read_wish(text: &str, since: Fence) -> Option<Wish> {
    let letter: Letter = serde_json::from_str(text).ok()?;
    (letter.fence >= since).then_some(letter.wish)
}

fn pack(plain: &str) -> String {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    let packed = packer
        .write_all(plain.as_bytes())
        .and_then(|()| packer.finish())
        .expect("memory takes what is written to it");
    format!("{COMPRESSED}{}", STANDARD.encode(packed))
}

fn unpack(packed: &str) -> Result<String, RecordError> {
    let not = |reason: String| RecordError::NotARecord(reason);
    let packed = STANDARD.decode(packed).map_err(|e| not(e.to_string()))?;
    let mut plain = String::new();
    GzDecoder::new(packed.as_slice())
        .take(MOST_UNPACKED)
        .read_to_string(&mut plain)
        .map_err(|e| not(e.to_string()))?;
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::core::journal::{Fence, Owner};

    fn record() -> Record {
        let owner = Owner {
            user: "anna".to_owned(),
            host: "runner-7".to_owned(),
            pid: 41,
            run: Some("https://ci.example/runs/8".to_owned()),
        };
        let goal = serde_json::from_value(json!("sha256:00")).expect("a goal is a text");
        let at = Timestamp::UNIX_EPOCH;
        Record::new(owner, Fence::first(at), goal, at)
    }

    #[test]
    fn a_record_reads_back_as_it_was_plain_and_compressed() {
        let record = record();
        let plain = encode(&record, 4096);
        assert!(plain.starts_with("{\"v\":1,"), "{plain}");
        assert_eq!(decode(&plain).expect("plain"), record);
        let packed = encode_compressed(&record);
        let allowed = |c: char| c.is_ascii_alphanumeric() || "+/=:".contains(c);
        assert!(packed.chars().all(allowed), "{packed}");
        assert_eq!(decode(&packed).expect("compressed"), record);
    }

    #[test]
    fn a_wish_is_read_by_the_owner_it_is_for() {
        let fence = Fence::first(Timestamp::UNIX_EPOCH);
        let wish = Wish::Undo {
            by: "anna".to_owned(),
        };
        let text = write_wish(fence, &wish);
        assert_eq!(read_wish(&text, fence), Some(wish));
        assert_eq!(read_wish(&text, fence.next(Timestamp::UNIX_EPOCH)), None);
        assert_eq!(read_wish("{}", fence), None);
    }

    #[test]
    fn what_is_no_record_says_why() {
        let check = |text: &str, says: &str| {
            let error = decode(text).expect_err("it is no record").to_string();
            assert!(error.contains(says), "{text}: {error}");
        };
        check("", "no record");
        check("{}", "missing field `v`");
        check("{\"v\":2,\"shape\":\"of tomorrow\"}", "newer ecsdeploy");
        check("{\"v\":1}", "no record");
        check("gz:AAAA", "no record");
        check("gz:*", "no record");
    }
}
