//! Who can change what runs. Anyone who can write a scandir, or a service directory in it, can run code as the supervising user at its next start.

#![expect(
    clippy::disallowed_methods,
    reason = "it looks at owners and modes, and opens nothing but run scripts in the scandir"
)]

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};

use camino::{Utf8Path, Utf8PathBuf};

use super::error::DoctorError;
use super::finding::{Finding, or_ok};
use super::patient::Patient;
use crate::base::text::Plain;
use crate::disk::{self, Context as _};

const CHECK: &str = "ownership";

/// A gateway that root makes again belongs to root entirely.
const AGAIN: &str = "unregister the gateway and register it again";

pub(super) fn check(patient: &Patient<'_>, findings: &mut Vec<Finding>) -> Result<(), DoctorError> {
    let scandir = patient.scandir.path();
    // If root does not own the scandir, its owner counts. Whether root should own it, the user of the process that watches it says.
    let supervisor = if patient.svscan.is_some_and(|svscan| svscan.uid == 0) { 0 } else { patient.supervisor.0 };
    let mut look = Look { supervisor, link: None, found: Vec::new(), seen: BTreeSet::new() };
    look.above(scandir);
    if let Some(programs) = &patient.programs {
        look.above(&programs.path("s6-svc"));
    }
    if let Some(state) = patient.state {
        look.above(state);
        look.at(state);
    }
    look.at(scandir);
    look.inside(&scandir.join(".s6-svscan"), 0);
    for name in disk::names(scandir).context("read", scandir)? {
        let path = scandir.join(name.to_string_lossy().as_ref());
        if path.file_name().is_some_and(|name| !name.starts_with('.')) {
            // Behind a symlink, both its directory and the directory of the target count.
            let Ok(target) = path.canonicalize_utf8() else { continue };
            if path.is_symlink() {
                look.link = Some(path);
                look.above(&target);
            }
            look.inside(&target, 1);
            look.link = None;
        }
    }
    let well = format!(
        "only {} can change what runs",
        if supervisor == 0 { "root" } else { "the user who supervises, and root," }
    );
    or_ok(findings, look.found, CHECK, well);
    loaders(patient, findings);
    Ok(())
}

/// Run scripts that hand variables to programs that still run as root: those of an older gen-service, or of another author.
fn loaders(patient: &Patient<'_>, findings: &mut Vec<Finding>) {
    for (name, service) in &patient.services {
        let run = service.script().unwrap_or_default();
        let exported = run.lines().find_map(|line| {
            let (name, _) = line.trim_start().strip_prefix("export ")?.split_once('=')?;
            let acted_on =
                name.starts_with("LD_") || matches!(name, "GLIBC_TUNABLES" | "GCONV_PATH" | "BASH_ENV" | "ENV");
            acted_on.then_some(name)
        });
        if let Some(variable) = exported {
            let seen = format!(
                "the run script of {name} exports {} before it drops root: root loads what that variable names",
                Plain(variable)
            );
            findings.push(Finding::error("variables", seen, format!("render it with this gen-service; {AGAIN}")));
        }
    }
}

struct Look {
    supervisor: u32,
    /// The symlink in the scandir that leads to this.
    link: Option<Utf8PathBuf>,
    found: Vec<Finding>,
    seen: BTreeSet<Utf8PathBuf>,
}

impl Look {
    /// All directories above a path, without symlinks. A user who can write one of them can put something else there.
    fn above(&mut self, path: &Utf8Path) {
        let Ok(path) = path.canonicalize_utf8() else { return };
        let above: Vec<&Utf8Path> = path.ancestors().skip(1).collect();
        for directory in above.into_iter().rev() {
            let Some(metadata) = self.once(directory) else { continue };
            // In a sticky directory such as /tmp, nobody can change the files of another user.
            let sticky = metadata.mode() & 0o1000 != 0 && metadata.uid() == 0;
            if !sticky {
                self.judge(directory, &metadata);
            }
        }
    }

