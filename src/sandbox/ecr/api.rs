//! The ECR operations.

use serde_json::{Value, json};

use crate::sandbox::ecr::model::{Image, ImageState, Repository};
use crate::sandbox::input::Input;
use crate::sandbox::{ApiError, Duration, Rng, World, ids};

const SERVICE: &str = "ecr";
const IDS_PER_CALL: usize = 100;
/// A token for the registry lives for twelve hours.
const TOKEN_LIFE: Duration = Duration::from_secs(12 * 3600);

/// Answers one operation.
pub fn answer(world: &mut World, op: &str, input: &Value) -> Result<Value, ApiError> {
    let input = Input::new(SERVICE, op, input);
    match op {
        "DescribeRepositories" => describe_repositories(world, input),
        "DescribeImages" => describe_images(world, input),
        "ListImages" => list_images(world, input),
        "BatchGetImage" => batch_get_image(world, input),
        "GetAuthorizationToken" => Ok(authorization_token(world)),
        _ => Err(ApiError::not_modelled(SERVICE, op)),
    }
}

fn describe_repositories(world: &World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["registryId", "repositoryNames", "nextToken", "maxResults"])?;
    let names = input.texts("repositoryNames");
    let found = if names.is_empty() {
        world
            .ecr
            .repositories
            .values()
            .map(|r| echo_repository(world, r))
            .collect()
    } else {
        names
            .iter()
            .map(|name| find(world, input, name).map(|r| echo_repository(world, r)))
            .collect::<Result<_, _>>()?
    };
    page(input, "repositories", found)
}

fn echo_repository(world: &World, repository: &Repository) -> Value {
    json!({
        "repositoryArn": repository.arn,
        "registryId": world.account,
        "repositoryName": repository.name,
        "repositoryUri": repository.uri,
        "createdAt": repository.created.epoch_seconds(),
        "imageTagMutability": repository.mutability,
        "imageScanningConfiguration": {"scanOnPush": false},
        "encryptionConfiguration": {"encryptionType": "AES256"},
    })
}

fn find<'a>(world: &'a World, input: Input<'_>, name: &str) -> Result<&'a Repository, ApiError> {
    let registry = input.text("registryId").unwrap_or(&world.account);
    let found = world
        .ecr
        .repositories
        .get(name)
        .filter(|_| registry == world.account);
    found.ok_or_else(|| {
        let text = format!(
            "The repository with name '{name}' does not exist in the registry with id '{registry}'"
        );
        ApiError::client("RepositoryNotFoundException", text)
    })
}

fn describe_images(world: &World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&[
        "registryId",
        "repositoryName",
        "imageIds",
        "nextToken",
        "maxResults",
        "filter",
    ])?;
    let repository = find(world, input, input.need("repositoryName")?)?;
    if input.list("imageIds").is_empty() {
        let images = filtered(repository, input)?
            .map(|image| echo_image(world, repository, image))
            .collect();
        return page(input, "imageDetails", images);
    }
    if input.get("maxResults").is_some() || input.get("nextToken").is_some() {
        return Err(input.invalid("maxResults and nextToken cannot be used together with imageIds"));
    }
    let details: Vec<Value> = image_ids(input)?
        .into_iter()
        .map(|id| describe_image(world, repository, id))
        .collect::<Result<_, _>>()?;
    Ok(json!({"imageDetails": details}))
}

/// Tag and digest of each of `imageIds`.
type ImageId<'a> = (Option<&'a str>, Option<&'a str>);

fn image_ids(input: Input<'_>) -> Result<Vec<ImageId<'_>>, ApiError> {
    let ids: Vec<ImageId<'_>> = input
        .each("imageIds")
        .map(|id| (id.text("imageTag"), id.text("imageDigest")))
        .collect();
    if ids.len() > IDS_PER_CALL {
        return Err(input.invalid(&format!("Invalid parameter at 'imageIds' failed to satisfy constraint: 'Member must have length less than or equal to {IDS_PER_CALL}'")));
    }
    Ok(ids)
}

fn describe_image(
    world: &World,
    repository: &Repository,
    (tag, digest): ImageId<'_>,
) -> Result<Value, ApiError> {
    let found = repository
        .find(tag, digest)
        .map(|image| echo_image(world, repository, image));
    found.ok_or_else(|| {
        let text = format!(
            "The image with imageId {{imageDigest:'{}', imageTag:'{}'}} does not exist within the repository with name '{}' in the registry with id '{}'",
            digest.unwrap_or("null"),
            tag.unwrap_or("null"),
            repository.name,
            world.account,
        );
        ApiError::client("ImageNotFoundException", text)
    })
}

/// The images that `filter` lets through.
fn filtered<'a>(
    repository: &'a Repository,
    input: Input<'_>,
) -> Result<impl Iterator<Item = &'a Image>, ApiError> {
    let tagged = match input
        .at("filter")
        .map(|f| f.only(&["tagStatus"]))
        .transpose()?
        .and_then(|f| f.text("tagStatus"))
    {
        None | Some("ANY") => None,
        Some("TAGGED") => Some(true),
        Some("UNTAGGED") => Some(false),
        Some(other) => {
            return Err(input.invalid(&format!(
                "Invalid parameter at 'filter' failed to satisfy constraint: tagStatus {other}"
            )));
        }
    };
    Ok(repository
        .images
        .iter()
        .filter(move |image| tagged.is_none_or(|tagged| image.tags.is_empty() != tagged)))
}

