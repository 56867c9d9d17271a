//! What a release holds, and what it is made of: the crate, its dependencies, and the files that the hosting platform reads.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn toml(file: &str) -> toml::Table {
    fs::read_to_string(root().join(file)).unwrap().parse().unwrap()
}

/// Each file of the published crate.
fn packaged() -> BTreeSet<String> {
    cargo(&["package", "--list", "--allow-dirty", "--offline"]).lines().map(str::to_owned).collect()
}

/// The files and directories of this repository that a page links to, by their paths from its top.
fn links(page: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(root().join(page)).unwrap();
    // Each second part of the text is a block of code.
    let prose: String = text.split("```").step_by(2).collect();
    let mut found = BTreeSet::new();
    for target in prose.split("](").skip(1).map(|rest| rest.split([')', '#']).next().unwrap()) {
        if target.is_empty() || target.contains(':') {
            continue;
        }
        let mut path = PathBuf::from(page);
        path.pop();
        for part in target.split('/') {
            match part {
                "." | "" => (),
                ".." => assert!(path.pop(), "{page}: {target}"),
                part => path.push(part),
            }
        }
        found.insert(path.into_os_string().into_string().unwrap());
    }
    found
}

#[test]
fn every_link_of_a_packaged_page_leads_into_the_package() {
    let packaged = packaged();
    let mut checked = 0;
    for page in packaged.iter().filter(|path| Path::new(path).extension().is_some_and(|extension| extension == "md")) {
        for link in links(page) {
            let below = format!("{link}/");
            assert!(
                packaged.contains(&link) || packaged.iter().any(|path| path.starts_with(&below)),
                "{page} links to {link}, which is not in the package; add it to `include` in Cargo.toml"
            );
            checked += 1;
        }
    }
    assert!(packaged.contains("README.md") && !links("README.md").is_empty() && checked > 50, "{checked}");
}

#[test]
fn the_image_can_be_built_from_the_package() {
    let packaged = packaged();
    let dockerfile = fs::read_to_string(root().join("docker/Dockerfile")).unwrap();
    let lines = dockerfile.lines().filter_map(|line| line.strip_prefix("COPY ").filter(|rest| !rest.starts_with("--")));
    let mut copied = 0;
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        for source in &words[..words.len() - 1] {
            assert!(packaged.iter().any(|path| path.starts_with(source)), "{source} is not in the package");
            copied += 1;
        }
    }
    assert!(copied > 10, "{copied}");
}

/// What cargo says of each package that a build, a test or a feature of this one can need on the platforms of a release.
struct Dependencies {
    packages: BTreeMap<String, Value>,
    /// Those that are in a program or make it; the others are for tests only.
    shipped: BTreeSet<String>,
}

impl Dependencies {
    fn read() -> Self {
        let (mut packages, mut shipped) = (BTreeMap::new(), BTreeSet::new());
        for target in ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"] {
            let arguments = ["metadata", "--format-version=1", "--locked", "--all-features", "--filter-platform"];
            let metadata: Value = serde_json::from_str(&cargo(&[&arguments[..], &[target]].concat())).unwrap();
            let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
            let nodes: BTreeMap<&str, &Value> = nodes.iter().map(|node| (node["id"].as_str().unwrap(), node)).collect();
            for package in metadata["packages"].as_array().unwrap() {
                let id = package["id"].as_str().unwrap();
                if nodes.contains_key(id) {
                    packages.insert(id.to_owned(), package.clone());
                }
            }
            let mut next = vec![metadata["resolve"]["root"].as_str().unwrap()];
            while let Some(id) = next.pop() {
                if shipped.insert(format!("{id} {target}")) {
                    for dependency in nodes[id]["deps"].as_array().unwrap() {
                        if dependency["dep_kinds"].as_array().unwrap().iter().any(|kind| kind["kind"] != "dev") {
                            next.push(dependency["pkg"].as_str().unwrap());
                        }
                    }
                }
            }
        }
        let shipped = shipped.iter().map(|id| id.rsplit_once(' ').unwrap().0.to_owned()).collect();
        Self { packages, shipped }
    }
}

