//! The documents of `--json`, from their schemas.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use super::markdown::{code, head, sentence, table};
use crate::cli::documents::schemas::{Document, documents};

/// The page.
///
/// # Panics
/// If a field or a word has no description.
pub(super) fn page() -> String {
    let mut page = head("JSON");
    page += "\nWith `--json`, each command prints one document on standard output, and `logs` prints one for each line. Errors, warnings and notes \
             go to standard error, each a document on a line of its own ([message](#message)).\n\nA field may be added. A field that is there keeps \
             its name and its meaning.\n\n";
    let documents = documents();
    let rows: Vec<Vec<String>> = documents
        .iter()
        .map(|Document { name, commands, .. }| {
            vec![
                commands
                    .split(" --json")
                    .next()
                    .map(code)
                    .filter(|_| !commands.starts_with("each"))
                    .unwrap_or_else(|| (*commands).to_owned()),
                format!("[{name}](#{})", name.replace('.', "")),
                format!("[{name}.schema.json](../json/{name}.schema.json)"),
            ]
        })
        .collect();
    page += &table(&["command", "document", "JSON Schema"], &rows);
    for Document { name, schema, .. } in documents {
        let root = schema.to_value();
        let _ = write!(page, "\n## {name}\n\n");
        let item = &root["items"];
        let described = [&root["description"], &resolved(&root, item)["description"]];
        let description =
            described.into_iter().find_map(Value::as_str).unwrap_or_else(|| panic!("{name} is not described"));
        let is_list = root["type"] == "array";
        let what = match kind(&root, &root).as_str() {
            "array of objects" => "an array of these".to_owned(),
            kind => format!("an {kind}"),
        };
        let _ = writeln!(page, "{} The document is {what}.", sentence(description));
        let mut told = BTreeSet::new();
        fields(&mut page, &root, if is_list { resolved(&root, item) } else { &root }, &mut told);
    }
    page
}

/// The schema that a schema refers to, or the schema itself.
fn resolved<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let name = schema["$ref"].as_str().and_then(|name| name.strip_prefix("#/definitions/"));
    name.map_or(schema, |name| &root["definitions"][name])
}

/// The schema of a value that is not `null`.
fn value<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let choices = [&schema["anyOf"], &schema["allOf"]].into_iter().filter_map(Value::as_array).flatten();
    resolved(root, {
        let mut choices = choices;
        choices.find(|one| one["type"] != "null").unwrap_or(schema)
    })
}

/// The table of the fields of an object, then the tables of fields that are objects, lists or words.
fn fields(page: &mut String, root: &Value, object: &Value, told: &mut BTreeSet<String>) {
    let Some(properties) = object["properties"].as_object() else { return };
    let required: Vec<&str> = object["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let rows = properties.iter().map(|(name, schema)| {
        let mut kind = kind(root, schema);
        if !required.contains(&name.as_str()) {
            kind = kind.replace(" or `null`", "") + ", may be absent";
        }
        let meaning = schema["description"].as_str().unwrap_or_else(|| panic!("{name} has no description: {object}"));
        vec![code(name), kind, sentence(meaning)]
    });
    let _ = write!(page, "\n{}", table(&["field", "type", "meaning"], &rows.collect::<Vec<_>>()));
    for (name, schema) in properties {
        let inner = value(root, schema);
        let (inner, what) = if inner["type"] == "array" {
            (resolved(root, &inner["items"]), format!("Each of `{name}`"))
        } else {
            (inner, code(name))
        };
        if inner.get("properties").is_some() && told.insert(name.clone()) {
            let _ = write!(page, "\n{what} is an object.\n");
            fields(page, root, inner, told);
        } else if inner.get("oneOf").is_some() || inner.get("enum").is_some() {
            let _ = write!(page, "\n{what} is one of these words.\n\n{}", words(name, inner));
        }
    }
}

/// The table of the words that a schema allows.
fn words(name: &str, schema: &Value) -> String {
    let words = schema["oneOf"].as_array().unwrap_or_else(|| panic!("a word of {name} is not described"));
    let rows = words.iter().map(|word| {
        let text = word["const"].as_str().unwrap_or_else(|| panic!("a word of {name} is not described"));
        vec![code(text), sentence(word["description"].as_str().unwrap_or_else(|| panic!("{text} is not described")))]
    });
    table(&["word", "meaning"], &rows.collect::<Vec<_>>())
}

/// The type of a value.
fn kind(root: &Value, schema: &Value) -> String {
    let inner = value(root, schema);
    let or_null = if schema.get("anyOf").is_some() { " or `null`" } else { "" };
    let name = |word: &Value| match word.as_str().unwrap() {
        "null" => "`null`".to_owned(),
        "array" if resolved(root, &inner["items"])["type"] == "object" => "array of objects".to_owned(),
        "array" => format!("array of {}s", inner["items"]["type"].as_str().unwrap_or("word")),
        other => other.to_owned(),
    };
    let kind = match &inner["type"] {
        Value::Array(types) => types.iter().map(name).collect::<Vec<_>>().join(" or "),
        Value::Null => "word".to_owned(),
        one => name(one),
    };
    kind + or_null
}
