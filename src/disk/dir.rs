//! Opens directories and files that may belong to somebody hostile, by descriptor. It follows no symlink on the way, never blocks, and
//! reads only regular files.

use std::collections::hash_map::RandomState;
use std::fs::File;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::{self, Read as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, Stat, StatxAttributes, StatxFlags};
use rustix::io::Errno;

use super::files::{self, Name};

/// A directory that somebody else may own, opened once. A name below it is a path of plain names: not absolute, and without `..`.
#[derive(Debug)]
pub(crate) struct Dir(OwnedFd);

/// The content of a file, its owner and its mode.
#[derive(Debug)]
pub(crate) struct Owned {
    pub(crate) text: Vec<u8>,
    pub(crate) uid: u32,
    pub(crate) mode: u32,
}

/// Whether this kernel, or a filter of its calls, refuses openat2 (a container's seccomp answers EPERM or ENOSYS).
static WITHOUT_OPENAT2: AtomicBool = AtomicBool::new(false);

impl Dir {
    /// Opens the directory at an absolute path. It follows symlinks in directories that only root (or this user) can write, because the
    /// owner of the machine made them. It follows none from the first directory on that somebody else can write.
    pub(crate) fn open(path: &Utf8Path) -> io::Result<Self> {
        Ok(Self::walk(path)?.0)
    }

    /// Opens the directory at a path if only root (or this user) can change what is in it, or put another directory in its place.
    /// [`is_distrusted`] tells whether this is why it failed.
    pub(crate) fn open_own(path: &Utf8Path) -> io::Result<Self> {
        let (directory, trusted) = Self::walk(path)?;
        if trusted && is_safe(&rustix::fs::fstat(&directory.0)?) {
            Ok(directory)
        } else {
            Err(io::Error::other("another user can change it, or a directory above it"))
        }
    }

