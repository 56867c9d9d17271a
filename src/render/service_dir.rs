//! A rendered service directory: relative path to mode and text. No I/O.

use std::borrow::Cow;
use std::fmt;

use crate::disk::{Entry, Snapshot};
use crate::spec::ServiceName;

/// The mode of a service directory, and of the `log` in it: 0755.
const DIRECTORY: u32 = 0o755;

/// The purpose of a file of a service directory, which decides its mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A script that s6-supervise executes: 0755.
    Script,
    /// A file that s6 reads: 0644.
    Data,
}

impl Mode {
    /// The permission bits. The umask does not change them.
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

/// A rendered service directory that is not on a disk yet.
///
/// Its [`Display`](fmt::Display) is for a person to review: each file under a line with its path and mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceDir {
    service: ServiceName,
    files: Vec<ServiceFile>,
}

/// All paths that any version of gen-service rendered below a directory of a tree, except for those in [`DEPENDENCIES`].
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

/// The directory of a definition of s6-rc that has one file for each thing that the service starts after.
pub(super) const DEPENDENCIES: &str = "dependencies.d";

/// Whether any version of gen-service rendered such an entry at this path below a directory of a tree. A directory with another entry in it
/// does not belong to gen-service.
pub(crate) fn is_known(path: &str, entry: &Entry<'_>, service: &ServiceName) -> bool {
    match path.strip_prefix(DEPENDENCIES) {
        Some("") => entry.is_directory(),
        Some(_) => {
            matches!(entry, Entry::File { content: Some(content), .. } if **content == *note(service).as_bytes())
        }
        None => KNOWN.contains(&path),
    }
}

/// The service that a script belongs to, in the two words of its third line.
pub(super) fn whose(service: &ServiceName) -> (&'static str, String) {
    match service {
        ServiceName::Gateway(profile) => ("profile", profile.to_string()),
        other => ("the", other.directory()),
    }
}

/// The beginning of the third line of each script.
pub(crate) const MARK: &str = "# Written by gen-service for ";

/// The third line of each script of this service. A script with another third line was not rendered for it.
pub(crate) fn mark(service: &ServiceName) -> String {
    let (what, name) = whose(service);
    format!("{MARK}{what} {name}.")
}

/// The text of a file of which s6-rc reads only the name. The text says which service the file belongs to.
pub(crate) fn note(service: &ServiceName) -> String {
    mark(service) + "\n"
}

impl ServiceDir {
    pub(super) fn new(service: ServiceName, files: Vec<ServiceFile>) -> Self {
        debug_assert!(files.iter().all(|file| KNOWN.contains(&file.path.as_ref())));
        Self { service, files }
    }

    /// The service that it belongs to.
    pub fn service(&self) -> &ServiceName {
        &self.service
    }

    /// The directory's name: `gateway-<profile>`, `dashboard`, `watch`, `watchdog`.
    pub fn name(&self) -> String {
        self.service.directory()
    }

    /// Its files, in a good order for a reader.
    pub fn files(&self) -> &[ServiceFile] {
        &self.files
    }

    /// What it becomes on a disk.
    pub(crate) fn snapshot(&self) -> Snapshot<'_> {
        on_disk(&self.files)
    }
}

/// What a directory with these files becomes on a disk.
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

/// Writes each file below a directory of this name under a line with its path and mode. A file without a path is shown with the name alone.
pub(super) fn show(f: &mut fmt::Formatter<'_>, name: &str, files: &[ServiceFile]) -> fmt::Result {
    for (index, file) in files.iter().enumerate() {
        let gap = if index == 0 { "" } else { "\n" };
        let slash = if file.path.is_empty() { "" } else { "/" };
        writeln!(f, "{gap}==> {name}{slash}{} {:04o} <==", file.path, file.mode.bits())?;
        f.write_str(&file.content)?;
    }
    Ok(())
}
