//! An image reference, taken apart: `[REGISTRY[:PORT]/]REPOSITORY[:TAG][@sha256:HEX]`.
//!
//! The grammar is Docker's (distribution "reference" package), the digest and the length limit are those of
//! `ContainerDefinition$image`. **Invariant:** what is parsed is displayed as it was written; no registry, library
//! folder or `latest` is ever put in.

use super::ecr::EcrRepository;
use std::fmt;
use std::str::FromStr;

/// Most characters before the `@` (`ContainerDefinition$image`).
const LONGEST_NAME: usize = 255;
/// Most characters of a tag (Docker's grammar).
const LONGEST_TAG: usize = 128;
const DIGEST_ALGORITHM: &str = "sha256:";
const DIGEST_HEX_LENGTH: usize = 64;

/// A parsed image reference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImageRef {
    registry: Option<String>,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// `sha256:` and 64 lowercase hexadecimal digits: the name that an image's content gives it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digest(String);

/// Why a text is not an image reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageRefError {
    #[error("the image reference is empty")]
    Empty,
    #[error("the registry {0:?} of the image is not a host name with an optional port")]
    Registry(String),
    #[error(
        "the repository {0:?} of the image is not lowercase letters and digits, parted by '/', '.', '-', '_' or '__'"
    )]
    Repository(String),
    #[error(
        "the tag {0:?} of the image is not up to 128 letters, digits, '_', '.' and '-' that start with none of '.' and '-'"
    )]
    Tag(String),
    #[error("the digest {0:?} is not 'sha256:' and 64 lowercase hexadecimal digits")]
    Digest(String),
    #[error("the image reference is {0} characters long before its digest, and ECS takes 255")]
    TooLong(usize),
}

impl ImageRef {
    pub fn registry(&self) -> Option<&str> {
        self.registry.as_deref()
    }

    pub fn repository(&self) -> &str {
        &self.repository
    }

    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// Whether the reference names content and not a tag that can move.
    pub fn is_pinned(&self) -> bool {
        self.digest.is_some()
    }

    /// The same reference, pinned; the tag stays for people to read (with both, the digest wins).
    #[must_use]
    pub fn with_digest(self, digest: Digest) -> Self {
        Self {
            digest: Some(digest),
            ..self
        }
    }

    /// The same reference without its tag.
    #[must_use]
    pub fn without_tag(self) -> Self {
        Self { tag: None, ..self }
    }

    /// Whether both are versions of one image: same registry, same repository.
    pub fn same_repository(&self, other: &Self) -> bool {
        (&self.registry, &self.repository) == (&other.registry, &other.repository)
    }

    /// The private ECR repository that this reference names, if it names one.
    pub fn ecr(&self) -> Option<EcrRepository> {
        EcrRepository::recognise(self.registry()?, &self.repository)
    }
}

impl Digest {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ImageRef {
    type Err = ImageRefError;

    fn from_str(text: &str) -> Result<Self, ImageRefError> {
        if text.is_empty() {
            return Err(ImageRefError::Empty);
        }
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest.parse()?)),
            None => (text, None),
        };
        if name.len() > LONGEST_NAME {
            return Err(ImageRefError::TooLong(name.len()));
        }
        let (registry, path) = split_registry(name)?;
        let (repository, tag) = split_tag(path)?;
        if !is_repository(repository) {
            return Err(ImageRefError::Repository(repository.to_owned()));
        }
        Ok(Self {
            registry,
            repository: repository.to_owned(),
            tag,
            digest,
        })
    }
}

impl FromStr for Digest {
    type Err = ImageRefError;

    fn from_str(text: &str) -> Result<Self, ImageRefError> {
        let hex = text.strip_prefix(DIGEST_ALGORITHM).unwrap_or_default();
        let is_hex = hex
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if hex.len() == DIGEST_HEX_LENGTH && is_hex {
            return Ok(Self(text.to_owned()));
        }
        Err(ImageRefError::Digest(text.to_owned()))
    }
}

/// The first part is a registry if it cannot be a folder: it has a dot, a port, or is `localhost`.
fn split_registry(name: &str) -> Result<(Option<String>, &str), ImageRefError> {
    match name.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => {
            if !is_registry(host) {
                return Err(ImageRefError::Registry(host.to_owned()));
            }
            Ok((Some(host.to_owned()), path))
        }
        _ => Ok((None, name)),
    }
}

fn split_tag(path: &str) -> Result<(&str, Option<String>), ImageRefError> {
    match path.split_once(':') {
        Some((_, tag)) if !is_tag(tag) => Err(ImageRefError::Tag(tag.to_owned())),
        Some((repository, tag)) => Ok((repository, Some(tag.to_owned()))),
        None => Ok((path, None)),
    }
}

fn is_registry(host: &str) -> bool {
    let (name, port) = host.rsplit_once(':').unwrap_or((host, "443"));
    let is_port = port.parse::<u16>().is_ok();
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    is_port && name.split('.').all(is_label)
}

