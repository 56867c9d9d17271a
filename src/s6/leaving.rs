//! Service directories on their way out of a scandir. Each has a dot name, so s6-svscan does not see it any more and brings it down.
//!
//! A lock beside it, in a file that only this user can open, tells other runs whether a run still handles it. If a run was killed, the next run
//! finishes its work. If a service does not end even then, one message says so, and later runs look at it without waiting.

use std::io;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};

use super::error::S6Error;
use super::gone::{GONE, LOCK, STAGING, STUCK, is_taken};
use super::publish;
use super::s6_rc::OfS6Rc;
use super::scandir::{self, Scandir};
use crate::base::Patience;
use crate::disk::{Context as _, Lock, remove, rename_new};
use crate::spec::ServiceName;

/// How often a directory into which a process still writes is tried again, and after what pause.
const MOST_TRIES: u32 = 50;
const MOMENT: Duration = Duration::from_millis(20);

/// A service directory on its way out.
#[derive(Debug)]
pub(crate) struct Leaving {
    /// What it was called, for messages.
    pub(crate) name: String,
    /// The dot name, a directory or a symlink to one.
    pub(crate) path: Utf8PathBuf,
    /// If it is a symlink, the path that it pointed to.
    target: Option<Utf8PathBuf>,
    /// Process and number.
    number: String,
    _lock: Lock,
}

/// What killed runs left behind.
#[derive(Debug, Default)]
pub(crate) struct Abandoned {
    /// To wait for.
    pub(crate) gone: Vec<Leaving>,
    /// Waited for once without success.
    pub(crate) stuck: Vec<Leaving>,
}

impl Leaving {
    /// Takes the service directories of these services out of the scandir; `None` for each that does not exist.
    pub(crate) fn take(
        scandir: &Scandir,
        services: &[&ServiceName],
        patience: Patience<'_, '_>,
    ) -> Result<Vec<Result<Option<Self>, S6Error>>, S6Error> {
        let _lock = scandir.lock(patience)?;
        let taken: Vec<_> = services.iter().map(|service| Self::take_one(scandir, &service.directory())).collect();
        let directory = scandir.directory()?;
        if !directory.is_in_memory().context("look at", scandir.path())? {
            // Without this, a directory that is being deleted may have its name again after a power loss.
            rustix::fs::fsync(&directory).context("sync", scandir.path())?;
        }
        Ok(taken)
    }

    fn take_one(scandir: &Scandir, name: &str) -> Result<Option<Self>, S6Error> {
        let place = scandir.path().join(name);
        let metadata = match place.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            result => result.context("read", &place)?,
        };
        if OfS6Rc::of(&place).is_some() {
            return Err(S6Error::OfS6Rc(place));
        }
        let target = if metadata.is_symlink() { place.canonicalize_utf8().ok() } else { None };
        if metadata.is_symlink() && target.is_none() {
            // A dangling symlink has no supervisor that a program could ask about.
            remove(&place).context("remove", &place)?;
            return Ok(None);
        }
        let directory = scandir.directory()?;
        for count in 0..u32::MAX {
            let number = format!("{}.{count}", std::process::id());
            let gone = format!("{GONE}{number}");
            let path = scandir.path().join(&gone);
            if is_taken(&directory, &number) {
                continue;
            }
            let lock = Lock::try_take(&directory, &format!("{LOCK}{number}")).context("lock", &path)?;
            let Some(lock) = lock else { continue };
            rename_new((&directory, name), (&directory, &gone)).context("rename", &place)?;
            return Ok(Some(Self { name: name.to_owned(), path, target, number, _lock: lock }));
        }
        Ok(None)
    }

    /// What killed runs left behind and no other run handles. Files that they had only half written are removed at once, because a run that writes
    /// holds the lock.
    pub(crate) fn abandoned(scandir: &Scandir, patience: Patience<'_, '_>) -> Result<Abandoned, S6Error> {
        let mut found = Abandoned::default();
        let ours = |name: &String| name.starts_with(".gatewayctl.") && name != scandir::LOCK;
        let names = || Ok::<_, S6Error>(scandir.names()?.into_iter().filter(ours).collect::<Vec<String>>());
        let mut left = names()?;
        if left.is_empty() {
            return Ok(found);
        }
        let _lock = scandir.lock(patience)?;
        if left.iter().any(|name| name == STAGING) {
            publish::clear(scandir, patience)?;
            // The step above may have moved something to a dot name.
            left = names()?;
        }
        let directory = scandir.directory()?;
        for name in &left {
            let path = scandir.path().join(name);
            if let Some(number) = name.strip_prefix(LOCK) {
                let of = |prefix| left.contains(&format!("{prefix}{number}"));
                if !of(GONE) && !of(STUCK) {
                    // Taking and dropping a lock removes it, unless a run holds it.
                    Lock::try_take(&directory, name).context("lock", &path)?;
                }
            } else if let Some(number) = name.strip_prefix(GONE).or_else(|| name.strip_prefix(STUCK)) {
                let lock = Lock::try_take(&directory, &format!("{LOCK}{number}")).context("lock", &path)?;
                // The run that held it when the names were read may have ended by now.
                let (Some(lock), Ok(metadata)) = (lock, path.symlink_metadata()) else { continue };
                let target = if metadata.is_symlink() { path.canonicalize_utf8().ok() } else { None };
                let leaving = Self {
                    name: format!("{path}, which an earlier run left,"),
                    target,
                    number: number.to_owned(),
                    _lock: lock,
                    path,
                };
                if name.starts_with(GONE) { found.gone.push(leaving) } else { found.stuck.push(leaving) }
            }
        }
        Ok(found)
    }

    /// Makes later runs not wait for it any more.
    pub(crate) fn give_up(self, scandir: &Scandir) -> Result<(), S6Error> {
        let stuck = format!("{STUCK}{}", self.number);
        let from = self.path.file_name().unwrap_or_default();
        if from == stuck {
            return Ok(());
        }
        let directory = scandir.directory()?;
        Ok(rename_new((&directory, from), (&directory, &stuck)).context("rename", &self.path)?)
    }

    /// Deletes it, once no supervisor runs in it. If it is a symlink to a directory that s6-overlay copied from `/etc/services.d`, that directory is
    /// removed too; any other target belongs to its owner.
    pub(crate) fn delete(&self) -> Result<(), S6Error> {
        let mut tries = 0;
        loop {
            match remove(&self.path) {
                // If somebody removed the fifo of a supervisor, that supervisor cannot be seen. It may still write there while it ends.
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty && tries < MOST_TRIES => {
                    tries += 1;
                    std::thread::sleep(MOMENT);
                }
                removed => break removed.context("remove", &self.path)?,
            }
        }
        match &self.target {
            Some(target) if target.parent().and_then(Utf8Path::file_name) == Some("legacy-services") => {
                Ok(remove(target).context("remove", target)?)
            }
            _ => Ok(()),
        }
    }
}
