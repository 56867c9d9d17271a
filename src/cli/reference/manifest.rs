//! The keys of a manifest, from its schema and from the error of each option for a wrong value.

use std::fmt::Write as _;

use clap::Command;
use serde_json::{Map, Value};

use super::markdown::{self, code, default_of, head, prose, sentence, table};
use crate::source;
use crate::spec::options::{Key, Options};

/// The page.
///
/// # Panics
/// If `gen-service` lacks the option of a key.
pub(super) fn page(gen_service: &Command) -> String {
    let schema = source::schema();
    let tables = &schema["properties"];
    let (defaults, gateway) =
        (&tables["defaults"]["properties"], &tables["gateways"]["additionalProperties"]["properties"]);
    let mut page = head("Keys of a manifest");
    page += "\n[manifest.md](../manifest.md) says how to write a manifest. An unknown key is an error.\n";
    page += "\n## Gateways\n\n`[gateways.NAME]` and `[defaults]` have these keys. Each is also an option of [gen-service](gen-service.md), with `--` \
             before its name.\n\n";
    let all: Map<String, Value> =
        [defaults, gateway].into_iter().flat_map(|keys| keys.as_object().unwrap().clone()).collect();
    let rows = rows(&all, |key| match (defaults.get(key), gateway.get(key)) {
        (None, _) => " Not in `[defaults]`.",
        (_, None) => " Only in `[defaults]`.",
        _ => "",
    });
    for key in all.keys() {
        assert!(gen_service.get_arguments().any(|arg| arg.get_long() == Some(key)), "there is no option for {key}");
    }
    page += &table(HEADS, &rows);
    for (name, title) in [("dashboard", "The dashboard"), ("watch", "The watch"), ("metrics", "The metrics server")] {
        let of = &tables[name];
        let _ = write!(page, "\n## {title}\n\n`[{name}]`: {}", sentence(of["description"].as_str().unwrap()));
        match of["properties"].as_object() {
            Some(keys) => _ = write!(page, "\n\n{}", table(HEADS, &self::rows(keys, |_| ""))),
            None => page += " It has no keys.\n",
        }
    }
    page
}

const HEADS: &[&str] = &["key", "type", "value", "default", "meaning"];

fn rows(keys: &Map<String, Value>, more: impl Fn(&str) -> &'static str) -> Vec<Vec<String>> {
    // In the order of the helps. Keys that are not options with one value come last.
    let order = [&[Key::Host, Key::Listen][..], &Key::OF_GATEWAY, &Key::OF_ALL].concat();
    let place = |name: &str| order.iter().position(|key| key.name() == name).unwrap_or(usize::MAX);
    let mut keys: Vec<(&String, &Value)> = keys.iter().collect();
    keys.sort_by_key(|(name, _)| place(name));
    let rows = keys.into_iter().map(|(name, property)| {
        let (help, default) = default_of(property["description"].as_str().unwrap());
        let default = if default.is_empty() && property["type"] == "boolean" { "false" } else { default };
        let value = order.get(place(name)).map_or_else(String::new, |key| value(*key, property));
        vec![code(name), kind(property).to_owned(), value, markdown::default(default), sentence(help) + more(name)]
    });
    rows.collect()
}

/// The values of an option, from its error for a wrong value.
fn value(key: Key, property: &Value) -> String {
    let Err(error) = Options::default().set(key, "\0") else { return String::new() };
    let mut told = error.remedy.trim_start_matches("give ").to_owned();
    let unit = key.value_name().to_lowercase();
    if matches!(unit.as_str(), "seconds" | "bytes") && !told.contains(&unit) {
        told = format!("{told}, in {unit}");
    }
    match (&property["minimum"], &property["maximum"]) {
        (Value::Number(low), Value::Number(high)) if !told.contains(&high.to_string()) => {
            prose(&format!("{low} to {high}: {told}"))
        }
        _ => prose(&told),
    }
}

/// The type of its value in TOML.
///
/// # Panics
/// If the page has no name for the type.
fn kind(property: &Value) -> &'static str {
    let types = (&property["type"], &property["additionalProperties"]["pattern"]);
    match (types.0.as_str(), property["type"].is_array(), types.1.as_str()) {
        (Some("integer"), ..) => "integer",
        (Some("boolean"), ..) => "`true` or `false`",
        (Some("string"), ..) => "string",
        (Some("object"), _, None) => "table of names and strings",
        (Some("object"), _, Some(_)) => "table of names and absolute paths",
        (None, true, _) => "string, or array of strings",
        _ if property.get("enum").is_some() => "string",
        _ if property.get("anyOf").is_some() => "string, or array of strings",
        _ => panic!("no type: {property}"),
    }
}
