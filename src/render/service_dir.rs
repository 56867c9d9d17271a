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
    /// Its path below the directory: `run`, `log/run`.
    pub path: Cow<'static, str>,
    /// Its mode.
    pub mode: Mode,
    /// Its text.
    pub content: Cow<'static, str>,
}

impl ServiceFile {
    pub(crate) fn new(path: impl Into<Cow<'static, str>>, mode: Mode, content: impl Into<Cow<'static, str>>) -> Self {
        Self { path: path.into(), mode, content: content.into() }
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

/// The paths that gen-service has ever rendered below a directory of a tree, but for what [`DEPENDENCIES`] holds.
const KNOWN: [&str; 14] = [
    "type",
    "run",
    "finish",
    "timeout-kill",
    "down",
    "data",
    "data/watchdog",
    "log",
    "log/run",
    "log/notification-fd",
    "notification-fd",
    "producer-for",
    "consumer-for",
    "pipeline-name",
];

/// The directory of a definition of s6-rc that holds what it is after, a file each.
pub(super) const DEPENDENCIES: &str = "dependencies.d";

/// Whether gen-service has ever rendered this path below a directory of a tree, as what is there. A directory with anything else in it is
/// not its own.
pub(crate) fn is_known(path: &str, entry: &Entry<'_>, service: &ServiceName) -> bool {
    match path.strip_prefix(DEPENDENCIES) {
        Some("") => entry.is_directory(),
        Some(_) => {
            matches!(entry, Entry::File { content: Some(content), .. } if **content == *note(service).as_bytes())
        }
        None => KNOWN.contains(&path),
    }
}

/// Whose a script is, in the two words of its third line.
pub(super) fn whose(service: &ServiceName) -> (&'static str, String) {
    match service {
        ServiceName::Gateway(profile) => ("profile", profile.to_string()),
        other => ("the", other.directory()),
    }
}

/// How the third line of each script begins.
pub(crate) const MARK: &str = "# Written by gen-service for ";

/// The third line of each script of this service. What has another one was not rendered for it.
pub(crate) fn mark(service: &ServiceName) -> String {
    let (what, name) = whose(service);
    format!("{MARK}{what} {name}.")
}

/// What stands in a file that s6-rc only looks for the name of: whose it is.
pub(crate) fn note(service: &ServiceName) -> String {
    mark(service) + "\n"
}

impl ServiceDir {
    pub(super) fn new(service: ServiceName, files: Vec<ServiceFile>) -> Self {
        debug_assert!(files.iter().all(|file| KNOWN.contains(&file.path.as_ref())));
        Self { service, files }
    }

    /// Whose it is.
    pub fn service(&self) -> &ServiceName {
        &self.service
    }

    /// The directory's name: `gateway-<profile>`, `dashboard`, `watch`, `watchdog`.
    pub fn name(&self) -> String {
        self.service.directory()
    }

    /// Its files, in the order in which a reader wants them.
    pub fn files(&self) -> &[ServiceFile] {
        &self.files
    }

    /// What it is on a disk.
    pub(crate) fn snapshot(&self) -> Snapshot<'_> {
        on_disk(&self.files)
    }
}

/// What a directory with these files is on a disk.
pub(super) fn on_disk(files: &[ServiceFile]) -> Snapshot<'_> {
    let mut snapshot = Snapshot::default();
    snapshot.insert("", Entry::Directory { mode: DIRECTORY });
    for file in files {
        if let Some((above, _)) = file.path.split_once('/') {
            snapshot.insert(above, Entry::Directory { mode: DIRECTORY });
        }
        let content = Some(Cow::Borrowed(file.content.as_bytes()));
        snapshot.insert(file.path.as_ref(), Entry::File { mode: file.mode.bits(), content });
    }
    snapshot
}

impl fmt::Display for ServiceDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(f, &self.name(), &self.files)
    }
}

/// Each file below a directory of this name, under a line with its path and mode; the one without a path has that name itself.
pub(super) fn show(f: &mut fmt::Formatter<'_>, name: &str, files: &[ServiceFile]) -> fmt::Result {
    for (index, file) in files.iter().enumerate() {
        let gap = if index == 0 { "" } else { "\n" };
        let slash = if file.path.is_empty() { "" } else { "/" };
        writeln!(f, "{gap}==> {name}{slash}{} {:04o} <==", file.path, file.mode.bits())?;
        f.write_str(&file.content)?;
    }
    Ok(())
}
