//! s6 itself.

#![expect(clippy::disallowed_methods, reason = "the programs of s6")]

use std::fs;

use camino::Utf8Path;

use super::finding::Finding;
use crate::s6::Programs;

const CHECK: &str = "s6";

/// The programs that gatewayctl and the rendered scripts call, besides those that [`Programs`] checks for.
const THEY_CALL: [&str; 8] = [
    "with-contenv",
    "s6-setuidgid",
    "s6-envuidgid",
    "s6-log",
    "s6-setlock",
    "s6-permafailon",
    "s6-setsid",
    "s6-applyuidgid",
];

pub(super) fn check(directory: &Utf8Path, findings: &mut Vec<Finding>) -> Option<Programs> {
    let programs = match Programs::new(directory) {
        Ok(programs) => programs,
        Err(error) => {
            findings.push(Finding::said(CHECK, &error));
            return None;
        }
    };
    let missing: Vec<&str> =
        THEY_CALL.into_iter().filter(|program| fs::metadata(directory.join(program)).is_err()).collect();
    if missing.is_empty() {
        let version = programs.version().unwrap_or_else(|| "of unknown version".to_owned());
        findings.push(Finding::ok(CHECK, format!("s6 {version} in {directory}")));
    } else {
        let seen = format!("no {} in {directory}, which run scripts and gatewayctl call", missing.join(", "));
        findings.push(Finding::error(CHECK, seen, "install s6-overlay, which contains them"));
    }
    Some(programs)
}
