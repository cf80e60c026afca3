//! ECR by its operations: what a tag leads to, how what is missing is named, how lists are paged.

use serde_json::{Value, json};

use crate::sandbox::ecr::{ImageMissing, answer};
use crate::sandbox::{ApiError, World, seed};

const WORLD: &str = "
repositories:
  - repositoryName: team/web
    images:
      - imageTags: ['1', latest]
      - imageTags: ['2']
        platforms: [linux/amd64, linux/arm64]
      - imageTags: [old]
        imageStatus: ARCHIVED
";
const HOST: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

fn call(world: &mut World, op: &str, mut input: Value) -> Result<Value, ApiError> {
    if op != "DescribeRepositories" {
        input["repositoryName"] = "team/web".into();
    }
    answer(world, op, &input)
}

fn world() -> World {
    seed::read(WORLD, 1).unwrap()
}

#[test]
fn a_tag_leads_to_its_digest() {
    let mut world = world();
    let found = call(
        &mut world,
        "DescribeImages",
        json!({"imageIds": [{"imageTag": "latest"}]}),
    )
    .unwrap();
    let detail = &found["imageDetails"][0];
    assert_eq!(detail["imageTags"], json!(["1", "latest"]));
    let digest = detail["imageDigest"].as_str().unwrap();
    assert_eq!((&digest[..7], digest.len()), ("sha256:", 71));
    assert_eq!(
        world.ecr.resolve(&format!("{HOST}/team/web:1")).as_deref(),
        Ok(digest)
    );
    assert_eq!(
        world
            .ecr
            .resolve(&format!("{HOST}/team/web:2@{digest}"))
            .as_deref(),
        Ok(digest)
    );
}

#[test]
fn what_is_missing_is_named_as_aws_names_it() {
    let mut world = world();
    let check = |world: &mut World, input: Value, code: &str, message: &str| {
        let error = answer(world, "DescribeImages", &input).unwrap_err();
        assert_eq!(
            (error.code.as_str(), error.message.as_str()),
            (code, message)
        );
    };
    check(
        &mut world,
        json!({"repositoryName": "web"}),
        "RepositoryNotFoundException",
        "The repository with name 'web' does not exist in the registry with id '123456789012'",
    );
    check(
        &mut world,
        json!({"repositoryName": "team/web", "imageIds": [{"imageTag": "1"}, {"imageTag": "9"}]}),
        "ImageNotFoundException",
        "The image with imageId {imageDigest:'null', imageTag:'9'} does not exist within the repository with name 'team/web' in the registry with id '123456789012'",
    );
}

#[test]
fn references_that_lead_nowhere_say_why() {
    let world = world();
    let check =
        |image: &str, missing: ImageMissing| assert_eq!(world.ecr.resolve(image), Err(missing));
    check(
        &format!("{HOST}/web:1"),
        ImageMissing::Repository(format!("{HOST}/web")),
    );
    check(
        &format!("{HOST}/team/web:9"),
        ImageMissing::Image(format!("{HOST}/team/web:9")),
    );
    check(
        &format!("{HOST}/team/web:old"),
        ImageMissing::Archived(format!("{HOST}/team/web:old")),
    );
    let elsewhere = "999999999999.dkr.ecr.eu-west-1.amazonaws.com/team/web";
    check(
        &format!("{elsewhere}:1"),
        ImageMissing::Repository(elsewhere.to_owned()),
    );
    assert!(
        world
            .ecr
            .resolve("nginx:1.27")
            .is_ok_and(|digest| digest.len() == 71)
    );
}

#[test]
fn an_image_for_several_platforms_is_an_index_over_its_children() {
    let mut world = world();
    let got = call(
        &mut world,
        "BatchGetImage",
        json!({"imageIds": [{"imageTag": "2"}]}),
    )
    .unwrap();
    let index = &got["images"][0];
    assert_eq!(
        index["imageManifestMediaType"],
        "application/vnd.oci.image.index.v1+json"
    );
    let manifest: Value = serde_json::from_str(index["imageManifest"].as_str().unwrap()).unwrap();
    assert_eq!(
        manifest["manifests"][1]["platform"],
        json!({"os": "linux", "architecture": "arm64"})
    );
    let child = manifest["manifests"][1]["digest"].clone();
    let got = call(
        &mut world,
        "BatchGetImage",
        json!({"imageIds": [{"imageDigest": child}]}),
    )
    .unwrap();
    assert_eq!(got["images"][0]["imageId"], json!({"imageDigest": child}));
}

#[test]
fn a_batch_answers_what_it_can_and_lists_what_failed() {
    let mut world = world();
    let ids = json!([{"imageTag": "1"}, {"imageTag": "9"}, {}, {"imageDigest": "x"}, {"imageTag": "old"}]);
    let got = call(&mut world, "BatchGetImage", json!({"imageIds": ids})).unwrap();
    assert_eq!(got["images"].as_array().map(Vec::len), Some(1));
    let codes: Vec<&Value> = got["failures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| &f["failureCode"])
        .collect();
    assert_eq!(
        codes,
        [
            "ImageNotFound",
            "MissingDigestAndTag",
            "InvalidImageDigest",
            "ImageInaccessible"
        ]
    );
}

#[test]
fn an_archived_image_says_so() {
    let mut world = world();
    let found = call(
        &mut world,
        "DescribeImages",
        json!({"imageIds": [{"imageTag": "old"}]}),
    )
    .unwrap();
    assert_eq!(found["imageDetails"][0]["imageStatus"], "ARCHIVED");
}

#[test]
fn lists_are_filtered_and_paged() {
    let mut world = world();
    let untagged = call(
        &mut world,
        "ListImages",
        json!({"filter": {"tagStatus": "UNTAGGED"}}),
    )
    .unwrap();
    assert_eq!(
        untagged["imageIds"].as_array().map(Vec::len),
        Some(2),
        "the index's children have no tags"
    );
    let first = call(
        &mut world,
        "ListImages",
        json!({"filter": {"tagStatus": "TAGGED"}, "maxResults": 3}),
    )
    .unwrap();
    let rest = json!({"filter": {"tagStatus": "TAGGED"}, "maxResults": 3, "nextToken": first["nextToken"]});
    let second = call(&mut world, "ListImages", rest).unwrap();
    assert_eq!(first["imageIds"].as_array().map(Vec::len), Some(3));
    assert_eq!(second["imageIds"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&second["imageIds"][0]["imageTag"], second.get("nextToken")),
        (&json!("old"), None)
    );
}

#[test]
fn a_repository_is_described_with_its_uri() {
    let mut world = world();
    let found = call(
        &mut world,
        "DescribeRepositories",
        json!({"repositoryNames": ["team/web"]}),
    )
    .unwrap();
    assert_eq!(
        found["repositories"][0]["repositoryUri"],
        format!("{HOST}/team/web")
    );
}

#[test]
fn a_token_is_for_the_user_aws() {
    let token = answer(&mut world(), "GetAuthorizationToken", &json!({})).unwrap();
    let token = token["authorizationData"][0]["authorizationToken"]
        .as_str()
        .unwrap();
    assert!(token.starts_with("QVdTO"), "base64 of \"AWS:\": {token}");
    assert_eq!(token.len(), 48, "36 bytes make 48 characters");
}
