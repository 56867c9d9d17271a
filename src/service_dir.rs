//! A service directory: relative path to mode and text. The only code that writes or reads one.

#![expect(clippy::disallowed_methods, reason = "the directory that --out names, and what is in it")]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt as _;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{AtFlags, OFlags};

use crate::disk;
use crate::error::{Context as _, Error, Shown, TargetError};
use crate::profile::ProfileName;

/// Mode of a service directory, and of the `log` in it: 0755.
const DIRECTORY: u32 = 0o755;

/// A file of this size or more is not one of ours, and is not read for a comparison: 1 MiB above the largest entry.
const CONTENT_MAX: u64 = 16 << 20;

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
    profile: ProfileName,
    files: Vec<ServiceFile>,
}

/// Every path that gen-service has ever rendered. A directory with anything else in it is not its own.
const KNOWN: [&str; 8] = ["type", "run", "finish", "timeout-kill", "down", "log", "log/run", "log/notification-fd"];

impl ServiceDir {
    pub(crate) fn new(profile: ProfileName, files: Vec<ServiceFile>) -> Self {
        debug_assert!(files.iter().all(|file| KNOWN.contains(&file.path)));
        Self { profile, files }
    }

    /// The directory's name, `gateway-<profile>`.
    pub fn name(&self) -> String {
        self.profile.service_name()
    }

    /// Its files, in the order in which a reader wants them.
    pub fn files(&self) -> &[ServiceFile] {
        &self.files
    }

    /// Writes the directory as a new entry of the directory `parent`, with exact modes under any umask.
    ///
    /// `shown` is the path by which an error names the parent.
    ///
    /// # Errors
    /// Where the operating system refuses a step; what was written before it is left behind for the caller to remove.
    pub(crate) fn write_into(&self, parent: impl AsFd, shown: &Utf8Path) -> Result<(), Error> {
        let parent = parent.as_fd();
        let name = self.name();
        for directory in [name.clone(), format!("{name}/log")] {
            rustix::fs::mkdirat(parent, &directory, DIRECTORY.into())
                .and_then(|()| rustix::fs::chmodat(parent, &directory, DIRECTORY.into(), AtFlags::empty()))
                .context("create", shown.join(&directory))?;
        }
        for file in &self.files {
            let path = format!("{name}/{}", file.path);
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
            let descriptor = rustix::fs::openat(parent, &path, flags, file.mode.bits().into())
                .context("create", shown.join(&path))?;
            rustix::fs::fchmod(&descriptor, file.mode.bits().into()).context("set the mode of", shown.join(&path))?;
            fs::File::from(descriptor).write_all(file.content.as_bytes()).context("write", shown.join(&path))?;
        }
        Ok(())
    }

    /// What should be on disk, by path below the parent.
    pub(crate) fn entries(&self) -> Entries {
        let name = self.name();
        let mut entries = Entries::new();
        entries.insert(format!("{name}/log"), Entry::Directory { mode: DIRECTORY });
        for file in &self.files {
            let content = Some(file.content.clone().into_owned().into_bytes());
            entries.insert(format!("{name}/{}", file.path), Entry::File { mode: file.mode.bits(), content });
        }
        entries.insert(name, Entry::Directory { mode: DIRECTORY });
        entries
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

/// Something on disk, or something that should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    Directory {
        mode: u32,
    },
    /// `content` is `None` where the file is too large to be read for a comparison.
    File {
        mode: u32,
        content: Option<Vec<u8>>,
    },
    Symlink {
        target: Utf8PathBuf,
    },
    /// A fifo, socket or device; it is never opened.
    Other,
}

impl Entry {
    /// What it is, in a word with its article.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Directory { .. } => "a directory",
            Self::File { .. } => "a file",
            Self::Symlink { .. } => "a symlink",
            Self::Other => "a fifo, socket or device",
        }
    }
}

/// Entries by their path below a tree.
pub(crate) type Entries = BTreeMap<String, Entry>;

/// Reads `parent/name` and everything below it, following no symlink.
pub(crate) fn read(parent: &Utf8Path, name: &str) -> Result<Entries, Error> {
    let mut entries = Entries::new();
    read_entry(parent, name.to_owned(), &mut entries)?;
    Ok(entries)
}

fn read_entry(parent: &Utf8Path, name: String, entries: &mut Entries) -> Result<(), Error> {
    let path = parent.join(&name);
    let metadata = fs::symlink_metadata(&path).context("read", &path)?;
    let mode = metadata.permissions().mode() & 0o7777;
    let kind = metadata.file_type();
    let entry = if kind.is_symlink() {
        let target = fs::read_link(&path).context("read", &path)?;
        Entry::Symlink { target: Utf8PathBuf::from(target.to_string_lossy().into_owned()) }
    } else if kind.is_file() {
        let content = (metadata.len() < CONTENT_MAX).then(|| read_file(&path)).transpose().context("read", &path)?;
        Entry::File { mode, content }
    } else if kind.is_dir() {
        for child in disk::names(&path).context("read", &path)? {
            read_entry(parent, format!("{name}/{}", child.to_string_lossy()), entries)?;
        }
        Entry::Directory { mode }
    } else {
        Entry::Other
    };
    entries.insert(name, entry);
    Ok(())
}

fn read_file(path: &Utf8Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    fs::File::open(path)?.take(CONTENT_MAX).read_to_end(&mut content)?;
    Ok(content)
}

/// Whether the `run` that `read` found says that gen-service wrote it for this profile.
pub(crate) fn is_marked(entries: &Entries, profile: &ProfileName) -> bool {
    let mark = format!("# Written by gen-service for profile {profile}.");
    match entries.get(&format!("{}/run", profile.service_name())) {
        Some(Entry::File { content: Some(content), .. }) => {
            content.split(|&byte| byte == b'\n').nth(2) == Some(mark.as_bytes())
        }
        _ => false,
    }
}

/// Why what `read` found below `parent` is not to be replaced: it is not gen-service's own, or somebody added to it.
pub(crate) fn obstacle(parent: &Utf8Path, entries: &Entries, profile: &ProfileName) -> Option<TargetError> {
    let name = profile.service_name();
    let path = parent.join(&name);
    let mut below = entries.keys().filter_map(|path| path.strip_prefix(&name)?.strip_prefix('/'));
    let reason = match entries.get(&name) {
        Some(Entry::Directory { .. }) => {
            if below.clone().any(|path| path == "supervise" || path == "log/supervise") {
                return Some(TargetError::Live { path });
            }
            match below.find(|path| !KNOWN.contains(path)) {
                Some(stray) => format!("holds {}, which gen-service never writes", Shown(stray)),
                None if is_marked(entries, profile) => return None,
                None => "was not written by gen-service".to_owned(),
            }
        }
        Some(other) => format!("is {}, not a directory", other.kind()),
        None => return None,
    };
    Some(TargetError::Foreign { path, reason })
}
