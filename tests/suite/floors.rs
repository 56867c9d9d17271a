//! The order of the floors: a floor imports only from the floors below it, no two files import each other in a circle, and no file is long without a
//! reason.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// From the ground to the top. docs/architecture.md says what each floor is for.
const FLOORS: [&str; 18] = [
    "base", "spec", "disk", "render", "source", "tree", "s6", "manager", "health", "hermes", "volume", "boot",
    "metrics", "doctor", "error", "cli", "fuzz", "lib",
];

/// A file with more lines says why in its first comment.
const MOST_LINES: usize = 300;

/// A file of `src/`: its path below `src/`, as modules are named, and its lines without comments and tests.
struct File {
    module: Vec<String>,
    code: Vec<String>,
    text: String,
}

impl File {
    fn read(root: &Path, path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let below = path.strip_prefix(root).unwrap().with_extension("");
        let mut module: Vec<String> = below.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
        if module.last().is_some_and(|name| name == "mod") {
            module.pop();
        }
        let own = text.split("#[cfg(test)]").next().unwrap_or_default();
        // A `use` may span several lines.
        let code: Vec<&str> = own.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let code = code.join("\n").replace("{\n", "{").split(";\n").map(|part| part.replace('\n', " ")).collect();
        Self { module, code, text }
    }

    fn floor(&self) -> usize {
        FLOORS
            .iter()
            .position(|floor| *floor == self.module[0])
            .unwrap_or_else(|| panic!("{:?} is on no floor", self.module))
    }

    /// The imports from this crate, each as a path of names from the root.
    fn imports(&self) -> BTreeSet<Vec<String>> {
        let mut found = BTreeSet::new();
        for code in &self.code {
            for (at, _) in code.match_indices("crate::") {
                if !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
                    found.extend(paths(&code[at + "crate::".len()..], &[]));
                }
            }
            for (at, _) in code.match_indices("super::") {
                let before = &code[..at];
                assert!(!before.ends_with("super::"), "{:?} has a path with more than one super: {code}", self.module);
                if !before.ends_with("pub(in ") {
                    found.extend(paths(&code[at + "super::".len()..], &self.module[..self.module.len() - 1]));
                }
            }
        }
        found
    }
}

/// The paths at the beginning of this text, which may be `a::{b, c::d}`.
fn paths(text: &str, base: &[String]) -> Vec<Vec<String>> {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if let Some(inner) = text.strip_prefix('{') {
        let mut depth = 0;
        let mut parts = vec![String::new()];
        for c in inner.chars() {
            match c {
                '}' if depth == 0 => break,
                ',' if depth == 0 => parts.push(String::new()),
                c => {
                    depth += i32::from(c == '{') - i32::from(c == '}');
                    parts.last_mut().unwrap().push(c);
                }
            }
        }
        return parts.iter().flat_map(|part| paths(part.trim(), base)).collect();
    }
    if name.is_empty() {
        return Vec::new();
    }
    let here = [base, &[name.to_owned()]].concat();
    match rest.strip_prefix("::") {
        Some(rest) if !rest.starts_with('<') => paths(rest, &here),
        _ => vec![here],
    }
}

fn files() -> Vec<File> {
    fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    walk(&root, &mut paths);
    paths.sort();
    let files = paths.iter().map(|path| File::read(&root, path));
    files.filter(|file| file.module[0] != "bin").collect()
}

#[test]
fn a_floor_imports_only_what_is_below_it() {
    let files = files();
    let mut looked_at = 0;
    for file in &files {
        for import in file.imports() {
            let floor = FLOORS.iter().position(|floor| *floor == import[0]);
            let floor = floor.unwrap_or_else(|| panic!("{:?} imports {import:?}, which is on no floor", file.module));
            assert!(floor <= file.floor(), "{:?} imports {import:?}, which is above it", file.module);
            looked_at += 1;
        }
    }
    assert!(looked_at > 300, "{looked_at}");
}

#[test]
fn no_two_files_import_each_other_in_a_circle() {
    let files = files();
    let modules: BTreeSet<&[String]> = files.iter().map(|file| file.module.as_slice()).collect();
    let mut edges: BTreeMap<&[String], BTreeSet<&[String]>> = BTreeMap::new();
    for file in &files {
        let own = edges.entry(&file.module).or_default();
        for import in file.imports() {
            // The file is the longest prefix of the path that is a file.
            let target = (1..=import.len()).rev().find_map(|length| modules.get(&import[..length]));
            own.extend(target.filter(|target| **target != file.module));
        }
        // A `mod.rs` re-exports what its own files have.
        own.extend(
            modules.iter().filter(|inner| inner.len() == file.module.len() + 1 && inner.starts_with(&file.module)),
        );
    }
    // A file is in no circle if it imports none of the files that are left, or if none of them imports it.
    loop {
        let left: BTreeSet<&[String]> = edges.keys().copied().collect();
        let imported: BTreeSet<&[String]> = edges.values().flatten().copied().collect();
        edges.retain(|module, imports| {
            imports.retain(|import| left.contains(import));
            !imports.is_empty() && imported.contains(module)
        });
        if edges.len() == left.len() {
            break;
        }
    }
    let circle = |(module, imports): (&&[String], &BTreeSet<&[String]>)| {
        let imports: Vec<String> = imports.iter().map(|import| import.join("/")).collect();
        format!("{} imports {}", module.join("/"), imports.join(", "))
    };
    let circles: Vec<String> = edges.iter().map(circle).collect();
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn no_file_is_long_without_a_reason() {
    for file in files() {
        let lines = file.text.lines().count();
        let comment: Vec<&str> = file.text.lines().take_while(|line| line.starts_with("//!")).collect();
        assert!(
            lines <= MOST_LINES || comment.join(" ").contains("It is long since"),
            "{:?} has {lines} lines; split it, or say in its first comment: It is long since …",
            file.module
        );
    }
}

/// docs/architecture.md shows the code as it is: the same floors in the same order, and each file.
#[test]
fn the_map_shows_every_floor_and_file() {
    let map = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/architecture.md")).unwrap();
    let drawn: Vec<&str> = map.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let floors: Vec<String> =
        FLOORS.iter().filter(|floor| **floor != "lib").map(|floor| format!("`{floor}`")).collect();
    let drawn: Vec<String> = drawn.iter().map(|title| title.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(drawn, floors);
    for file in files() {
        let name = file.module.last().unwrap();
        let is_drawn = map.contains(&format!("`{name}")) || map.contains(&format!("/{name}"));
        assert!(is_drawn, "{:?} is not in docs/architecture.md", file.module);
    }
}
