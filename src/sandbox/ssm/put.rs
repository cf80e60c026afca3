//! `PutParameter`: create, or overwrite when asked to.

use serde_json::{Value, json};

use crate::sandbox::input::Input;
use crate::sandbox::ssm::model::{Kind, Parameter, Tier};
use crate::sandbox::{ApiError, World};

const MEMBERS: [&str; 10] = [
    "Name",
    "Description",
    "Value",
    "Type",
    "KeyId",
    "Overwrite",
    "AllowedPattern",
    "Tags",
    "Tier",
    "DataType",
];
/// Characters of a full name with its ARN.
const LONGEST: usize = 1011;
const DEEPEST: usize = 15;
const MOST_TAGS: usize = 50;

pub fn put(world: &mut World, input: Input<'_>) -> Result<Value, ApiError> {
    let input = input.only(&MEMBERS)?;
    let name = input.need("Name")?;
    let value = input.need("Value")?;
    let overwrites = input.flag("Overwrite")?.unwrap_or(false);
    let tags = read_tags(input)?;
    if overwrites && !tags.is_empty() {
        return Err(input.invalid("Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource."));
    }
    let mut parameter = match world.ssm.parameters.get(name) {
        Some(_) if !overwrites => {
            return Err(ApiError::client(
                "ParameterAlreadyExists",
                "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
            ));
        }
        Some(present) => present.clone(),
        None => create(world, input, name)?,
    };
    apply(&mut parameter, input, value)?;
    parameter.tags.extend(tags);
    let number = parameter.push(value, world.now);
    let answer = json!({"Version": number, "Tier": parameter.tier.as_str()});
    world.ssm.parameters.insert(name.to_owned(), parameter);
    Ok(answer)
}

fn create(world: &World, input: Input<'_>, name: &str) -> Result<Parameter, ApiError> {
    let kind = input.text("Type").ok_or_else(|| {
        input.invalid("A parameter type is required when you create a parameter.")
    })?;
    let kind = read_kind(input, kind)?;
    let mut parameter = Parameter::new(world, name, kind, Tier::Standard);
    check_name(input, &parameter)?;
    parameter.tier = tier(input, &parameter)?;
    let all = world.ssm.parameters.values();
    let of_tier = all.filter(|other| other.tier == parameter.tier);
    if of_tier.count() >= parameter.tier.most_parameters() {
        return Err(ApiError::client(
            "ParameterLimitExceeded",
            "You have exceeded the number of parameters for this AWS account.",
        ));
    }
    Ok(parameter)
}

/// Takes over the members that a create and an overwrite share.
fn apply(parameter: &mut Parameter, input: Input<'_>, value: &str) -> Result<(), ApiError> {
    if let Some(kind) = input.text("Type") {
        parameter.kind = read_kind(input, kind)?;
    }
    parameter.tier = tier(input, parameter)?;
    if value.len() > parameter.tier.most_bytes() {
        return Err(too_long(input, parameter.tier));
    }
    if let Some(pattern) = input.text("AllowedPattern").filter(|p| !p.is_empty()) {
        // A pattern that is not checked would let values through that AWS refuses.
        return Err(input.not_modelled(&format!("AllowedPattern {pattern:?}")));
    }
    match input.text("DataType") {
        None | Some("text") => {}
        Some(other) => return Err(input.not_modelled(&format!("DataType {other}"))),
    }
    if let Some(description) = input.text("Description") {
        parameter.description = Some(description.to_owned());
    }
    if parameter.kind == Kind::Secure {
        let key = input.text("KeyId").map(str::to_owned);
        let kept = key.or_else(|| parameter.key_id.take());
        parameter.key_id = Some(kept.unwrap_or_else(|| "alias/aws/ssm".to_owned()));
    }
    Ok(())
}

fn read_kind(input: Input<'_>, text: &str) -> Result<Kind, ApiError> {
    Kind::parse(text).ok_or_else(|| {
        input.invalid(&format!("1 validation error detected: Value '{text}' at 'type' failed to satisfy constraint: Member must satisfy enum value set: [SecureString, StringList, String]"))
    })
}

/// The tier asked for. An advanced parameter does not become a standard one.
fn tier(input: Input<'_>, parameter: &Parameter) -> Result<Tier, ApiError> {
    match input.text("Tier") {
        None => Ok(parameter.tier),
        Some("Advanced") => Ok(Tier::Advanced),
        Some("Standard") if parameter.tier == Tier::Advanced => Err(input.invalid("This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced parameter and recreate it as a standard parameter.")),
        Some("Standard") => Ok(Tier::Standard),
        Some(other) => Err(input.not_modelled(&format!("Tier {other}"))),
    }
}

fn too_long(input: Input<'_>, tier: Tier) -> ApiError {
    let most = tier.most_bytes();
    input.invalid(&match tier {
        Tier::Standard => format!("Standard tier parameters support a maximum parameter value of {most} characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"),
        Tier::Advanced => format!("Advanced tier parameters support a maximum parameter value of {most} characters."),
    })
}

fn check_name(input: Input<'_>, parameter: &Parameter) -> Result<(), ApiError> {
    let name = &parameter.name;
    let parts: Vec<&str> = name.trim_start_matches('/').split('/').collect();
    let first = parts.first().copied().unwrap_or_default().to_lowercase();
    if first.starts_with("aws") || first.starts_with("ssm") {
        let prefix = &first[..3];
        return Err(if name.starts_with('/') && prefix == "aws" {
            ApiError::client(
                "AccessDeniedException",
                format!("No access to reserved parameter name: {name}."),
            )
        } else {
            input.invalid(&format!("Parameter name: can't be prefixed with \"{prefix}\" (case-insensitive). If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_"))
        });
    }
    if parts.len() > 1 && !name.starts_with('/') {
        return Err(input.invalid("Parameter name must be a fully qualified name."));
    }
    if parts.len() > DEEPEST {
        return Err(ApiError::client(
            "HierarchyLevelLimitExceededException",
            format!("A parameter hierarchy can have a maximum of {DEEPEST} levels."),
        ));
    }
    let is_word = |part: &&str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    if parameter.arn.len() > LONGEST || !parts.iter().all(is_word) {
        return Err(input.invalid("Parameter name: can't be longer than 1011 characters with its ARN. If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_"));
    }
    Ok(())
}

/// `Tags`, a list of `Key` and `Value`.
pub fn read_tags(input: Input<'_>) -> Result<Vec<(String, String)>, ApiError> {
    let tags: Vec<(String, String)> = input
        .each("Tags")
        .map(|tag| {
            let value = tag.text("Value").unwrap_or_default().to_owned();
            Ok((tag.need("Key")?.to_owned(), value))
        })
        .collect::<Result<_, ApiError>>()?;
    if tags.len() > MOST_TAGS {
        return Err(ApiError::client(
            "TooManyTagsError",
            "The Targets parameter includes too many tags. Remove one or more tags and try the command again.",
        ));
    }
    Ok(tags)
}
