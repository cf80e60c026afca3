//! Manifests that fit their digests: unless the world file gives a digest, it is the SHA-256 of the manifest's text, as
//! in a real registry.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

pub const IMAGE_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
pub const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";

/// `sha256:` and the SHA-256 of the text.
pub fn digest_of(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    hash.iter()
        .fold("sha256:".to_owned(), |out, byte| format!("{out}{byte:02x}"))
}

/// The manifest of an image for one platform. `identity` (repository, tag, platform) makes it one of its kind.
pub fn of_image(identity: &str) -> String {
    let blob = |part: &str, media_type: &str, size: u64| json!({"mediaType": media_type, "digest": digest_of(&format!("{part} of {identity}")), "size": size});
    json!({
        "schemaVersion": 2,
        "mediaType": IMAGE_TYPE,
        "config": blob("config", "application/vnd.oci.image.config.v1+json", 7023),
        "layers": [blob("layer", "application/vnd.oci.image.layer.v1.tar+gzip", 52_428_800)],
    })
    .to_string()
}

/// The index over the manifests of several platforms, given as (`os/architecture`, manifest).
pub fn of_index(children: &[(&str, &str)]) -> String {
    let manifests: Vec<Value> = children
        .iter()
        .map(|(platform, manifest)| {
            let (os, architecture) = platform.split_once('/').unwrap_or(("linux", platform));
            json!({
                "mediaType": IMAGE_TYPE,
                "digest": digest_of(manifest),
                "size": manifest.len(),
                "platform": {"os": os, "architecture": architecture},
            })
        })
        .collect();
    json!({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": manifests}).to_string()
}
