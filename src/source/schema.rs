//! The JSON Schema of a manifest, for editors; made from the same table as the manifest's parser.

use serde_json::{Map, Value, json};

use super::words::{DEFAULTS, ENV, ENV_FILE, GATEWAYS, SECRET};
use crate::spec::ProfileName;
use crate::spec::environment::EnvName;
use crate::spec::options::{Key, Kind};

/// The schema, draft 2020-12. `docs/gateways.schema.json` is this, and a test sees that it stays so.
pub fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "gateways.toml",
        "description": "Hermes gateways, rendered to s6 service directories by gen-service --manifest",
        "type": "object",
        "additionalProperties": false,
        "required": [GATEWAYS],
        "properties": {
            (DEFAULTS): table("What holds for every gateway that does not say otherwise", |key| key != Key::Port),
            (GATEWAYS): {
                "description": "One table per profile",
                "type": "object",
                "minProperties": 1,
                "propertyNames": { "pattern": "^[a-z0-9][a-z0-9_-]*$", "maxLength": ProfileName::MAX_LEN },
                "additionalProperties": table("The gateway of this profile", |_| true),
            },
        },
    })
}

fn table(description: &str, takes: impl Fn(Key) -> bool) -> Value {
    let keys = Key::ALL.into_iter().filter(|&key| takes(key));
    let mut properties: Map<String, Value> = keys.map(|key| (key.name().to_owned(), property(key))).collect();
    let entries = |description: &str, value: Value| {
        json!({
            "description": description,
            "type": "object",
            "propertyNames": { "pattern": EnvName::PATTERN },
            "additionalProperties": value,
        })
    };
    properties.insert(ENV.to_owned(), entries("Environment of the gateway", json!({ "type": "string" })));
    let file = json!({ "type": "string", "pattern": "^/" });
    properties.insert(SECRET.to_owned(), entries("Variables that are read from a file when the gateway starts", file));
    let files = json!({
        "description": "Environment files in the format of docker run --env-file, relative to the manifest; a later one wins",
        "type": ["string", "array"],
        "items": { "type": "string" },
    });
    properties.insert(ENV_FILE.to_owned(), files);
    json!({
        "description": description,
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    })
}

fn property(key: Key) -> Value {
    let mut property = match key.kind() {
        Kind::Integer(low, high) => json!({ "type": "integer", "minimum": low, "maximum": high }),
        Kind::Choice(words) => json!({ "enum": words }),
        Kind::Text(pattern) => json!({ "type": "string", "pattern": pattern }),
        Kind::Flag => json!({ "type": "boolean" }),
    };
    property["description"] = key.help().into();
    property
}
