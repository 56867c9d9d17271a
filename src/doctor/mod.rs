//! Looks for what is wrong, or soon will be, and says what to do.
//!
//! Each check gives at least one [`Finding`]. It changes nothing; what lies below the home of Hermes is looked at as the service
//! user, since that is who has to use it.

#![expect(clippy::disallowed_methods, reason = "the scandir")]

mod gateways;
mod hermes;
mod programs;
mod security;
mod tree;

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use camino::Utf8Path;

use crate::error::{Context as _, Error};
use crate::options::UserName;
use crate::profile::ProfileName;
use crate::s6::{LiveService, Programs, RunScript, Scandir, Svscan};
use crate::volume::{Deadline, Master, Servant, Store};

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
    /// Whose the scandir is, user and group: who supervises in it. What the processes there call themselves proves nothing.
    supervisor: (u32, u32),
    programs: Option<Programs>,
    home: &'a Utf8Path,
    /// Where the saved manifest is, if not on the volume.
    state: Option<&'a Utf8Path>,
    /// How long all that runs as the service user may take to answer.
    deadline: Deadline,
    svscan: Option<Svscan>,
    gateways: BTreeMap<ProfileName, LiveService>,
    /// What their run scripts say, of those that gen-service rendered.
    scripts: BTreeMap<ProfileName, RunScript>,
}

/// Everything about the gateways of this scandir, by the programs of s6 in this directory, with this home of Hermes, and the saved
/// manifest in the directory `state` or on the volume. What is asked as the service user may take as long as `timeout` to answer, all
/// together.
///
/// # Errors
/// If the scandir is there and cannot be read.
pub fn examine(
    scandir: &Utf8Path,
    programs: &Utf8Path,
    home: &Utf8Path,
    state: Option<&Utf8Path>,
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
    let metadata = std::fs::metadata(scandir.path()).context("read", scandir.path())?;
    let supervisor = (metadata.uid(), metadata.gid());
    let deadline = Deadline::after(timeout);
    let gateways = scandir.gateways()?;
    let scripts = gateways
        .iter()
        .filter_map(|(profile, service)| Some((profile.clone(), RunScript::of(service.path())?)))
        .collect();
    let patient = Patient { scandir, supervisor, programs: found, home, state, deadline, svscan, gateways, scripts };
    tree::check(&patient, &mut findings)?;
    security::check(&patient, &mut findings)?;
    gateways::check(&patient, &mut findings);
    hermes::check(&patient, &mut findings);
    Ok(findings)
}

impl Patient<'_> {
    /// Whether an ordinary user supervises, so that nothing drops from root.
    fn is_unprivileged(&self) -> bool {
        self.supervisor.0 != 0
    }

    /// Whether this user can act as the users of the gateways.
    fn can_ask(&self) -> bool {
        let own = rustix::process::geteuid();
        own.is_root() || own.as_raw() == self.supervisor.0
    }

    /// Does things as a user of the gateways: never as root.
    fn servant<'b>(&'b self, programs: &'b Programs, user: &UserName) -> Servant<'b> {
        let master = match self.supervisor {
            (0, _) => Master::of(user),
            (uid, gid) if rustix::process::geteuid().is_root() => Master::Ids(uid, gid),
            _ => Master::Itself,
        };
        Servant::new(programs, master, self.home, self.deadline)
    }

    /// Where the saved manifest is.
    fn store(&self) -> Result<Store, Error> {
        Store::open(self.state, self.home)
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

/// Adds what was found, or that all is well where nothing was.
fn or_ok(findings: &mut Vec<Finding>, found: Vec<Finding>, check: &'static str, well: impl Into<String>) {
    if found.is_empty() {
        findings.push(Finding::ok(check, well));
    } else {
        findings.extend(found);
    }
}
