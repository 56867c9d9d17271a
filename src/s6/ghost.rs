//! Supervisors whose service directory somebody removed while they ran. They hold the lock of its log, so the next gateway of that name logs nothing.
//! Nothing in the scandir shows them.

#![expect(clippy::disallowed_methods, reason = "/proc")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::error::S6Error;
use super::process::only_uid;
use super::programs::Programs;
use super::scandir::Scandir;
use crate::base::Patience;
use crate::base::text::excerpt;
use crate::disk;

/// The kernel appends this to the path of a removed directory.
const GONE: &[u8] = b" (deleted)";

impl Scandir {
    /// The names of the removed service directories that still have a supervisor. Only root sees them all.
    ///
    /// A process counts only if it runs as the user who supervises. Its name proves nothing.
    pub(crate) fn ghosts(&self) -> BTreeSet<String> {
        let Ok(scandir) = self.path().canonicalize_utf8() else { return BTreeSet::new() };
        let Ok(owner) = rustix::fs::stat(scandir.as_std_path()).map(|stat| stat.st_uid) else { return BTreeSet::new() };
        let ghost = |name: std::ffi::OsString| {
            let path = Path::new("/proc").join(name);
            // Neither of these two reads looks into the process.
            if fs::read(path.join("comm")).ok()? != b"s6-supervise\n" {
                return None;
            }
            only_uid(&fs::read_to_string(path.join("status")).ok()?).filter(|&uid| uid == owner)?;
            let directory = fs::read_link(path.join("cwd")).ok()?;
            let directory = directory.as_os_str().as_bytes().strip_suffix(GONE)?;
            let below = directory.strip_prefix(scandir.as_str().as_bytes())?.strip_prefix(b"/")?;
            let name = below.split(|&byte| byte == b'/').next()?;
            // A dot name is on its way out, and another step handles it.
            (!name.starts_with(b".")).then(|| excerpt(name, 255))
        };
        disk::names("/proc".into()).unwrap_or_default().into_iter().filter_map(ghost).collect()
    }

    /// Makes s6-svscan end them, and returns their names. Everything else in the scandir stays as it is.
    ///
    /// # Errors
    /// If s6-svscan cannot be told. A supervisor that does not end is waited for only as long as patience lasts.
    pub(crate) fn lay_ghosts(
        &self,
        programs: &Programs,
        patience: Patience<'_, '_>,
    ) -> Result<BTreeSet<String>, S6Error> {
        let ghosts = self.ghosts();
        if ghosts.is_empty() || !self.is_live()? {
            return Ok(BTreeSet::new());
        }
        self.rescan(programs, true)?;
        let what = "supervisors without a service directory to end";
        patience.until(what, || Ok::<_, S6Error>(self.ghosts().is_empty().then_some(())))?;
        Ok(ghosts)
    }
}