/// Whether these licences fulfil an expression of SPDX, or of its older form with `/`.
fn fulfils(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let expression = expression.trim();
    let parts = |operator: &str| -> Vec<&str> {
        let (mut depth, mut parts, mut from) = (0, Vec::new(), 0);
        for (at, c) in expression.char_indices() {
            depth += i32::from(c == '(') - i32::from(c == ')');
            if depth == 0 && at >= from && expression[at..].starts_with(operator) {
                parts.push(&expression[from..at]);
                from = at + operator.len();
            }
        }
        parts.push(&expression[from..]);
        parts
    };
    for operator in [" OR ", "/"] {
        let parts = parts(operator);
        if parts.len() > 1 {
            return parts.iter().any(|part| fulfils(part, allowed));
        }
    }
    let all = parts(" AND ");
    match expression.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        _ if all.len() > 1 => all.iter().all(|part| fulfils(part, allowed)),
        Some(inner) => fulfils(inner, allowed),
        None => allowed.contains(expression),
    }
}

#[test]
fn expressions_of_licences() {
    let allowed = BTreeSet::from(["A", "B", "C WITH x"]);
    for (expression, is) in [
        ("A", true),
        ("D", false),
        ("D OR A", true),
        ("A AND D", false),
        ("D/A", true),
        ("D / B", true),
        ("(A OR D) AND B", true),
        ("(A OR D) AND E", false),
        ("A AND B OR D", true),
        ("D OR (A AND E)", false),
        ("C WITH x", true),
        ("A WITH x", false),
    ] {
        assert_eq!(fulfils(expression, &allowed), is, "{expression}");
    }
}

/// What deny.toml says of licences, sources and bans. cargo-deny checks the same, and knows more; it is not to be had everywhere.
#[test]
fn the_dependencies_are_what_deny_toml_allows() {
    let deny = toml("deny.toml");
    let strings = |list: &'static str, section: &str| -> BTreeSet<String> {
        let values = deny[section][list].as_array().unwrap().iter();
        let name = |value: &toml::Value| value.as_str().or_else(|| value["name"].as_str()).unwrap().to_owned();
        values.map(name).collect()
    };
    let (allowed, banned) = (strings("allow", "licenses"), strings("deny", "bans"));
    let allowed = allowed.iter().map(String::as_str).collect();
    let ours = toml("Cargo.toml")["package"]["rust-version"].as_str().unwrap().to_owned();
    let version = |text: &str| -> Vec<u32> { text.split('.').map(|part| part.parse().unwrap()).collect() };

    let dependencies = Dependencies::read();
    let (mut names, mut sources) = (BTreeSet::new(), BTreeSet::new());
    for (id, package) in &dependencies.packages {
        let licence = package["license"].as_str().unwrap_or_else(|| panic!("{id} has no licence"));
        assert!(fulfils(licence, &allowed), "{id}: {licence}; deny.toml allows {allowed:?}");
        match package["source"].as_str() {
            Some(source) => assert!(source.starts_with("registry+"), "{id}"),
            None => assert_eq!(package["name"], "gen-service", "{id}"),
        }
        sources.extend(package["source"].as_str());
        if let Some(theirs) = package["rust_version"].as_str() {
            assert!(version(theirs) <= version(&ours), "{id} needs Rust {theirs}, and rust-version here is {ours}");
        }
        let name = package["name"].as_str().unwrap();
        if dependencies.shipped.contains(id) {
            assert!(!banned.contains(name), "{id} is banned in deny.toml");
            assert!(names.insert(name), "{name} is there in two versions");
        }
        for dependency in package["dependencies"].as_array().unwrap() {
            assert!(package["name"] != "gen-service" || dependency["req"] != "*", "{dependency}");
        }
    }
    assert_eq!(sources.len(), 1, "{sources:?}");
    assert!(names.len() > 50 && names.len() < dependencies.packages.len(), "{}", names.len());
}

/// glibc looks users and hosts up in libraries that it loads by name, which a static program must not need.
#[test]
fn the_programs_look_up_nothing_that_a_static_program_cannot() {
    for program in [env!("CARGO_BIN_EXE_gen-service"), env!("CARGO_BIN_EXE_gatewayctl")] {
        let output = Command::new("nm").args(["--dynamic", "--undefined-only", program]).output().unwrap();
        let symbols = String::from_utf8(output.stdout).unwrap();
        assert!(symbols.contains(" write@"), "{symbols}");
        // Who completes `~/` without HOME, has it looked up by clap_complete.
        let symbols = symbols.replace(" getpwuid_r@", "");
        for name in ["getaddrinfo", "gethostby", "getpw", "getgr", "getservby", "initgroups", "dlopen", "iconv_open"] {
            assert!(!symbols.contains(&format!(" {name}")), "{program} calls {name}");
        }
    }
}
