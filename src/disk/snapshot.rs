//! The content of a service directory, as it is or as it should be. This is what is read, written and compared.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::os::fd::AsFd;

use camino::Utf8Path;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use super::dir::Dir;
use super::error::{Context as _, SystemError};
use super::files::{CONTENT_MAX, MOST_LEVELS};

/// Something in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry<'a> {
    Directory {
        mode: u32,
    },
    /// `content` is `None` if the file is longer than what is read.
    File {
        mode: u32,
        content: Option<Cow<'a, [u8]>>,
    },
    Symlink {
        target: String,
    },
    /// A fifo, socket or device. It is never opened.
    Other,
}

impl Entry<'_> {
    /// Its type, in words with an article.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Directory { .. } => "a directory",
            Self::File { .. } => "a file",
            Self::Symlink { .. } => "a symlink",
            Self::Other => "a fifo, socket or device",
        }
    }

    /// The same, with a copy of what it borrows.
    pub(crate) fn owned(self) -> Entry<'static> {
        match self {
            Self::Directory { mode } => Entry::Directory { mode },
            Self::File { mode, content } => {
                Entry::File { mode, content: content.map(|content| Cow::Owned(content.into_owned())) }
            }
            Self::Symlink { target } => Entry::Symlink { target },
            Self::Other => Entry::Other,
        }
    }

    pub(crate) fn is_directory(&self) -> bool {
        matches!(self, Self::Directory { .. })
    }
}

/// A directory, or whatever has its name: entries by their path below it. The path of the directory itself is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Snapshot<'a>(pub(super) BTreeMap<Cow<'a, str>, Entry<'a>>);

impl<'a> Snapshot<'a> {
    /// A single file.
    pub(crate) fn file(mode: u32, content: &'a [u8]) -> Self {
        let mut snapshot = Self::default();
        snapshot.insert("", Entry::File { mode, content: Some(Cow::Borrowed(content)) });
        snapshot
    }

    /// Adds an entry at a path below the directory.
    pub(crate) fn insert(&mut self, path: impl Into<Cow<'a, str>>, entry: Entry<'a>) {
        self.0.insert(path.into(), entry);
    }

    /// What is at this path.
    pub(crate) fn get(&self, path: &str) -> Option<&Entry<'a>> {
        self.0.get(path)
    }

    /// The directory itself; `None` if it does not exist.
    pub(crate) fn itself(&self) -> Option<&Entry<'a>> {
        self.get("")
    }

    /// Everything below the directory. Each directory comes before its content.
    pub(crate) fn below(&self) -> impl DoubleEndedIterator<Item = (&str, &Entry<'a>)> {
        self.0.iter().map(|(path, entry)| (path.as_ref(), entry)).filter(|(path, _)| !path.is_empty())
    }

    /// The same, with a copy of everything that it borrows.
    pub(crate) fn owned(self) -> Snapshot<'static> {
        let own = |(path, entry): (Cow<'_, str>, Entry<'_>)| (Cow::Owned(path.into_owned()), entry.owned());
        Snapshot(self.0.into_iter().map(own).collect())
    }

    /// A digest that only equal snapshots share.
    pub(super) fn digest(&self) -> String {
        use std::fmt::Write as _;

        let mut hash = Sha256::new();
        let mut add = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        for (path, entry) in &self.0 {
            add(path.as_bytes());
            match entry {
                Entry::Directory { mode } => add(format!("directory {mode}").as_bytes()),
                Entry::File { mode, content } => {
                    add(format!("file {mode} {}", content.is_some()).as_bytes());
                    add(content.as_deref().unwrap_or_default());
                }
                Entry::Symlink { target } => add(format!("symlink {target}").as_bytes()),
                Entry::Other => add(b"other"),
            }
        }
        hash.finalize().iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

/// What decides for each entry whether it is read, or entered if it is a directory.
type Judge<'j> = dyn FnMut(&str, &Stat) -> bool + 'j;

/// Reads whatever has this name in a directory, and everything below it. It follows no symlink. For each entry except the first, `taken`
/// decides whether the snapshot will hold it, by its path and by the state of what was opened (or only looked at, if nothing is opened).
///
/// # Errors
/// If something cannot be read, or is nested deeper than 100 levels. The error names it by `shown`.
pub(crate) fn read(
    parent: &Dir,
    name: &str,
    shown: &Utf8Path,
    taken: &mut Judge<'_>,
) -> Result<Snapshot<'static>, SystemError> {
    let mut reader = Reader { shown, taken, found: Snapshot::default() };
    let stat = parent.stat(name).context("read", shown)?;
    if FileType::from_raw_mode(stat.st_mode).is_dir() {
        let directory = parent.step_into(name.as_bytes()).context("read", shown)?;
        reader.whole(&directory)?;
    } else {
        let entry = entry(parent, name.as_bytes(), &stat).context("read", shown)?;
        reader.found.insert("", entry);
    }
    Ok(reader.found)
}

