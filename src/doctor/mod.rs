//! Looks for what is wrong, or soon will be, and says what to do.
//!
//! Each check gives at least one [`Finding`]. It changes nothing; what lies below the home of Hermes is looked at as the service
//! user, since that is who has to use it.

mod gateways;
mod hermes;
mod programs;
mod security;
mod tree;

use std::collections::BTreeMap;
use std::time::Duration;

use camino::Utf8Path;

use crate::error::Error;
use crate::profile::ProfileName;
use crate::s6::{LiveService, Programs, RunScript, Scandir, Svscan};

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
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
pub enum Level {
    /// As it should be.
    Ok,
    /// Works, but not as somebody may expect.
    Warning,
    /// Does not work, or lets somebody do what he must not.
    Error,
}

/// What is looked at.
struct Patient<'a> {
    scandir: Scandir,
    programs: Option<Programs>,
    home: &'a Utf8Path,
    /// How long Hermes may take to answer.
    timeout: Duration,
    svscan: Option<Svscan>,
    gateways: BTreeMap<ProfileName, LiveService>,
    /// What their run scripts say, of those that gen-service rendered.
    scripts: BTreeMap<ProfileName, RunScript>,
}

/// Everything about the gateways of this scandir, by the programs of s6 in this directory, with this home of Hermes; Hermes itself
/// may take as long as `timeout` to answer.
///
/// # Errors
/// Where the scandir is there and cannot be read.
pub fn examine(
    scandir: &Utf8Path,
    programs: &Utf8Path,
    home: &Utf8Path,
    timeout: Duration,
) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    let found = programs::check(programs, &mut findings);
    let scandir = match Scandir::open(scandir) {
        Ok(scandir) => scandir,
        Err(error) => {
            findings.push(Finding::said("scandir", &error));
            return Ok(findings);
        }
    };
    let svscan = Svscan::of(scandir.path());
    let gateways = scandir.gateways()?;
    let scripts = gateways
        .iter()
        .filter_map(|(profile, service)| Some((profile.clone(), RunScript::of(service.path())?)))
        .collect();
    let patient = Patient { scandir, programs: found, home, timeout, svscan, gateways, scripts };
    tree::check(&patient, &mut findings)?;
    security::check(&patient, &mut findings)?;
    gateways::check(&patient, &mut findings);
    hermes::check(&patient, &mut findings);
    Ok(findings)
}

impl Patient<'_> {
    /// Whether an ordinary user supervises, so that nothing drops from root.
    fn is_unprivileged(&self) -> bool {
        self.svscan.is_some_and(|svscan| svscan.uid != 0)
    }
}

impl Finding {
    fn ok(check: &'static str, seen: impl Into<String>) -> Self {
        Self { check, level: Level::Ok, seen: seen.into(), remedy: String::new() }
    }

    fn warning(check: &'static str, seen: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, level: Level::Warning, seen: seen.into(), remedy: remedy.into() }
    }

    fn error(check: &'static str, seen: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, level: Level::Error, seen: seen.into(), remedy: remedy.into() }
    }

    /// An error, which says what to do after what it saw.
    fn said(check: &'static str, error: &impl std::fmt::Display) -> Self {
        let said = error.to_string();
        match said.split_once("; ") {
            Some((seen, remedy)) => Self::error(check, seen, remedy),
            None => Self::error(check, said, ""),
        }
    }
}

/// What somebody else said, so that it stays on its line and moves no cursor.
fn on_one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            line.extend(c.escape_debug());
        } else {
            line.push(c);
        }
    }
    line
}

/// Adds what was found, or that all is well where nothing was.
fn or_ok(findings: &mut Vec<Finding>, found: Vec<Finding>, check: &'static str, well: impl Into<String>) {
    if found.is_empty() {
        findings.push(Finding::ok(check, well));
    } else {
        findings.extend(found);
    }
}
