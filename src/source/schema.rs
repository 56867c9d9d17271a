//! The JSON Schema of a manifest, for editors. It is made from the same table as the manifest's parser.

use serde_json::{Map, Value, json};

use super::words::{DASHBOARD, DEFAULTS, ENV, ENV_FILE, GATEWAYS, METRICS, SECRET, WATCH};
use crate::spec::ProfileName;
use crate::spec::environment::EnvName;
use crate::spec::options::{Key, Kind};

/// The schema, draft 2020-12. `docs/gateways.schema.json` holds this text, and a test checks that.
pub fn schema() -> Value {
    let gateway = Key::OF_GATEWAY.iter().map(|key| (*key, key.help()));
    let of_all = Key::OF_ALL.iter().map(|key| (*key, key.help()));
    let defaults = of_all.chain(gateway.clone().filter(|(key, _)| !Key::OF_ONE.contains(key)));
    let metrics = Key::OF_METRICS.iter().map(|key| (*key, key.help_of_metrics()));
    let dashboard = Key::OF_DASHBOARD.iter().map(|key| (*key, key.help_of_dashboard()));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "gateways.toml",
        "description": "Services of Hermes, rendered to s6 service directories by gen-service --manifest",
        "type": "object",
        "additionalProperties": false,
        "anyOf": [{ "required": [GATEWAYS] }, { "required": [DASHBOARD] }, { "required": [WATCH] }, { "required": [METRICS] }],
        "properties": {
            (DEFAULTS): table("Defaults of all gateways", "gateway", defaults),
            (GATEWAYS): {
                "description": "One table per profile",
                "type": "object",
                "minProperties": 1,
                "propertyNames": { "pattern": "^[a-z0-9][a-z0-9_-]*$", "maxLength": ProfileName::MAX_LEN },
                "additionalProperties": table("The gateway of this profile", "gateway", gateway),
            },
            (DASHBOARD): table("The dashboard of Hermes. Omit this table to have none", "dashboard", dashboard),
            (WATCH): {
                "description": "gatewayctl watch. Omit this table to have none",
                "type": "object",
                "additionalProperties": false,
            },
            (METRICS): {
                "description": "gatewayctl metrics --listen. Omit this table to have none",
                "type": "object",
                "additionalProperties": false,
                "properties": properties(metrics),
            },
        },
    })
}

/// A table with these keys, each with its help text for this kind of service.
fn table(description: &str, kind: &str, keys: impl Iterator<Item = (Key, &'static str)>) -> Value {
    let mut properties = properties(keys);
    let entries = |description: &str, value: Value| {
        json!({
            "description": description,
            "type": "object",
            "propertyNames": { "pattern": EnvName::PATTERN },
            "additionalProperties": value,
        })
    };
    properties.insert(ENV.to_owned(), entries(&format!("Environment of the {kind}"), json!({ "type": "string" })));
    let file = json!({ "type": "string", "pattern": "^/" });
    properties.insert(
        SECRET.to_owned(),
        entries(&format!("Variables that are read from a file when the {kind} starts"), file),
    );
    let files = json!({
        "description": "Environment files in the format of docker run --env-file, relative to the manifest. A later file overrides an earlier one",
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

fn properties(keys: impl Iterator<Item = (Key, &'static str)>) -> Map<String, Value> {
    keys.map(|(key, help)| (key.name().to_owned(), property(key, help))).collect()
}

fn property(key: Key, help: &str) -> Value {
    let mut property = match key.kind() {
        Kind::Integer(low, high) => json!({ "type": "integer", "minimum": low, "maximum": high }),
        Kind::Choice(words) => json!({ "enum": words }),
        Kind::Text(pattern) => json!({ "type": "string", "pattern": pattern }),
        Kind::List(pattern) => {
            let one = json!({ "type": "string", "pattern": pattern });
            json!({ "anyOf": [one, { "type": "array", "items": one }] })
        }
        Kind::Flag => json!({ "type": "boolean" }),
    };
    property["description"] = help.into();
    property
}
