//! What the hosting platform reads, `.github`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file in YAML.
fn yaml(path: &Path) -> Value {
    let script = "import json, sys, yaml; json.dump(yaml.load(open(sys.argv[1]), yaml.BaseLoader), sys.stdout)";
    let output = Command::new("/usr/bin/python3").args(["-c", script]).arg(path).output().unwrap();
    assert!(output.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The files in YAML of a directory.
fn yamls(directory: &str) -> BTreeMap<String, Value> {
    let entries = fs::read_dir(root().join(directory)).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), yaml(&entry.path()))).collect()
}

/// A form with a mistake is not shown to anyone, and nobody is told.
#[test]
fn the_forms_of_issues_are_what_the_platform_takes() {
    let forms = yamls(".github/ISSUE_TEMPLATE");
    assert_eq!(forms.keys().collect::<Vec<_>>(), ["bug.yml", "config.yml", "request.yml"]);
    for (file, form) in forms.iter().filter(|(file, _)| *file != "config.yml") {
        let text = |value: &Value| assert!(value.as_str().is_some_and(|text| !text.is_empty()), "{file}: {value}");
        let keys: Vec<_> = form.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["body", "description", "labels", "name"], "{file}");
        text(&form["name"]);
        text(&form["description"]);
        let mut ids = BTreeSet::new();
        for element in form["body"].as_array().unwrap() {
            let attributes = &element["attributes"];
            match element["type"].as_str().unwrap() {
                "markdown" => text(&attributes["value"]),
                kind @ ("input" | "textarea" | "dropdown") => {
                    text(&attributes["label"]);
                    assert!(ids.insert(element["id"].as_str().unwrap()), "{file}: {element}");
                    assert_eq!(attributes["options"].is_array(), kind == "dropdown", "{file}: {element}");
                    assert!(kind == "textarea" || attributes["render"].is_null(), "{file}: {element}");
                }
                kind => panic!("{file}: {kind}"),
            }
        }
        assert!(!ids.is_empty(), "{file}");
    }
}
