//! The Parameter Store operations.

use serde_json::{Map, Value, json};

use crate::sandbox::input::Input;
use crate::sandbox::ssm::model::{Parameter, Reading, Version, not_found};
use crate::sandbox::ssm::put::{put, read_tags};
use crate::sandbox::{ApiError, World};

const SERVICE: &str = "ssm";
/// Names in one `GetParameters` or `DeleteParameters`, and parameters in one page by path.
const PER_CALL: usize = 10;
const PER_PAGE: u64 = 50;

/// Answers one operation.
pub fn answer(world: &mut World, op: &str, input: &Value) -> Result<Value, ApiError> {
    let input = Input::new(SERVICE, op, input);
    match op {
        "PutParameter" => put(world, input),
        "GetParameter" => get(world, input),
        "GetParameters" => get_many(world, input),
        "GetParametersByPath" => by_path(world, input),
        "GetParameterHistory" => history(world, input),
        "DescribeParameters" => describe(world, input),
        "DeleteParameter" => delete(world, input),
        "DeleteParameters" => delete_many(world, input),
        "AddTagsToResource" => add_tags(world, input),
        "RemoveTagsFromResource" => remove_tags(world, input),
        "ListTagsForResource" => list_tags(world, input),
        _ => Err(ApiError::not_modelled(SERVICE, op)),
    }
}

fn reading(input: Input<'_>) -> Result<Reading, ApiError> {
    Ok(match input.flag("WithDecryption")? {
        Some(true) => Reading::Decrypted,
        _ => Reading::AsStored,
    })
}

fn get(world: &World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["Name", "WithDecryption"])?;
    let found = select(world, input.need("Name")?, reading(input)?)?;
    Ok(json!({"Parameter": found}))
}

/// One parameter by `name`, `name:version` or ARN.
fn select(world: &World, name: &str, reading: Reading) -> Result<Value, ApiError> {
    if let Some(parameter) = world.ssm.find(name) {
        return Ok(parameter.show(parameter.latest(), reading, None));
    }
    let (base, selector) = name.rsplit_once(':').ok_or_else(not_found)?;
    let parameter = world.ssm.find(base).ok_or_else(not_found)?;
    let number = selector.parse().ok();
    let found = parameter
        .versions()
        .iter()
        .find(|version| Some(version.number) == number);
    let version = found.ok_or_else(|| {
        let text = format!("Systems Manager could not find version {selector} of {base}. Verify the version and try again.");
        ApiError::client("ParameterVersionNotFound", text)
    })?;
    Ok(parameter.show(version, reading, Some(selector)))
}

fn get_many(world: &World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["Names", "WithDecryption"])?;
    let reading = reading(input)?;
    let (mut found, mut invalid) = (vec![], vec![]);
    for name in names(input)? {
        match select(world, name, reading) {
            Ok(parameter) => found.push(parameter),
            Err(_) => invalid.push(name),
        }
    }
    Ok(json!({"Parameters": found, "InvalidParameters": invalid}))
}

fn names(input: Input<'_>) -> Result<Vec<&str>, ApiError> {
    let names = input.texts("Names");
    if names.is_empty() || names.len() > PER_CALL {
        return Err(input.invalid(&format!("1 validation error detected: Value at 'names' failed to satisfy constraint: Member must have length less than or equal to {PER_CALL}")));
    }
    Ok(names)
}

fn by_path(world: &World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&[
        "Path",
        "Recursive",
        "WithDecryption",
        "MaxResults",
        "NextToken",
    ])?;
    let path = input.need("Path")?;
    if !path.starts_with('/') {
        return Err(input.invalid("The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward slash \"/\"."));
    }
    let recursive = input.flag("Recursive")?.unwrap_or(false);
    let reading = reading(input)?;
    let root = format!("{}/", path.trim_end_matches('/'));
    let found = world.ssm.parameters.values().filter(|parameter| {
        let below = parameter.name.strip_prefix(&root);
        below.is_some_and(|rest| recursive || !rest.contains('/'))
    });
    let shown = found.map(|p| p.show(p.latest(), reading, None)).collect();
    page(input, "Parameters", shown, PER_CALL as u64)
}

fn history(world: &World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["Name", "WithDecryption", "MaxResults", "NextToken"])?;
    let parameter = world.ssm.find(input.need("Name")?).ok_or_else(not_found)?;
    let reading = reading(input)?;
    let shown = parameter
        .versions()
        .iter()
        .map(|version| {
            let mut shown = metadata(world, parameter, version);
            if let Some(members) = shown.as_object_mut() {
                members.remove("ARN");
                members.insert("Value".to_owned(), parameter.value(version, reading).into());
                members.insert("Labels".to_owned(), json!([]));
            }
            shown
        })
        .collect();
    page(input, "Parameters", shown, PER_PAGE)
}

