//! Who can change what runs: whoever can write a scandir, or a service directory in it, is at its next start who supervises.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};

use camino::{Utf8Path, Utf8PathBuf};

use super::{Finding, Patient, or_ok};
use crate::error::{Context as _, Error};

const CHECK: &str = "ownership";

pub(super) fn check(patient: &Patient<'_>, findings: &mut Vec<Finding>) -> Result<(), Error> {
    let scandir = patient.scandir.path();
    let supervisor = patient.svscan.map_or(0, |svscan| svscan.uid);
    let mut look = Look { supervisor, found: Vec::new(), seen: BTreeSet::new() };
    look.at(scandir);
    look.inside(&scandir.join(".s6-svscan"), 0);
    for entry in scandir.read_dir_utf8().context("read", scandir)? {
        let path = entry.context("read", scandir)?.into_path();
        if path.file_name().is_some_and(|name| !name.starts_with('.')) {
            // Behind a symlink, its directory and that directory's own count.
            let Ok(target) = path.canonicalize_utf8() else { continue };
            if path.is_symlink()
                && let Some(parent) = target.parent()
            {
                look.at(parent);
            }
            look.inside(&target, 1);
        }
    }
    let well =
        format!("only {} can change what runs", if supervisor == 0 { "root" } else { "who supervises, and root," });
    or_ok(findings, look.found, CHECK, well);
    Ok(())
}

struct Look {
    supervisor: u32,
    found: Vec<Finding>,
    seen: BTreeSet<Utf8PathBuf>,
}

impl Look {
    /// A directory and what is in it, and so many levels below.
    fn inside(&mut self, directory: &Utf8Path, levels: u32) {
        self.at(directory);
        for entry in directory.read_dir_utf8().into_iter().flatten().flatten() {
            let path = entry.path();
            match entry.file_name() {
                // s6's own fifos, made for its own users.
                "event" => {}
                "supervise" => self.supervise(path),
                _ if levels > 0 && entry.file_type().is_ok_and(|kind| kind.is_dir()) => self.inside(path, levels - 1),
                _ => self.at(path),
            }
        }
    }

    fn at(&mut self, path: &Utf8Path) {
        let Some(metadata) = self.once(path) else { return };
        // Whoever may connect to a socket changes nothing by that: who listens decides, as s6-rc's oneshot runner does.
        if metadata.is_symlink() || metadata.file_type().is_socket() {
            return;
        }
        let mode = metadata.mode() & 0o7777;
        let who = if self.is_foreign(&metadata) {
            format!("{path} belongs to user {}", metadata.uid())
        } else if mode & 0o022 != 0 {
            format!("{path} has mode {mode:04o}")
        } else {
            return;
        };
        let seen = format!("{who}: others can change what user {} runs", self.supervisor);
        self.found.push(Finding::error(CHECK, seen, format!("chown {} {path} && chmod go-w {path}", self.supervisor)));
    }

    fn supervise(&mut self, path: &Utf8Path) {
        let Some(metadata) = self.once(path) else { return };
        if self.is_foreign(&metadata) || metadata.mode() & 0o022 != 0 {
            let seen = format!(
                "{path} belongs to user {} with mode {:04o}: a symlink planted in it is followed by user {}",
                metadata.uid(),
                metadata.mode() & 0o7777,
                self.supervisor
            );
            let remedy = "unregister the gateway and register it again; who is to control it gets --control-group";
            self.found.push(Finding::error("supervise", seen, remedy));
        }
    }

    fn is_foreign(&self, metadata: &Metadata) -> bool {
        metadata.uid() != 0 && metadata.uid() != self.supervisor
    }

    /// What is there, the first time that it is asked for.
    fn once(&mut self, path: &Utf8Path) -> Option<Metadata> {
        self.seen.insert(path.to_owned()).then(|| fs::symlink_metadata(path).ok()).flatten()
    }
}
