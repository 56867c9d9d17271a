//! The pages: each block is run or looked at by some test, and each link leads somewhere.

mod links;
mod live;
mod messages;
mod run;

use std::collections::BTreeSet;
use std::fs;

use crate::pages::{Block, blocks, root};

/// How many blocks nothing runs. A page that shows one more has to do without, or have it run; whoever has one run lowers this.
const NOT_RUN: usize = 5;

/// How many messages of other programs are quoted, which nothing here prints.
const OF_OTHERS: usize = 9;

/// Whether some test looks after a block; `None` if nothing does.
#[expect(clippy::match_same_arms, reason = "each arm names who does it")]
fn looked_after(block: &Block) -> bool {
    match (block.language.as_str(), block.word.as_str()) {
        // cli.rs renders each manifest.
        ("toml", "") => true,
        // src/lib.rs has it as a test.
        ("rust,no_run", "") => block.page == "docs/gatewayctl.md",
        // Made from the code, and compared with it.
        ("text", "") => block.page.starts_with("docs/reference/"),
        // library.rs.
        ("rust" | "toml", "" | "Cargo.toml") | ("sh", "example") => block.page == "docs/library.md",
        // Here.
        ("sh" | "bash" | "console", "run") | ("sh" | "console", "live") | ("text", "files" | "printed") => true,
        // Below.
        ("sh", "tests-run") => true,
        // tests/container/packages.rs.
        ("sh", "packages") => ["docs/install.md", "CONTRIBUTING.md"].contains(&block.page.as_str()),
        // tests/container/page/mod.rs.
        ("sh" | "console", "docker" | "inside") | ("dockerfile", "docker") => true,
        // tests/container/downstream.rs, compose.rs, swarm.rs and shards.rs, and metrics.rs of this suite.
        ("sh", word) => match block.page.as_str() {
            "docs/ci.md" => word == "check-gateways",
            "docs/scaling.md" => ["up", "deploy", "look", "rotate", "leave", "resize", "arrive"].contains(&word),
            "docs/boot.md" => word == "move",
            // A script that the page puts into an image.
            "docs/s6-rc.md" => word == "prepare-coder",
            _ => false,
        },
        ("yaml", word) => [("docs/ci.md", "workflow"), ("docs/metrics.md", "scrape")].contains(&(&block.page, word)),
        _ => false,
    }
}

fn at_most(limit: usize, found: &[String], what: &str) {
    let list = found.join("\n");
    assert!(found.len() <= limit, "{} {what}, and {limit} are allowed:\n{list}", found.len());
    assert_eq!(found.len(), limit, "{what}: lower the number to {}:\n{list}", found.len());
}

#[test]
fn every_block_is_run_or_counted() {
    let (mut not_run, mut of_others, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    for block in blocks() {
        if block.word == "not-run" {
            not_run.push(block.place());
        } else if block.language == "text" && block.word.starts_with("of-") {
            of_others.push(block.place());
        } else if !looked_after(&block) {
            unknown.push(format!("{}: ```{} {}", block.place(), block.language, block.word));
        }
    }
    assert!(
        unknown.is_empty(),
        "no test looks after these; CONTRIBUTING.md says what to write:\n{}",
        unknown.join("\n")
    );
    at_most(NOT_RUN, &not_run, "blocks are not run");
    at_most(OF_OTHERS, &of_others, "blocks quote other programs");
}

#[test]
fn what_a_page_leaves_to_tests_run_is_there() {
    let script = fs::read_to_string(root().join("tests/run")).unwrap();
    for block in blocks().into_iter().filter(|block| block.word == "tests-run") {
        for line in block.text.lines() {
            assert!(script.contains(line), "{}: tests/run does not have `{line}`", block.place());
        }
    }
}

/// The tests of the image go by the same words; each page with such a block is one of theirs.
#[test]
fn every_page_with_a_container_has_a_test() {
    let pages: BTreeSet<String> = blocks()
        .into_iter()
        .filter(|block| ["docker", "inside"].contains(&block.word.as_str()))
        .map(|block| block.page)
        .collect();
    let tests = include_str!("../../container/page/mod.rs");
    let tested: BTreeSet<String> = tests
        .lines()
        .filter_map(|line| line.trim().strip_prefix("page(\"")?.split('"').next())
        .map(str::to_owned)
        .collect();
    assert_eq!(pages, tested);
}
