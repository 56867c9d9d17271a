//! The exit codes of both programs.

use std::collections::BTreeSet;

use clap::Command;

use super::markdown::{code, head, table};
use crate::error::Exit;

/// The page.
///
/// # Panics
/// If the help of a program does not name exactly its exit codes, except those of signals.
pub(super) fn page(programs: &[Command; 2]) -> String {
    let of_gen_service = |exit: &Exit| !exit.meaning().gen_service.is_empty();
    for (program, exits) in programs.iter().zip([Exit::all().into_iter().filter(of_gen_service).collect(), Exit::all()])
    {
        let help = program.get_after_help().map(ToString::to_string).unwrap_or_default();
        let help = help.split("Exit codes:").nth(1).unwrap_or_default();
        let each = help.split(['\n', ';']);
        let told: BTreeSet<u8> = each.filter_map(|part| part.split_whitespace().next()?.parse().ok()).collect();
        let codes: BTreeSet<u8> = exits.iter().map(|exit| exit.code()).filter(|code| *code < 128).collect();
        assert_eq!(told, codes, "the exit codes in the help of {}", program.get_name());
    }
    let mut page = head("Exit codes");
    page += "\n## gen-service\n\n";
    page += &table(&["code", "meaning"], &rows(|exit| exit.meaning().gen_service));
    page += "\n## gatewayctl\n\n";
    page += &table(&["code", "meaning"], &rows(|exit| exit.meaning().gatewayctl));
    page += "\nAfter a failure, `start`, `stop`, `restart` and `unregister` go on with the other services. The code is then that of the last failure. \
             `unregister` ends with 4 only if nothing else failed.\n\nFor some commands, a code says more:\n\n";
    let special = Exit::all().into_iter().flat_map(|exit| {
        let of_commands = exit.meaning().commands.iter();
        of_commands.map(move |(command, meaning)| vec![link(command), exit.code().to_string(), (*meaning).to_owned()])
    });
    let mut special: Vec<Vec<String>> = special.collect();
    special.sort();
    page += &table(&["command", "code", "meaning"], &special);
    page += "\n## Both\n\nIf the reader of standard output closes it early, as `head` does, the code is 0. With `--json`, standard error also \
             has the kind of the error ([json.md](json.md#message)).\n";
    page
}

fn link(command: &str) -> String {
    format!("[`{command}`](gatewayctl.md#{command})")
}

/// A row for each meaning. Signals share one.
fn rows(meaning: impl Fn(Exit) -> &'static str) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for exit in Exit::all().into_iter().filter(|exit| !meaning(*exit).is_empty()) {
        let signal = if let Exit::Signal(signal) = exit { format!(" ({signal})") } else { String::new() };
        let code = code(&exit.code().to_string()) + &signal;
        match rows.last_mut().filter(|row| row[1] == meaning(exit)) {
            Some(row) => row[0] = format!("{}, {code}", row[0]),
            None => rows.push(vec![code, meaning(exit).to_owned()]),
        }
    }
    rows
}
