//! The JSON Schema of `ecsdeploy.yml`, for editors and other tools.
//!
//! **Invariant:** made from the types that read the file, so that it cannot say anything else than they do.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::config::Config;

/// The name under which the schema is known; nothing is fetched from it.
const ID: &str = "urn:ecsdeploy:config";

/// The JSON Schema (draft 2020-12) of `ecsdeploy.yml`.
pub fn config_schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<Config>();
    schema.insert("$id".to_owned(), ID.into());
    schema.to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every object schema in `schema`, with its name.
    fn objects(schema: &Value) -> Vec<(&str, &Value)> {
        let named = schema["$defs"].as_object().unwrap().iter();
        let mut all: Vec<_> = named.map(|(name, def)| (name.as_str(), def)).collect();
        all.push(("Config", schema));
        all.retain(|(_, def)| def["type"] == "object");
        all
    }

    #[test]
    fn the_schema_names_its_draft_itself_and_its_title() {
        let schema = config_schema();
        assert_eq!(
            schema["$schema"],
            "https://json-schema.org/draft/2020-12/schema"
        );
        assert_eq!(schema["$id"], ID);
        assert_eq!(schema["title"], "ecsdeploy.yml");
        assert_eq!(schema["required"], serde_json::json!(["services"]));
    }

    #[test]
    fn every_object_is_closed_and_every_key_is_described() {
        let schema = config_schema();
        let objects = objects(&schema);
        assert_eq!(objects.len(), 16);
        for (name, object) in objects {
            assert_eq!(object["additionalProperties"], false, "{name}");
            // `targets: {}` has nothing to choose.
            for (key, property) in object["properties"].as_object().into_iter().flatten() {
                assert!(property["description"].is_string(), "{name}.{key}");
            }
        }
    }
}
