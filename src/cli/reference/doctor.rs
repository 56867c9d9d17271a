//! The checks of doctor, and their reports.

use std::fmt::Write as _;

use super::markdown::{head, table};
use crate::doctor::{CHECKS, Level};

/// The page.
pub(super) fn page() -> String {
    let mut page = head("Checks of doctor");
    page += "\n`gatewayctl doctor` checks everything and changes nothing. It runs these checks in this order. It prints a line for each thing that is \
             `OK`, and a line for each warning and each error, with what it saw and what to do. The line names the gateway, the file or the \
             command that this page leaves open.\n\nSome checks need root. If you are not root, doctor prints a warning for each of them. \
             [security.md](../security.md) says what protects root from the service user.\n\n";
    let links: Vec<String> = CHECKS.iter().map(|check| format!("[{0}](#{0})", check.name)).collect();
    page += &links.join(", ");
    page += ".\n";
    for check in CHECKS {
        let _ = write!(page, "\n## {}\n\nIt looks at {}.\n\n", check.name, check.looks_at);
        let rows: Vec<Vec<String>> = check
            .reports
            .iter()
            .map(|(level, seen, remedy)| vec![word(*level).to_owned(), (*seen).to_owned(), (*remedy).to_owned()])
            .collect();
        page += &table(&["level", "what it reports", "what to do"], &rows);
    }
    page
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Ok => "OK",
        Level::Warning => "warning",
        Level::Error => "error",
    }
}