fn echo_image(world: &World, repository: &Repository, image: &Image) -> Value {
    let size = 20_000_000 + Rng::named(0, &[&image.digest]).below(200_000_000);
    let mut echo = json!({
        "registryId": world.account,
        "repositoryName": repository.name,
        "imageDigest": image.digest,
        "imageSizeInBytes": size,
        "imagePushedAt": image.pushed.epoch_seconds(),
        "imageManifestMediaType": image.media_type,
        "imageStatus": "ACTIVE",
    });
    if !image.tags.is_empty() {
        echo["imageTags"] = image.tags.clone().into();
    }
    if image.state == ImageState::Archived {
        echo["imageStatus"] = "ARCHIVED".into();
        echo["lastArchivedAt"] = image.pushed.epoch_seconds();
    }
    echo
}

fn list_images(world: &World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&[
        "registryId",
        "repositoryName",
        "nextToken",
        "maxResults",
        "filter",
    ])?;
    let repository = find(world, input, input.need("repositoryName")?)?;
    let ids = filtered(repository, input)?.flat_map(|image| {
        let tagged = image
            .tags
            .iter()
            .map(|tag| json!({"imageDigest": image.digest, "imageTag": tag}));
        let untagged = image
            .tags
            .is_empty()
            .then(|| json!({"imageDigest": image.digest}));
        tagged.chain(untagged).collect::<Vec<_>>()
    });
    page(input, "imageIds", ids.collect())
}

fn batch_get_image(world: &World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&[
        "registryId",
        "repositoryName",
        "imageIds",
        "acceptedMediaTypes",
    ])?;
    let repository = find(world, input, input.need("repositoryName")?)?;
    let (mut images, mut failures) = (Vec::new(), Vec::new());
    for id in image_ids(input)? {
        match get_image(world, repository, id) {
            Ok(image) => images.push(image),
            Err((code, reason)) => failures.push(
                json!({"imageId": echo_id(id), "failureCode": code, "failureReason": reason}),
            ),
        }
    }
    Ok(json!({"images": images, "failures": failures}))
}

fn get_image(
    world: &World,
    repository: &Repository,
    id: ImageId<'_>,
) -> Result<Value, (&'static str, &'static str)> {
    let (tag, digest) = id;
    if tag.is_none() && digest.is_none() {
        return Err((
            "MissingDigestAndTag",
            "Invalid request parameters: both tag and digest cannot be null",
        ));
    }
    if digest.is_some_and(|d| !is_digest(d)) {
        return Err((
            "InvalidImageDigest",
            "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'",
        ));
    }
    let image = repository
        .find(tag, digest)
        .ok_or(("ImageNotFound", "Requested image not found"))?;
    if digest.is_some() && tag.is_some_and(|tag| !image.tags.iter().any(|t| t == tag)) {
        return Err(("ImageTagDoesNotMatchDigest", "Tag does not match digest"));
    }
    if image.state == ImageState::Archived {
        // That it cannot be pulled is known; which of the modelled codes says so is not.
        return Err(("ImageInaccessible", "The image is archived"));
    }
    Ok(json!({
        "registryId": world.account,
        "repositoryName": repository.name,
        "imageId": echo_id((tag, Some(&image.digest))),
        "imageManifest": image.manifest,
        "imageManifestMediaType": image.media_type,
    }))
}

fn is_digest(text: &str) -> bool {
    text.split_once(':')
        .is_some_and(|(_, hex)| !hex.is_empty() && hex.chars().all(|c| c.is_ascii_hexdigit()))
}

fn echo_id((tag, digest): ImageId<'_>) -> Value {
    let members = [("imageDigest", digest), ("imageTag", tag)];
    members
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?))))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn authorization_token(world: &mut World) -> Value {
    // Nothing checks the password, so it need not come from the world's stream, which an answer must not disturb.
    let password = ids::hex(&mut world.named("ecr", "password"), 32);
    json!({"authorizationData": [{
        "authorizationToken": base64(format!("AWS:{password}").as_bytes()),
        "expiresAt": (world.now + TOKEN_LIFE).epoch_seconds(),
        "proxyEndpoint": format!("https://{}", world.registry_host()),
    }]})
}

/// Standard base64 (RFC 4648) with padding.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let group = chunk
            .iter()
            .fold(0_u32, |acc, byte| acc << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let sextet = (group >> (18 - 6 * place)) & 63;
            out.push(if place <= chunk.len() {
                char::from(ALPHABET[sextet as usize])
            } else {
                '='
            });
        }
    }
    out
}

/// One page; the token is the place of the next page's first item.
fn page(input: Input<'_>, member: &str, items: Vec<Value>) -> Result<Value, ApiError> {
    let size = input.int("maxResults", 1..=1000)?.unwrap_or(100) as usize;
    let start = match input.text("nextToken") {
        None => 0,
        Some(token) => token
            .parse::<usize>()
            .map_err(|_| input.invalid("Invalid parameter at 'nextToken'"))?,
    };
    let more = items.len() > start.saturating_add(size);
    let mut output = serde_json::Map::new();
    output.insert(
        member.to_owned(),
        items.into_iter().skip(start).take(size).collect(),
    );
    if more {
        output.insert("nextToken".to_owned(), (start + size).to_string().into());
    }
    Ok(output.into())
}

impl World {
    /// `A.dkr.ecr.R.amazonaws.com`.
    pub fn registry_host(&self) -> String {
        let suffix = if self.region.starts_with("cn-") {
            ".cn"
        } else {
            ""
        };
        format!(
            "{}.dkr.ecr.{}.amazonaws.com{suffix}",
            self.account, self.region
        )
    }
}
