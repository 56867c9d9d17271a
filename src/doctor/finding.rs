//! What doctor finds.

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// What was looked at, in a word.
    pub check: &'static str,
    /// How it is.
    pub level: Level,
    /// What was seen.
    pub seen: String,
    /// What to do about it; empty where nothing is to be done.
    pub remedy: String,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// As it should be.
    Ok,
    /// Works, but not as somebody may expect.
    Warning,
    /// Does not work, or lets somebody do what he must not.
    Error,
}

impl Finding {
    pub(super) fn ok(check: &'static str, seen: impl Into<String>) -> Self {
        Self { check, level: Level::Ok, seen: seen.into(), remedy: String::new() }
    }

    pub(super) fn warning(check: &'static str, seen: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, level: Level::Warning, seen: seen.into(), remedy: remedy.into() }
    }

    pub(super) fn error(check: &'static str, seen: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, level: Level::Error, seen: seen.into(), remedy: remedy.into() }
    }

    /// An error, which says what to do after what it saw.
    pub(super) fn said(check: &'static str, error: &impl std::fmt::Display) -> Self {
        let said = error.to_string();
        match said.split_once("; ") {
            Some((seen, remedy)) => Self::error(check, seen, remedy),
            None => Self::error(check, said, ""),
        }
    }
}

/// Adds what was found, or that all is well where nothing was.
pub(super) fn or_ok(findings: &mut Vec<Finding>, found: Vec<Finding>, check: &'static str, well: impl Into<String>) {
    if found.is_empty() {
        findings.push(Finding::ok(check, well));
    } else {
        findings.extend(found);
    }
}
