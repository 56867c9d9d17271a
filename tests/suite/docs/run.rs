//! Blocks that need no container: run in a directory with the files that the page shows.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::pages::{Before, Block, Shell, blocks, file_name, prepared};
use crate::support::{GEN_SERVICE, directory};

/// A page may call a program by cargo, which has built it already.
const CARGO: &str = r#"cargo() {
  [ "$1 $2 $3 $4 $5" = 'run --quiet --bin gen-service --' ] || { echo "what is cargo $*?"; return 2; }
  shift 5
  gen-service "$@"
}"#;

const BEFORE: &[Before] = &[
    ("README.md", "In review", 0, "gen-service --manifest gateways.toml --out services --prune --quiet"),
    ("docs/bake.md", "2. Look at what it renders to", 1, "sed -i 's/^port/prot/' gateways.toml"),
    (
        "docs/ci.md",
        "Reviewing rendered scripts in CI",
        0,
        "printf '[defaults]\nhermes-cli = \"run\"\n[gateways.coder]\n' >gateways.toml; : >check-gateways; \
         gen-service --manifest gateways.toml --out services --prune --quiet",
    ),
];

#[test]
fn commands_that_need_no_container_print_what_the_pages_show() {
    let pages: BTreeSet<String> = blocks()
        .into_iter()
        .filter(|block| ["run", "files"].contains(&block.word.as_str()))
        .map(|block| block.page)
        .collect();
    assert!(pages.len() >= 3, "{pages:?}");
    for page in pages {
        let (place, exchange) = (directory(), directory());
        let mut command = Command::new("dash");
        let path = format!("{}:{}", Path::new(GEN_SERVICE).parent().unwrap().display(), std::env::var("PATH").unwrap());
        command.current_dir(place.path()).env("PATH", path).env_remove("NO_COLOR").env_remove("HERMES_HOME");
        let mut shell = Shell::of(command, exchange.path(), exchange.path().to_str().unwrap());
        shell.prepare(CARGO);
        let words = ["run", "files"];
        let mut prepared = prepared(&page, &words, BEFORE).into_iter();
        for block in blocks().into_iter().filter(|block| block.page == page) {
            if words.contains(&block.word.as_str()) {
                let (block, before) = prepared.next().unwrap();
                shell.prepare(&before);
                match (block.language.as_str(), block.word.as_str()) {
                    ("bash", _) => {
                        shell.type_in_by(&block, |command| format!("bash -euc '{}'", command.replace('\'', "'\\''")));
                    }
                    (_, "files") => assert_files(&block, place.path()),
                    _ => shell.type_in(&block),
                }
            } else if let Some(name) = file_name(&block).filter(|name| !name.contains('/')) {
                fs::write(place.path().join(name), &block.text).unwrap();
            }
        }
    }
}

/// The files of a directory are those that a block lists, each with what it is for; `…` is any files below.
fn assert_files(block: &Block, directory: &Path) {
    let listed: BTreeSet<&str> = block.text.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    let below: Vec<&str> = listed.iter().filter_map(|path| path.strip_suffix('…')).collect();
    let mut found = BTreeSet::new();
    let mut left = vec![directory.to_owned()];
    while let Some(path) = left.pop() {
        for entry in fs::read_dir(path).unwrap().map(|entry| entry.unwrap()) {
            if entry.file_type().unwrap().is_dir() {
                left.push(entry.path());
                continue;
            }
            let name = entry.path().strip_prefix(directory).unwrap().to_str().unwrap().to_owned();
            assert_ne!(entry.metadata().unwrap().permissions().mode() & 0o444, 0);
            let listed = below.iter().find(|below| name.starts_with(**below)).map(|below| format!("{below}…"));
            found.insert(listed.unwrap_or(name));
        }
    }
    assert_eq!(listed, found.iter().map(String::as_str).collect(), "{}", block.place());
}