fn describe(world: &World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["ParameterFilters", "MaxResults", "NextToken"])?;
    let mut found: Vec<&Parameter> = world.ssm.parameters.values().collect();
    for filter in input.each("ParameterFilters") {
        let filter = filter.only(&["Key", "Option", "Values"])?;
        let values = filter.texts("Values");
        let option = filter.text("Option").unwrap_or("Equals");
        match (filter.need("Key")?, option) {
            ("Name", "Equals") => found.retain(|p| values.contains(&p.name.as_str())),
            ("Name", "BeginsWith") => {
                found.retain(|p| values.iter().any(|v| p.name.starts_with(v)));
            }
            ("Name", "Contains") => found.retain(|p| values.iter().any(|v| p.name.contains(v))),
            ("Type", "Equals") => found.retain(|p| values.contains(&p.kind.as_str())),
            (key, option) => return Err(input.not_modelled(&format!("filter {key} {option}"))),
        }
    }
    let shown = found
        .iter()
        .map(|p| metadata(world, p, p.latest()))
        .collect();
    page(input, "Parameters", shown, PER_PAGE)
}

/// The shape `ParameterMetadata`: everything but the value.
fn metadata(world: &World, parameter: &Parameter, version: &Version) -> Value {
    let mut shown = json!({
        "Name": parameter.name,
        "ARN": parameter.arn,
        "Type": parameter.kind.as_str(),
        "LastModifiedDate": version.modified.epoch_seconds(),
        "LastModifiedUser": format!("arn:aws:iam::{}:user/sandbox", world.account),
        "Version": version.number,
        "Tier": parameter.tier.as_str(),
        "Policies": [],
        "DataType": parameter.data_type,
    });
    for (member, value) in [
        ("Description", &parameter.description),
        ("KeyId", &parameter.key_id),
    ] {
        if let Some(value) = value {
            shown[member] = value.clone().into();
        }
    }
    shown
}

fn delete(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["Name"])?;
    let removed = world.ssm.parameters.remove(input.need("Name")?);
    removed.map(|_| json!({})).ok_or_else(not_found)
}

fn delete_many(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["Names"])?;
    let (gone, invalid): (Vec<&str>, Vec<&str>) = names(input)?
        .into_iter()
        .partition(|name| world.ssm.parameters.remove(*name).is_some());
    Ok(json!({"DeletedParameters": gone, "InvalidParameters": invalid}))
}

fn add_tags(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["ResourceType", "ResourceId", "Tags"])?;
    let tags = read_tags(input)?;
    resource(world, input)?.tags.extend(tags);
    Ok(json!({}))
}

fn remove_tags(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["ResourceType", "ResourceId", "TagKeys"])?;
    let keys = input.texts("TagKeys");
    let tags = &mut resource(world, input)?.tags;
    tags.retain(|key, _| !keys.contains(&key.as_str()));
    Ok(json!({}))
}

fn list_tags(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&["ResourceType", "ResourceId"])?;
    let tags: Vec<Value> = resource(world, input)?
        .tags
        .iter()
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect();
    Ok(json!({"TagList": tags}))
}

/// The parameter that a tag operation is about.
fn resource<'a>(world: &'a mut World, input: Input<'_>) -> Result<&'a mut Parameter, ApiError> {
    let kind = input.need("ResourceType")?;
    if kind != "Parameter" {
        return Err(input.not_modelled(&format!("ResourceType {kind}")));
    }
    let found = world.ssm.parameters.get_mut(input.need("ResourceId")?);
    found.ok_or_else(|| {
        ApiError::client(
            "InvalidResourceId",
            "The resource ID is not valid. Verify that you entered the correct ID and try again.",
        )
    })
}

/// One page; the token is the place of the next page's first item.
fn page(input: Input<'_>, member: &str, items: Vec<Value>, most: u64) -> Result<Value, ApiError> {
    let size = input.int("MaxResults", 1..=most)?.unwrap_or(most) as usize;
    let start: usize = match input.text("NextToken") {
        None | Some("") => 0,
        Some(token) => token.parse().map_err(|_| {
            ApiError::client("InvalidNextToken", "The specified token isn't valid.")
        })?,
    };
    let mut output = Map::new();
    if start + size < items.len() {
        output.insert("NextToken".to_owned(), (start + size).to_string().into());
    }
    let shown = items.into_iter().skip(start).take(size).collect();
    output.insert(member.to_owned(), shown);
    Ok(Value::Object(output))
}
