//! Locks that nobody else can hold: files that only their owner can open.
//!
//! Everybody who can open a file can hold a lock on it forever. So directories, and files that others may read, are not used for locks.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Mutex, PoisonError};

use camino::Utf8Path;
use rustix::fs::{AtFlags, FileType, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::error::{Context as _, DiskError};
use crate::base::{Patience, WaitError};

/// A lock. It is held until it is dropped or this process ends. Then its file is removed.
///
/// It is a record lock, which a child does not inherit. A lock of flock would stay with a child that was just being started when this
/// process was killed.
#[derive(Debug)]
pub(crate) struct Lock {
    // The order matters: closing the file frees the lock, and only then may other threads try.
    held: Option<Held>,
    place: Place,
}

#[derive(Debug)]
struct Held {
    /// It only has to stay open.
    _file: OwnedFd,
    directory: OwnedFd,
    name: String,
}

/// A name in a directory.
type Key = (u64, u64, String);

/// The locks that threads of this process hold or try to take. A record lock keeps out other processes, but not other threads, and any
/// thread that closes the file frees the lock.
static HERE: Mutex<BTreeSet<Key>> = Mutex::new(BTreeSet::new());

/// A key that stays in [`HERE`] as long as this lives.
#[derive(Debug)]
struct Place(Key);

impl Place {
    fn take(key: Key) -> Option<Self> {
        let is_new = HERE.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone());
        is_new.then(|| Self(key))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        HERE.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
    }
}

/// The result of an attempt to lock.
enum Attempt {
    Locked(Lock),
    /// Somebody holds the lock, or was faster by a moment.
    Busy,
    /// Something else has the name of the file.
    Foreign,
}

impl Lock {
    /// Takes the lock of this name in a directory in which only this user (and root) can write. `what` tells the person who waits what the
    /// run waits for. `shown` is the path of the directory.
    ///
    /// # Errors
    /// If somebody holds it longer than the limit, or if something else has its name.
    pub(crate) fn take(
        directory: impl AsFd,
        name: &str,
        patience: Patience<'_, '_>,
        (what, shown): (&str, &Utf8Path),
    ) -> Result<Self, DiskError> {
        Self::wait(&directory, name, patience, (what, shown), |_, name| {
            Err(io::Error::other(format!("{name} exists, but is not a file that only this user can open")))
        })
    }

    /// Takes the lock of this name in a directory in which somebody else may write. If something that is not ours has the name, `evict`
    /// removes it.
    ///
    /// # Errors
    /// Like [`Self::take`].
    pub(crate) fn take_evicting<D: AsFd>(
        directory: &D,
        name: &str,
        patience: Patience<'_, '_>,
        said: (&str, &Utf8Path),
        evict: impl Fn(&D, &str) -> io::Result<()>,
    ) -> Result<Self, DiskError> {
        Self::wait(directory, name, patience, said, evict)
    }

    fn wait<D: AsFd>(
        directory: &D,
        name: &str,
        patience: Patience<'_, '_>,
        (what, shown): (&str, &Utf8Path),
        foreign: impl Fn(&D, &str) -> io::Result<()>,
    ) -> Result<Self, DiskError> {
        let locked = patience.until(what, || -> Result<_, DiskError> {
            match attempt(directory.as_fd(), name).context("lock", shown)? {
                Attempt::Locked(lock) => Ok(Some(lock)),
                Attempt::Busy => Ok(None),
                Attempt::Foreign => Ok(foreign(directory, name).map(|()| None).context("lock", shown)?),
            }
        })?;
        locked.ok_or_else(|| WaitError::Timeout { what: what.to_owned(), seconds: patience.limit.as_secs() }.into())
    }

    /// Takes the lock if nobody holds it.
    ///
    /// # Errors
    /// If the operating system refuses a step.
    pub(crate) fn try_take(directory: impl AsFd, name: &str) -> io::Result<Option<Self>> {
        Ok(match attempt(directory.as_fd(), name)? {
            Attempt::Locked(lock) => Some(lock),
            Attempt::Busy | Attempt::Foreign => None,
        })
    }
}

fn attempt(directory: std::os::fd::BorrowedFd<'_>, name: &str) -> io::Result<Attempt> {
    let around = rustix::fs::fstat(directory)?;
    let Some(place) = Place::take((around.st_dev, around.st_ino, name.to_owned())) else { return Ok(Attempt::Busy) };
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match rustix::fs::openat(directory, name, flags, Mode::RUSR | Mode::WUSR) {
        Err(Errno::LOOP | Errno::ISDIR | Errno::NXIO) => return Ok(Attempt::Foreign),
        file => file?,
    };
    let stat = rustix::fs::fstat(&file)?;
    let own = rustix::process::geteuid().as_raw();
    if stat.st_nlink == 0 {
        return Ok(Attempt::Busy);
    }
    if !FileType::from_raw_mode(stat.st_mode).is_file()
        || stat.st_uid != own
        || stat.st_mode & 0o077 != 0
        || stat.st_nlink != 1
    {
        return Ok(Attempt::Foreign);
    }
    match rustix::fs::fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::AGAIN | Errno::ACCESS | Errno::INTR) => return Ok(Attempt::Busy),
        Err(error) => return Err(error.into()),
    }
    // The former holder may have removed the file meanwhile, and somebody may have made another one.
    match rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(there) if (there.st_dev, there.st_ino) == (stat.st_dev, stat.st_ino) => {}
        Ok(_) | Err(Errno::NOENT) => return Ok(Attempt::Busy),
        Err(error) => return Err(error.into()),
    }
    let directory = rustix::io::fcntl_dupfd_cloexec(directory, 3)?;
    Ok(Attempt::Locked(Lock { held: Some(Held { _file: file, directory, name: name.to_owned() }), place }))
}

impl Drop for Lock {
    fn drop(&mut self) {
        debug_assert_eq!(self.held.as_ref().map(|held| &held.name), Some(&self.place.0.2));
        if let Some(held) = self.held.take() {
            // The file is removed while the lock is held, so the next run makes its own. If it cannot be removed, the next run uses it.
            let _ = rustix::fs::unlinkat(&held.directory, &held.name, AtFlags::empty());
        }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "nobody attacks a test")]
mod tests {
    use super::*;

    #[test]
    fn one_thread_has_it_and_nothing_is_left() {
        let directory = tempfile::tempdir().unwrap();
        let open = || std::fs::File::open(directory.path()).unwrap();
        let first = Lock::try_take(open(), "lock").unwrap();
        assert!(first.is_some());
        assert!(Lock::try_take(open(), "lock").unwrap().is_none());
        assert!(Lock::try_take(open(), "other").unwrap().is_some());
        drop(first);
        assert!(Lock::try_take(open(), "lock").unwrap().is_some());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_others_can_open_is_no_lock() {
        let directory = tempfile::tempdir().unwrap();
        let open = || std::fs::File::open(directory.path()).unwrap();
        std::fs::write(directory.path().join("lock"), "").unwrap();
        assert!(Lock::try_take(open(), "lock").unwrap().is_none());
        assert!(directory.path().join("lock").exists());
    }
}
