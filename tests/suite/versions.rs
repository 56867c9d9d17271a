//! docs/hermes-versions.md and the table of releases agree.

use std::fs;
use std::path::Path;

use gen_service::hermes::{Apart, Locks, Meaning, OwnScripts, RELEASES, Read, Release, Topology};

/// The exit codes for which the page has a column.
const CODES: [u8; 4] = [0, 1, 75, 78];

#[test]
fn the_page_has_the_rows_of_the_table_and_no_others() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/hermes-versions.md");
    let page = fs::read_to_string(path).unwrap();
    let takes: Vec<String> = RELEASES.iter().map(takes_and_does).collect();
    let ends: Vec<String> = RELEASES.iter().map(ends_with).collect();
    assert_eq!(tables(&page), [takes.as_slice(), &ends], "expected:\n{}\n\n{}", takes.join("\n"), ends.join("\n"));
}

/// The rows of each table of a page, without its head.
fn tables(page: &str) -> Vec<Vec<&str>> {
    let mut tables = Vec::new();
    let mut rows = Vec::new();
    for line in page.lines().chain([""]) {
        if line.starts_with('|') {
            rows.push(line);
        } else if !rows.is_empty() {
            rows.drain(..2);
            tables.push(std::mem::take(&mut rows));
        }
    }
    tables
}

fn row(cells: &[String]) -> String {
    format!("| {} |", cells.join(" | "))
}

fn takes_and_does(release: &Release) -> String {
    row(&[
        release.to_string(),
        known(release.read).into(),
        options(release.run),
        options(release.start),
        serves(release),
        apart(release.apart).into(),
        format!("`{}`", release.after_term),
        locks(release.locks).into(),
        own(release.own).into(),
    ])
}

fn ends_with(release: &Release) -> String {
    let exits = release.exits;
    let mut cells = vec![release.to_string()];
    cells.extend([exits.term, exits.restart, exits.fatal].map(|code| code.to_string()));
    cells.push(exits.served.map_or_else(|| "cannot be".to_owned(), |code| code.to_string()));
    cells.extend(CODES.map(|code| meaning(release.meaning(code)).to_owned()));
    row(&cells)
}

fn options(options: &[&str]) -> String {
    let quoted: Vec<String> = options.iter().map(|option| format!("`{option}`")).collect();
    quoted.join(" ")
}

fn serves(release: &Release) -> String {
    let mut said = match release.topology {
        Topology::One => "one profile",
        Topology::OnRequest => "one profile, or all on request",
        Topology::All => "all profiles",
    }
    .to_owned();
    if release.has_variable {
        said += "; the variable counts";
    }
    if release.multiplexes() && !release.has_record {
        said += "; not recorded";
    }
    said
}

const fn known(read: Read) -> &'static str {
    match read {
        Read::PyPi => "run",
        Read::Fork => "read",
    }
}

const fn apart(apart: Apart) -> &'static str {
    match apart {
        Apart::Nothing => "nothing",
        Apart::Allowlist => "`multiplex_profile_allowlist`",
        Apart::Markers => "`gateway.parked`, `gateway.standalone`",
    }
}

const fn locks(locks: Locks) -> &'static str {
    match locks {
        Locks::Home => "home",
        Locks::HomeAndUser => "home, user",
    }
}

const fn own(own: OwnScripts) -> &'static str {
    match own {
        OwnScripts::None => "none",
        OwnScripts::Run => "`run`",
        OwnScripts::Fatal => "`run`; `finish`: down after 78",
        OwnScripts::FatalAndZero => "`run`; `finish`: down after 78 and 0",
    }
}

const fn meaning(meaning: Meaning) -> &'static str {
    match meaning {
        Meaning::Stopped => "stopped",
        Meaning::Again => "again",
        Meaning::Never => "never",
        Meaning::Failed => "failed",
    }
}
