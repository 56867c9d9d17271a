//! What the hosting platform reads, `.github`, and what a release asks for before it begins.

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

/// The jobs of a workflow.
fn jobs(workflow: &Value) -> &serde_json::Map<String, Value> {
    workflow["jobs"].as_object().unwrap()
}

#[test]
fn the_workflows_run_what_is_here_and_trust_no_name_that_can_move() {
    let workflows = yamls(".github/workflows");
    assert_eq!(workflows.keys().collect::<Vec<_>>(), ["checks.yml", "release.yml"]);
    let (mut ran, mut written) = (BTreeSet::new(), BTreeSet::new());
    for (file, workflow) in &workflows {
        assert_eq!(workflow["permissions"], serde_json::json!({ "contents": "read" }), "{file}");
        for (name, job) in jobs(workflow) {
            for needed in job["needs"].as_array().into_iter().flatten() {
                assert!(jobs(workflow).contains_key(needed.as_str().unwrap()), "{file}: {name} needs {needed}");
            }
            for (what, _) in job["permissions"].as_object().into_iter().flatten().filter(|(_, how)| *how == "write") {
                written.insert(format!("{name} {what}"));
            }
            if let Some(other) = job["uses"].as_str() {
                assert!(root().join(other).is_file(), "{file}: {other}");
            }
            for step in job["steps"].as_array().into_iter().flatten() {
                if let Some(action) = step["uses"].as_str() {
                    let (_, commit) = action.split_once('@').unwrap();
                    let is_commit = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
                    assert!(is_commit, "{file}: {action} is not named by its commit");
                }
                let Some(run) = step["run"].as_str() else { continue };
                // What an expression is replaced by is read by the shell.
                assert!(!run.contains("${{"), "{file}: {run}");
                for word in run.split_whitespace().filter(|word| word.starts_with("docker/")) {
                    assert!(root().join(word).is_file(), "{file}: {word}");
                    ran.insert(word.to_owned());
                }
            }
        }
    }
    let scripts = ["make", "oldest-rust", "ready", "tool"].map(|script| format!("docker/packages/{script}"));
    let expected: BTreeSet<_> = scripts.into_iter().chain(["docker/Dockerfile".to_owned()]).collect();
    assert_eq!(ran, expected);
    let expected = ["packages attestations", "packages id-token", "release contents"];
    assert_eq!(written.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

/// What is missing in this repository is what only its owner can fill in.
#[test]
fn a_release_needs_a_repository_a_maintainer_a_section_and_its_tag() {
    let directory = tempfile::tempdir().unwrap();
    let below = |path: &str| directory.path().join(path);
    fs::create_dir_all(below("docker/packages")).unwrap();
    fs::copy(root().join("docker/packages/ready"), below("docker/packages/ready")).unwrap();
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let ready = |manifest: &str, changelog: &str, variables: &[(&str, &str)], tag: &str| {
        fs::write(below("Cargo.toml"), manifest).unwrap();
        fs::write(below("CHANGELOG.md"), changelog).unwrap();
        let mut command = Command::new(below("docker/packages/ready"));
        for variable in ["MAINTAINER", "GITHUB_REPOSITORY", "GITHUB_SERVER_URL"] {
            command.env_remove(variable);
        }
        let output = command.arg(tag).envs(variables.iter().copied()).output().unwrap();
        let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        (output.status.code(), out, err)
    };
    let missing = ready(&manifest, "# Changelog\n\n## Unreleased\n\n- A.\n", &[], "v0.0.7");
    assert_eq!((missing.0, missing.1.as_str()), (Some(1), ""), "{}", missing.2);
    for what in ["the tag is v0.0.7, and", "MAINTAINER is not", "CHANGELOG.md has no section"] {
        assert!(missing.2.contains(what), "{}", missing.2);
    }
    assert_eq!(
        missing.2.contains("Cargo.toml has no repository"),
        !manifest.contains("\nrepository = "),
        "{}",
        missing.2
    );

    let lines: Vec<&str> = manifest.lines().filter(|line| !line.starts_with("repository = ")).collect();
    let manifest = lines.join("\n");
    let complete = manifest.replacen("\nversion = ", "\nrepository = \"https://host.test/a/b\"\nversion = ", 1);
    let changelog = format!(
        "# Changelog\n\n## Unreleased\n\n- A.\n\n## {version} (2026-11-29)\n\n### Fixed\n\n- B.\n\n## 0.0.1\n\n- C.\n"
    );
    let (tag, maintainer) = (format!("v{version}"), ("MAINTAINER", "A Name <a@host.test>"));
    let there = [maintainer, ("GITHUB_SERVER_URL", "https://host.test"), ("GITHUB_REPOSITORY", "a/b")];
    let elsewhere = [maintainer, ("GITHUB_SERVER_URL", "https://host.test"), ("GITHUB_REPOSITORY", "a/fork")];
    for variables in [&there[..], &there[..1]] {
        let (code, out, err) = ready(&complete, &changelog, variables, &tag);
        assert_eq!((code, out.as_str(), err.as_str()), (Some(0), "\n### Fixed\n\n- B.\n", ""));
    }
    let (code, _, err) = ready(&complete, &changelog, &elsewhere, &tag);
    assert!(code == Some(1) && err.contains("and this is https://host.test/a/fork\n"), "{err}");
}