    /// A directory and its content, down to this many levels below.
    fn inside(&mut self, directory: &Utf8Path, levels: u32) {
        self.at(directory);
        for name in disk::names(directory).unwrap_or_default() {
            let name = name.to_string_lossy();
            let path = &directory.join(name.as_ref());
            let is_directory = || fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir());
            match name.as_ref() {
                "event" => self.event(path),
                "supervise" => self.supervise(path),
                _ if levels > 0 && is_directory() => self.inside(path, levels - 1),
                _ => self.at(path),
            }
        }
    }

    fn at(&mut self, path: &Utf8Path) {
        if let Some(metadata) = self.once(path) {
            self.judge(path, &metadata);
        }
    }

    fn judge(&mut self, path: &Utf8Path, metadata: &Metadata) {
        // A user who may connect to a socket changes nothing by that. The process that listens decides, as the oneshot runner of s6-rc does.
        if metadata.is_symlink() || metadata.file_type().is_socket() {
            return;
        }
        let mode = metadata.mode() & 0o7777;
        let shown = Plain(path.as_str());
        let who = if self.is_foreign(metadata) {
            format!("{shown} belongs to user {}", metadata.uid())
        } else if mode & 0o022 != 0 {
            format!("{shown} has mode {mode:04o}")
        } else {
            return;
        };
        let seen = format!("{who}: others can change what user {} runs", self.supervisor);
        // The owner of a directory above it would put a symlink there as soon as root is told to change it.
        let remedy = if let Some(link) = &self.link {
            format!("rm {}, and register the gateway again", Plain(link.as_str()))
        } else if self.is_out_of_reach(path) {
            format!("chown -h {} {shown} && chmod go-w {shown}", self.supervisor)
        } else {
            format!("first fix the directories above it, then {AGAIN}")
        };
        self.found.push(Finding::error(CHECK, seen, remedy));
    }

    /// Whether no other user can put something else at this path.
    fn is_out_of_reach(&self, path: &Utf8Path) -> bool {
        path.ancestors().skip(1).all(|directory| {
            let directory = if directory.as_str().is_empty() { Utf8Path::new(".") } else { directory };
            fs::symlink_metadata(directory)
                .is_ok_and(|metadata| metadata.is_dir() && !self.is_foreign(&metadata) && metadata.mode() & 0o022 == 0)
        })
    }

    /// s6-supervise writes to every fifo that it finds there, to tell all who listen. A user who can plant a symlink there makes root write through
    /// it.
    fn event(&mut self, path: &Utf8Path) {
        let Some(metadata) = self.once(path) else { return };
        let mode = metadata.mode() & 0o7777;
        // It has the supervisor's own group unless another group was granted access.
        let group = mode & 0o020 != 0 && metadata.gid() != 0 && self.supervisor == 0;
        let who = if self.is_foreign(&metadata) {
            format!("belongs to user {}", metadata.uid())
        } else if mode & 0o002 != 0 {
            format!("has mode {mode:04o}, so anybody can write it")
        } else if group {
            format!("can be written by group {} (s6-svperms -E)", metadata.gid())
        } else {
            return;
        };
        let shown = Plain(path.as_str());
        let seen = format!("{shown} {who}: user {} would follow a symlink planted in it", self.supervisor);
        self.found.push(Finding::error("event", seen, AGAIN));
    }

    fn supervise(&mut self, path: &Utf8Path) {
        let Some(metadata) = self.once(path) else { return };
        if self.is_foreign(&metadata) || metadata.mode() & 0o022 != 0 {
            let seen = format!(
                "{} belongs to user {} with mode {:04o}: user {} would follow a symlink planted in it",
                Plain(path.as_str()),
                metadata.uid(),
                metadata.mode() & 0o7777,
                self.supervisor
            );
            let remedy = format!("{AGAIN}; give the users who control it --control-group");
            self.found.push(Finding::error("supervise", seen, remedy));
        }
    }

    fn is_foreign(&self, metadata: &Metadata) -> bool {
        metadata.uid() != 0 && metadata.uid() != self.supervisor
    }

    /// The metadata of this path, when it is asked for the first time.
    fn once(&mut self, path: &Utf8Path) -> Option<Metadata> {
        self.seen.insert(path.to_owned()).then(|| fs::symlink_metadata(path).ok()).flatten()
    }
}