    fn walk(path: &Utf8Path) -> io::Result<(Self, bool)> {
        const MOST_LINKS: usize = 40;
        let absolute = if path.is_absolute() { path.to_owned() } else { here()?.join(path) };
        let mut here = Self::step(CWD, "/")?;
        let mut ahead: Vec<String> = parts(absolute.as_str()).rev().map(str::to_owned).collect();
        let (mut links, mut trusted) = (0, true);
        let mut around = rustix::fs::fstat(&here.0)?;
        while let Some(name) = ahead.pop() {
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let next = rustix::fs::openat(&here.0, &name, flags, Mode::empty())?;
            let stat = rustix::fs::fstat(&next)?;
            // In a directory such as /tmp, nobody else can change what belongs to root or to this user.
            trusted &= is_safe(&around) || (around.st_mode & 0o1000 != 0 && is_own(&around) && is_own(&stat));
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::Directory => (here, around) = (Self(next), stat),
                FileType::Symlink if trusted && links < MOST_LINKS => {
                    links += 1;
                    let target = rustix::fs::readlinkat(&next, "", Vec::new())?;
                    let target = target.into_string().map_err(|_| io::Error::from(Errno::ILSEQ))?;
                    if target.starts_with('/') {
                        here = Self::step(CWD, "/")?;
                        around = rustix::fs::fstat(&here.0)?;
                    }
                    ahead.extend(parts(&target).rev().map(str::to_owned));
                }
                FileType::Symlink => return Err(Errno::LOOP.into()),
                _ => return Err(Errno::NOTDIR.into()),
            }
        }
        // The directory was reached with O_PATH, and is now opened for reading.
        Ok((Self::step(here.0.as_fd(), ".")?, trusted))
    }

    fn step(from: BorrowedFd<'_>, name: &str) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match rustix::fs::openat(from, name, flags, Mode::empty()) {
            // A user who may go through the directory may not always list it.
            Err(Errno::ACCESS) => Ok(Self(rustix::fs::openat(
                from,
                name,
                OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
                Mode::empty(),
            )?)),
            opened => Ok(Self(opened?)),
        }
    }

    /// Opens a directory below this one.
    pub(crate) fn dir(&self, below: &str) -> io::Result<Self> {
        match self.open_below(below, OFlags::RDONLY | OFlags::DIRECTORY) {
            // Which of these errors comes depends on how it was opened.
            Err(Errno::LOOP | Errno::NOTDIR) => {
                Err(io::Error::other("it is not a directory, or it is behind a symlink"))
            }
            opened => Ok(Self(opened?)),
        }
    }

    /// Whether it is on a tmpfs, as `/run` is. Then nothing in it survives a restart of the machine, and there is no disk to wait for.
    pub(crate) fn is_in_memory(&self) -> io::Result<bool> {
        const TMPFS_MAGIC: i64 = 0x0102_1994;
        let file_system = rustix::fs::fstatfs(&self.0)?;
        #[allow(clippy::useless_conversion, reason = "the type differs on other machines")]
        Ok(i64::from(file_system.f_type) == TMPFS_MAGIC)
    }

    /// What is below this directory, without opening it. It does not follow a symlink either.
    pub(crate) fn stat(&self, below: &str) -> io::Result<Stat> {
        match below.rsplit_once('/') {
            None => Ok(rustix::fs::statat(&self.0, below, AtFlags::SYMLINK_NOFOLLOW)?),
            Some((directory, name)) => {
                let directory = self.open_below(directory, OFlags::PATH | OFlags::DIRECTORY)?;
                Ok(rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW)?)
            }
        }
    }

    /// Opens a regular file below this directory for reading. A fifo, a device, and a file on which somebody has a lease are errors at
    /// once.
    pub(crate) fn file(&self, below: &str) -> io::Result<(File, Stat)> {
        let descriptor = match self.open_below(below, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY) {
            Err(Errno::LOOP) => return Err(io::Error::other("it is a symlink, or it is behind one")),
            Err(Errno::AGAIN) => return Err(io::Error::other("another process has a lease on it")),
            Err(Errno::NXIO) => return Err(io::Error::other("it is not a file")),
            opened => opened?,
        };
        let stat = rustix::fs::fstat(&descriptor)?;
        if !FileType::from_raw_mode(stat.st_mode).is_file() {
            return Err(io::Error::other("it is not a file"));
        }
        Ok((File::from(descriptor), stat))
    }

    /// Reads a regular file of at most 1 MiB.
    pub(crate) fn read(&self, below: &str) -> io::Result<Owned> {
        const MOST: u64 = 1 << 20;
        let (file, stat) = self.file(below)?;
        let mut text = Vec::with_capacity(usize::try_from(stat.st_size).unwrap_or_default().min(1 << 16) + 1);
        file.take(MOST + 1).read_to_end(&mut text)?;
        if text.len() as u64 > MOST {
            return Err(io::Error::other("it is larger than 1 MiB"));
        }
        Ok(Owned { text, uid: stat.st_uid, mode: stat.st_mode & 0o7777 })
    }

    /// Calls `call` with each name in this directory, in no order, until it returns `false`. So a directory of any size needs no memory.
    pub(crate) fn each(&self, call: &mut dyn FnMut(&[u8]) -> bool) -> io::Result<()> {
        Ok(files::each(self.again()?.as_fd(), &mut |name, _| call(name))?)
    }

    /// The names in this directory, in no order. It stops after the first `most` names. The second value says whether it did.
    pub(crate) fn names(&self, most: usize) -> io::Result<(Vec<Vec<u8>>, bool)> {
        let (names, more) = files::list(self.again()?.as_fd(), most)?;
        Ok((names.into_iter().map(|(name, _)| name).collect(), more))
    }

    /// A separate descriptor for listing, so that earlier reads from this one do not count.
    fn again(&self) -> Result<OwnedFd, Errno> {
        rustix::fs::openat(&self.0, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
    }

    /// Like [`Self::names`], with the type of each, for a directory that nobody has listed yet.
    pub(super) fn list(&self, most: usize) -> io::Result<(Vec<Name>, bool)> {
        Ok(files::list(self.0.as_fd(), most)?)
    }

    /// Opens the directory of exactly this name in this one. The name need not be UTF-8.
    pub(super) fn step_into(&self, name: &[u8]) -> Result<Self, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(&self.0, name, flags, Mode::empty()).map(Self)
    }

    /// Removes whatever has this name in the directory. It may belong to somebody else. A directory that is not empty gets another name
    /// instead, and stays for its owner.
    pub(crate) fn evict(&self, name: &str) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.0, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            Err(Errno::ISDIR | Errno::PERM) => {}
            Err(error) => return Err(error.into()),
        }
        match rustix::fs::unlinkat(&self.0, name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(Errno::NOTEMPTY | Errno::EXIST) => {
                let other = format!("{name}.{:016x}", RandomState::new().build_hasher().finish());
                Ok(rustix::fs::renameat(&self.0, name, &self.0, &other)?)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Creates a new file in the directory that only this user can open. It replaces whatever has its name.
    pub(crate) fn create(&self, name: &str) -> io::Result<File> {
        const TRIES: usize = 100;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        for _ in 0..TRIES {
            self.evict(name)?;
            match rustix::fs::openat(&self.0, name, flags, Mode::RUSR | Mode::WUSR) {
                Err(Errno::EXIST) => {}
                opened => return Ok(File::from(opened?)),
            }
        }
        Err(Errno::EXIST.into())
    }

    /// Renames a file of this directory. It replaces whatever has the new name, and checks that this file has the name afterwards.
    pub(crate) fn rename(&self, file: &File, from: &str, to: &str) -> io::Result<()> {
        rustix::fs::renameat(&self.0, from, &self.0, to)?;
        let (meant, there) = (rustix::fs::fstat(file)?, self.stat(to)?);
        if (meant.st_dev, meant.st_ino) == (there.st_dev, there.st_ino) {
            Ok(rustix::fs::fsync(&self.0)?)
        } else {
            Err(io::Error::other("somebody put another file in its place"))
        }
    }

    /// Opens what is below this directory, through no symlink on the way or at the end.
    fn open_below(&self, below: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        if !WITHOUT_OPENAT2.load(Ordering::Relaxed) {
            let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
            loop {
                match rustix::fs::openat2(&self.0, below, flags, Mode::empty(), resolve) {
                    Err(Errno::NOSYS) => {
                        WITHOUT_OPENAT2.store(true, Ordering::Relaxed);
                        break;
                    }
                    Err(Errno::PERM) => break,
                    Err(Errno::INTR) => {}
                    opened => return opened,
                }
            }
            // A file may also answer EPERM. Then the step-by-step way gives the same error.
        }
        let (way, name) = below.rsplit_once('/').unwrap_or(("", below));
        let step = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut here: Option<OwnedFd> = None;
        for part in parts(way) {
            if part == ".." {
                return Err(Errno::XDEV);
            }
            here = Some(rustix::fs::openat(here.as_ref().unwrap_or(&self.0), part, step, Mode::empty())?);
        }
        rustix::fs::openat(here.as_ref().unwrap_or(&self.0), name, flags, Mode::empty())
    }
}

impl AsFd for Dir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Whether [`Dir::open_own`] gave this error because somebody else could redirect the path, and not because the operating system refused a
/// step.
pub(crate) fn is_distrusted(error: &io::Error) -> bool {
    error.raw_os_error().is_none_or(|code| code == Errno::LOOP.raw_os_error())
}

/// Whether only root and this user can change the content of a directory.
fn is_safe(stat: &Stat) -> bool {
    is_own(stat) && stat.st_mode & 0o022 == 0
}

fn is_own(stat: &Stat) -> bool {
    stat.st_uid == 0 || stat.st_uid == rustix::process::geteuid().as_raw()
}

/// The working directory, by its path.
fn here() -> io::Result<Utf8PathBuf> {
    Utf8PathBuf::from_path_buf(std::env::current_dir()?).map_err(|_| Errno::ILSEQ.into())
}

fn parts(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty() && *part != ".")
}

/// Whether something is mounted there. `None` if this is not known.
pub(crate) fn is_mounted(descriptor: impl AsFd) -> Option<bool> {
    let stat = rustix::fs::statx(descriptor, "", AtFlags::EMPTY_PATH, StatxFlags::empty()).ok()?;
    let known = stat.stx_attributes_mask.contains(StatxAttributes::MOUNT_ROOT);
    known.then_some(stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}