fn is_tag(tag: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    tag.len() <= LONGEST_TAG
        && tag.bytes().next().is_some_and(is_word)
        && tag
            .bytes()
            .all(|byte| is_word(byte) || matches!(byte, b'.' | b'-'))
}

fn is_repository(repository: &str) -> bool {
    repository.split('/').all(is_path_part)
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_path_part(part: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_separator =
        |run: &str| matches!(run, "." | "_" | "__") || run.bytes().all(|byte| byte == b'-');
    part.starts_with(is_word)
        && part.ends_with(is_word)
        && part
            .split(is_word)
            .filter(|run| !run.is_empty())
            .all(is_separator)
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(registry) = &self.registry {
            write!(f, "{registry}/")?;
        }
        f.write_str(&self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hex() -> String {
        "0123456789abcdef".repeat(4)
    }

    #[test]
    fn a_reference_is_taken_apart_and_displayed_as_written() {
        let digest = format!("sha256:{}", hex());
        for (text, registry, repository, tag, pinned) in [
            ("nginx".to_owned(), None, "nginx", None, false),
            ("nginx:5000".to_owned(), None, "nginx", Some("5000"), false),
            (
                "library/nginx:1.27-alpine".to_owned(),
                None,
                "library/nginx",
                Some("1.27-alpine"),
                false,
            ),
            (
                "localhost/web".to_owned(),
                Some("localhost"),
                "web",
                None,
                false,
            ),
            (
                "localhost:5000/a/b:v1".to_owned(),
                Some("localhost:5000"),
                "a/b",
                Some("v1"),
                false,
            ),
            (
                "ghcr.io/o/r__x:V_1".to_owned(),
                Some("ghcr.io"),
                "o/r__x",
                Some("V_1"),
                false,
            ),
            (format!("nginx@{digest}"), None, "nginx", None, true),
            (
                format!("r.io/web--x:v1@{digest}"),
                Some("r.io"),
                "web--x",
                Some("v1"),
                true,
            ),
        ] {
            let image: ImageRef = text.parse().unwrap();
            assert_eq!(
                (image.registry(), image.repository(), image.tag()),
                (registry, repository, tag),
                "{text}"
            );
            assert_eq!(image.is_pinned(), pinned, "{text}");
            assert_eq!(image.to_string(), text);
        }
    }

    #[test]
    fn a_text_that_is_no_reference_says_which_part_is_wrong() {
        let check = |text: &str, error: ImageRefError| {
            assert_eq!(text.parse::<ImageRef>(), Err(error), "{text}");
        };
        let repository = |text: &str| ImageRefError::Repository(text.to_owned());
        check("", ImageRefError::Empty);
        check("Nginx", repository("Nginx"));
        check("a//b", repository("a//b"));
        check("a/", repository("a/"));
        check("a...b", repository("a...b"));
        check("a_-b", repository("a_-b"));
        check("{{ image }}", repository("{{ image }}"));
        check("r.io/", repository(""));
        check("web:", ImageRefError::Tag(String::new()));
        check("web:-1", ImageRefError::Tag("-1".to_owned()));
        check("web:a:b", ImageRefError::Tag("a:b".to_owned()));
        check(
            "web@sha256:abc",
            ImageRefError::Digest("sha256:abc".to_owned()),
        );
        check("-r.io/web", ImageRefError::Registry("-r.io".to_owned()));
        check(
            "r.io:port/web",
            ImageRefError::Registry("r.io:port".to_owned()),
        );
        check(&"a".repeat(256), ImageRefError::TooLong(256));
        let shouted = format!("sha256:{}", hex().to_uppercase());
        check(&format!("web@{shouted}"), ImageRefError::Digest(shouted));
    }

    #[test]
    fn pinning_keeps_the_tag_for_people() {
        let digest: Digest = format!("sha256:{}", hex()).parse().unwrap();
        let image: ImageRef = "r.io/web:v1".parse().unwrap();
        assert_eq!(
            image.with_digest(digest).to_string(),
            format!("r.io/web:v1@sha256:{}", hex())
        );
    }

    #[test]
    fn versions_of_one_image_share_registry_and_repository() {
        let image = |text: &str| text.parse::<ImageRef>().unwrap();
        assert!(image("r.io/web:v1").same_repository(&image("r.io/web:v2")));
        assert!(!image("r.io/web:v1").same_repository(&image("s.io/web:v1")));
        assert!(!image("r.io/web:v1").same_repository(&image("r.io/api:v1")));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic_and_what_parses_is_displayed_unchanged(text in "[a-zA-Z0-9.:/@_ é-]{0,40}") {
            if let Ok(image) = text.parse::<ImageRef>() {
                prop_assert_eq!(image.to_string(), text);
            }
        }
    }
}
