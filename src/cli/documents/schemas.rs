//! The schemas of the documents, as in docs/json.

#![expect(clippy::disallowed_methods, reason = "files of this repository")]

use std::fs;
use std::path::Path;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};

use super::*;
use crate::boot::Action;
use crate::metrics::Measured;

/// A document of a command, by the name of its schema.
pub(crate) struct Document {
    pub(crate) name: &'static str,
    /// The commands that print it.
    pub(crate) commands: &'static str,
    pub(crate) schema: Schema,
}

fn document<T: JsonSchema>(name: &'static str, commands: &'static str) -> Document {
    let generator: SchemaGenerator = SchemaSettings::draft07().for_serialize().into_generator();
    Document { name, commands, schema: generator.into_root_schema_for::<T>() }
}

/// A document whose type has no description.
fn described(mut document: Document, description: &str) -> Document {
    document.schema.insert("description".to_owned(), json!(description));
    document
}

pub(crate) fn documents() -> Vec<Document> {
    vec![
        document::<Rendered>("gen-service.render", "gen-service … --json"),
        document::<Written>("gen-service.write", "gen-service … --out DIR --json"),
        document::<Compared>("gen-service.check", "gen-service … --out DIR --check --json"),
        document::<Installed>("install", "gatewayctl install … --json"),
        described(document::<About>("register", "gatewayctl register … --json"), "The gateway that was registered."),
        document::<Vec<Unregistered>>("unregister", "gatewayctl unregister … --json"),
        document::<Reconciled>("reconcile", "gatewayctl reconcile … --json"),
        document::<Repaired>("repair", "gatewayctl repair … --json"),
        document::<Vec<Finding>>("doctor", "gatewayctl doctor --json"),
        document::<Vec<Ill>>("health", "gatewayctl health … --json"),
        document::<Measured>("metrics", "gatewayctl metrics --json"),
        document::<Vec<Move>>("shard", "gatewayctl shard … --json"),
        described(document::<Vec<String>>("list", "gatewayctl list --json"), "The profiles that have a gateway."),
        document::<Vec<Shown>>("status", "gatewayctl status … --json"),
        document::<Vec<Controlled>>("control", "gatewayctl start, stop and restart … --json"),
        document::<LogLine>("logs", "gatewayctl logs … --json, for each line"),
        document::<Detected>("detect", "gatewayctl detect --json"),
        document::<Said>("message", "each line on standard error, with --json"),
    ]
}

/// A change of a document changes its schema, so a reviewer sees it.
#[test]
fn the_schemas_of_the_reference_are_those_of_the_documents() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/json");
    let mut names: Vec<String> = Vec::new();
    for Document { name, commands, mut schema } in documents() {
        schema.insert("title".to_owned(), json!(commands));
        let text = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
        let path = directory.join(format!("{name}.schema.json"));
        if ["UPDATE_SCHEMAS", "UPDATE_REFERENCE"].into_iter().any(|variable| std::env::var_os(variable).is_some()) {
            fs::create_dir_all(&directory).unwrap();
            fs::write(&path, &text).unwrap();
        }
        let shipped = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(
            shipped, text,
            "docs/json/{name}.schema.json: read what changed, then UPDATE_SCHEMAS=1 cargo test --lib schemas"
        );
        names.push(format!("{name}.schema.json"));
    }
    names.sort();
    let mut shipped: Vec<String> =
        fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    shipped.sort();
    assert_eq!(shipped, names);
}

/// People and programs read the same words.
#[test]
fn words_are_the_same_for_people_and_programs() {
    use NextBootWord::{Down, Gone, Up};
    use StateWord as S;
    let states = [
        S::Up,
        S::Paused,
        S::Starting,
        S::Restarting,
        S::Stopping,
        S::Stopped,
        S::Failed,
        S::Down,
        S::Unsupervised,
        S::Hidden,
        S::Foreign,
        S::Served,
        S::Parked,
        S::Unserved,
        S::Missing,
    ];
    for state in states {
        assert_eq!(serde_json::to_value(state).unwrap(), Value::from(state.text()));
    }
    for next in [Up, Down, Gone] {
        assert_eq!(serde_json::to_value(next).unwrap(), Value::from(next.text()));
    }
    let actions = [
        Action::Started,
        Action::Down,
        Action::Adopted,
        Action::Removed,
        Action::Merged,
        Action::Served,
        Action::ServedNext,
        Action::Parked,
        Action::Unchanged,
        Action::LeftToS6Rc,
        Action::Elsewhere,
        Action::Absent,
        Action::Made,
        Action::Awaited(0, "1".parse().unwrap()),
    ];
    for action in actions {
        assert_eq!(serde_json::to_value(ActionWord::from(action)).unwrap(), Value::from(action.word()));
    }
}
