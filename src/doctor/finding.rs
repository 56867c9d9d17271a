//! What doctor finds.

/// One finding about one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The check, in one word.
    pub check: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What doctor saw.
    pub seen: String,
    /// What to do about it; empty if there is nothing to do.
    pub remedy: String,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// As it should be.
    Ok,
    /// Works, but not as people may expect.
    Warning,
    /// Does not work, or lets a user do something that is forbidden.
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

    /// An error message as a finding. The message itself says what to do.
    pub(super) fn said(check: &'static str, error: &impl std::fmt::Display) -> Self {
        let said = error.to_string();
        match said.split_once("; ") {
            Some((seen, remedy)) => Self::error(check, seen, remedy),
            None => Self::error(check, said, ""),
        }
    }
}

/// Adds these findings; or, if there are none, one that says that all is well.
pub(super) fn or_ok(findings: &mut Vec<Finding>, found: Vec<Finding>, check: &'static str, well: impl Into<String>) {
    if found.is_empty() {
        findings.push(Finding::ok(check, well));
    } else {
        findings.extend(found);
    }
}