impl Dir {
    /// Like [`read`], for this directory, which nobody has listed yet.
    pub(crate) fn snapshot(&self, shown: &Utf8Path, taken: &mut Judge<'_>) -> Result<Snapshot<'static>, SystemError> {
        let mut reader = Reader { shown, taken, found: Snapshot::default() };
        reader.whole(self)?;
        Ok(reader.found)
    }
}

struct Reader<'r, 'j> {
    shown: &'r Utf8Path,
    taken: &'r mut Judge<'j>,
    found: Snapshot<'static>,
}

impl Reader<'_, '_> {
    fn whole(&mut self, directory: &Dir) -> Result<(), SystemError> {
        let stat = rustix::fs::fstat(directory).context("read", self.shown)?;
        self.found.insert("", Entry::Directory { mode: stat.st_mode & 0o7777 });
        self.inside(directory, "", MOST_LEVELS)
    }

    fn inside(&mut self, directory: &Dir, below: &str, levels: u32) -> Result<(), SystemError> {
        /// The most entries that are looked at: 20 times what an s6-svscan takes.
        const MOST: usize = 20_000;
        let here = if below.is_empty() { self.shown.to_owned() } else { self.shown.join(below) };
        let Some(levels) = levels.checked_sub(1) else {
            let deep = io::Error::other(format!("directories are nested deeper than {MOST_LEVELS} levels"));
            return Err(deep).context("read", here);
        };
        let (names, more) = directory.list(MOST).context("read", &here)?;
        if more {
            return Err(io::Error::other(format!("it holds more than {MOST} entries"))).context("read", here);
        }
        for (name, kind) in names {
            let text = String::from_utf8_lossy(&name);
            let path = if below.is_empty() { text.into_owned() } else { format!("{below}/{text}") };
            self.one(directory, &name, kind, path, levels)?;
        }
        Ok(())
    }

    fn one(
        &mut self,
        directory: &Dir,
        name: &[u8],
        kind: FileType,
        path: String,
        levels: u32,
    ) -> Result<(), SystemError> {
        let full = |reader: &Self| reader.shown.join(&path);
        if kind.is_dir() {
            let inner = directory.step_into(name).context("read", full(self))?;
            let stat = rustix::fs::fstat(&inner).context("read", full(self))?;
            if (self.taken)(&path, &stat) {
                self.inside(&inner, &path, levels)?;
                self.found.insert(path, Entry::Directory { mode: stat.st_mode & 0o7777 });
            }
            return Ok(());
        }
        if kind.is_file() {
            let (file, stat) = open(directory, name).context("read", full(self))?;
            if (self.taken)(&path, &stat) {
                let entry = file_entry(&file, &stat).context("read", full(self))?;
                self.found.insert(path, entry);
            }
            return Ok(());
        }
        let stat = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).context("read", full(self))?;
        let really = FileType::from_raw_mode(stat.st_mode);
        if kind == FileType::Unknown && (really.is_dir() || really.is_file()) {
            // Some file systems do not store the type in their directories.
            return self.one(directory, name, really, path, levels);
        }
        if (self.taken)(&path, &stat) {
            let entry = entry(directory, name, &stat).context("read", full(self))?;
            self.found.insert(path, entry);
        }
        Ok(())
    }
}

/// An entry that is not a directory.
fn entry(directory: &Dir, name: &[u8], stat: &Stat) -> io::Result<Entry<'static>> {
    let kind = FileType::from_raw_mode(stat.st_mode);
    if kind.is_file() {
        let (file, stat) = open(directory, name)?;
        return file_entry(&file, &stat);
    }
    if kind.is_symlink() {
        let target = rustix::fs::readlinkat(directory, name, Vec::new())?;
        return Ok(Entry::Symlink { target: target.to_string_lossy().into_owned() });
    }
    Ok(Entry::Other)
}

fn file_entry(file: impl AsFd, stat: &Stat) -> io::Result<Entry<'static>> {
    let content = content(file, stat)?.map(Cow::Owned);
    Ok(Entry::File { mode: stat.st_mode & 0o7777, content })
}

/// Opens a regular file and checks what was opened. So a fifo that replaced the file neither blocks nor counts as a file.
pub(super) fn open(directory: &Dir, name: &[u8]) -> io::Result<(std::os::fd::OwnedFd, Stat)> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = rustix::fs::openat(directory, name, flags, Mode::empty())?;
    let stat = rustix::fs::fstat(&file)?;
    if FileType::from_raw_mode(stat.st_mode).is_file() {
        Ok((file, stat))
    } else {
        Err(io::Error::other("it is not a file"))
    }
}

/// The content of a file at the time of the read, without what is added meanwhile.
pub(super) fn content(file: impl AsFd, stat: &Stat) -> io::Result<Option<Vec<u8>>> {
    let size = u64::try_from(stat.st_size).unwrap_or_default();
    if size > CONTENT_MAX {
        return Ok(None);
    }
    let size = usize::try_from(size).unwrap_or_default();
    let mut content = vec![0; size];
    let mut filled = 0;
    while filled < size {
        match rustix::io::read(&file, &mut content[filled..]) {
            // The file was truncated during the read.
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    content.truncate(filled);
    Ok(Some(content))
}
