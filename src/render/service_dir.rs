//! A service directory as it is rendered: relative path to mode and text. No I/O.

use std::borrow::Cow;
use std::fmt;

use crate::disk::{Entry, Snapshot};
use crate::spec::ServiceName;

/// Mode of a service directory, and of the `log` in it: 0755.
const DIRECTORY: u32 = 0o755;

/// What a file of a service directory is for decides its mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A script that s6-supervise executes: 0755.
    Script,
    /// A file that s6 reads: 0644.
    Data,
}

impl Mode {
    /// The permission bits, whatever the umask.
    pub const fn bits(self) -> u32 {
        match self {
            Self::Script => 0o755,
            Self::Data => 0o644,
        }
    }
}

/// One file of a service directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceFile {
    /// Its path below the service directory: `run`, `log/run`.
    pub path: &'static str,
    /// Its mode.
    pub mode: Mode,
    /// Its text.
    pub content: Cow<'static, str>,
}

impl ServiceFile {
    pub(crate) fn new(path: &'static str, mode: Mode, content: impl Into<Cow<'static, str>>) -> Self {
        Self { path, mode, content: content.into() }
    }
}

/// A rendered service directory, not yet on any disk.
///
/// Its [`Display`](fmt::Display) is what a person reviews: each file under a line with its path and mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceDir {
    service: ServiceName,
    files: Vec<ServiceFile>,
}

/// Every path that gen-service has ever rendered. A directory with anything else in it is not its own.
pub(crate) const KNOWN: [&str; 8] =
    ["type", "run", "finish", "timeout-kill", "down", "log", "log/run", "log/notification-fd"];

/// Whose a script is, in the two words of its third line.
pub(super) fn whose(service: &ServiceName) -> (&'static str, String) {
    match service {
        ServiceName::Gateway(profile) => ("profile", profile.to_string()),
        other => ("the", other.directory()),
    }
}

/// The third line of each script of this service. What has another one was not rendered for it.
pub(crate) fn mark(service: &ServiceName) -> String {
    let (what, name) = whose(service);
    format!("# Written by gen-service for {what} {name}.")
}

impl ServiceDir {
    pub(super) fn new(service: ServiceName, files: Vec<ServiceFile>) -> Self {
        debug_assert!(files.iter().all(|file| KNOWN.contains(&file.path)));
        Self { service, files }
    }

    /// Whose it is.
    pub fn service(&self) -> &ServiceName {
        &self.service
    }

    /// The directory's name: `gateway-<profile>`, `dashboard`, `watch`.
    pub fn name(&self) -> String {
        self.service.directory()
    }

    /// Its files, in the order in which a reader wants them.
    pub fn files(&self) -> &[ServiceFile] {
        &self.files
    }

    /// What it is on a disk.
    pub(crate) fn snapshot(&self) -> Snapshot<'_> {
        let mut snapshot = Snapshot::default();
        snapshot.insert("", Entry::Directory { mode: DIRECTORY });
        if self.files.iter().any(|file| file.path.starts_with("log/")) {
            snapshot.insert("log", Entry::Directory { mode: DIRECTORY });
        }
        for file in &self.files {
            let content = Some(Cow::Borrowed(file.content.as_bytes()));
            snapshot.insert(file.path, Entry::File { mode: file.mode.bits(), content });
        }
        snapshot
    }
}

impl fmt::Display for ServiceDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        for (index, file) in self.files.iter().enumerate() {
            let gap = if index == 0 { "" } else { "\n" };
            writeln!(f, "{gap}==> {name}/{} {:04o} <==", file.path, file.mode.bits())?;
            f.write_str(&file.content)?;
        }
        Ok(())
    }
}
