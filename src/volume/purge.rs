//! Removes the home of an isolated gateway. Its user removes the content, because root would follow what that user puts there in the meantime.

#![expect(clippy::disallowed_methods, reason = "/proc, and a directory of root")]

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{AtFlags, FileType, RenameFlags, renameat, renameat_with, unlinkat};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal};

use super::error::VolumeError;
use super::homes::Homes;
use super::servant::{Deadline, Master, Servant, ServantError};
use crate::base::text::reason;
use crate::base::{Interrupted, Signal, WaitError, seen};
use crate::disk::Dir;
use crate::s6::{Programs, Scandir};
use crate::spec::ProfileName;
use crate::spec::options::Uid;

/// Removes the content of the home `$1`, but nothing on another file system.
const PURGE: &str = r#"
set -eu
cd "$1"
chmod -R u+rwX . 2>/dev/null || :
exec find . -xdev -mindepth 1 -delete
"#;

/// The least time that a user gets to remove the content of its home, which may be large.
const LARGE: Duration = Duration::from_secs(600);

/// How long root waits before it looks again for the processes of a user.
const BLINK: Duration = Duration::from_millis(20);

/// What happened to a home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purged {
    /// It is gone.
    Gone,
    /// A volume is mounted there; it is empty now.
    Emptied,
    /// It did not exist.
    Missing,
}

/// A home that has to be removed, or the rest that a killed run left of it.
struct Doomed {
    /// The directory with all homes, which only root can change.
    apart: Dir,
    path: Utf8PathBuf,
    /// Its owner; `None` if it still belongs to root.
    uid: Option<Uid>,
}

impl Homes {
    /// The path of the home of this profile's isolated gateway, if the home exists, or if a killed run left a part of it.
    ///
    /// # Errors
    /// If a user other than root can change that path, if the home belongs to a user that no isolated gateway has, or if its user is the user of
    /// another gateway in this scandir.
    pub(crate) fn to_purge(
        &self,
        scandir: &Scandir,
        profile: &ProfileName,
    ) -> Result<Option<Utf8PathBuf>, VolumeError> {
        let left = self.doomed(scandir, profile, &aside(profile))?;
        let there = left.or(self.doomed(scandir, profile, profile.as_str())?);
        Ok(there.map(|_| self.of_apart(profile)))
    }

    /// The home of this profile, by this name.
    fn doomed(&self, scandir: &Scandir, profile: &ProfileName, name: &str) -> Result<Option<Doomed>, VolumeError> {
        let path = self.apart().join(name);
        let wrong = |problem: String| VolumeError::Purge { path: path.clone(), problem };
        let apart = match Dir::open_own(self.apart()) {
            Ok(directory) => directory,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(wrong(reason(&error))),
        };
        let stat = match apart.stat(name) {
            Ok(stat) => stat,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(wrong(reason(&error))),
        };
        if !FileType::from_raw_mode(stat.st_mode).is_dir() {
            return Err(wrong("it is not a directory".to_owned()));
        }
        let uid: Option<Uid> = match stat.st_uid {
            0 => None,
            number => match number.to_string().parse() {
                Ok(uid) => Some(uid),
                Err(_) => {
                    return Err(wrong(format!("it belongs to user {number}, and no isolated gateway has that user")));
                }
            },
        };
        if let Some(uid) = uid {
            let services = scandir.services().map_err(|error| wrong(error.to_string()))?;
            let mut others = services.into_iter().filter(|(name, _)| name.profile() != Some(profile));
            if let Some((other, _)) = others.find(|(_, service)| service.own_uid() == Some(uid)) {
                return Err(VolumeError::InUse { path, uid, other });
            }
        }
        Ok(Some(Doomed { apart, path, uid }))
    }

    /// Ends the remaining processes of its user, within `limit`, and removes the home of an isolated gateway that is not supervised any more, with
    /// the rest that a killed run left. If a gateway of the same name comes in the meantime, it has a new home.
    ///
    /// # Errors
    /// As [`Self::to_purge`]; also if something in the home does not belong to its user, if that user takes too long, or if a signal comes.
    pub(crate) fn purge(
        &self,
        programs: &Programs,
        scandir: &Scandir,
        profile: &ProfileName,
        limit: Duration,
    ) -> Result<Purged, VolumeError> {
        let aside = aside(profile);
        let left = self.doomed(scandir, profile, &aside)?;
        let was_left = left.is_some();
        if let Some(left) = left {
            left.end(limit)?;
            left.empty(programs, limit)?;
            left.remove(&aside)?;
        }
        let Some(home) = self.doomed(scandir, profile, profile.as_str())? else {
            return Ok(if was_left { Purged::Gone } else { Purged::Missing });
        };
        home.end(limit)?;
        // No other user can put another directory in its place.
        match renameat(&home.apart, profile.as_str(), &home.apart, &aside) {
            Ok(()) => {}
            Err(Errno::BUSY) => return home.empty(programs, limit).map(|()| Purged::Emptied),
            Err(error) => return Err(home.wrong(&error.into())),
        }
        let moved = Doomed { path: self.apart().join(&aside), ..home };
        let removed = moved.empty(programs, limit).and_then(|()| moved.remove(&aside));
        if removed.is_err() {
            // The home should be found at its old path, unless another one is there by now.
            let _ = renameat_with(&moved.apart, &aside, &moved.apart, profile.as_str(), RenameFlags::NOREPLACE);
        }
        removed.map(|()| Purged::Gone)
    }
}

/// The name of the home of a profile while it is removed. The name of a profile never has a dot.
fn aside(profile: &ProfileName) -> String {
    format!(".{profile}.purge")
}

impl Doomed {
    fn wrong(&self, error: &io::Error) -> VolumeError {
        VolumeError::Purge { path: self.path.clone(), problem: reason(error) }
    }

    /// Ends the remaining processes of its user.
    fn end(&self, limit: Duration) -> Result<(), VolumeError> {
        if let Some(uid) = self.uid.filter(|_| is_alone()) {
            end(uid, limit).map_err(|error| self.wrong(&error))?;
        }
        match seen() {
            Some(signal) => Err(interrupted_by(signal)),
            None => Ok(()),
        }
    }

    /// Makes its user remove everything in it.
    fn empty(&self, programs: &Programs, limit: Duration) -> Result<(), VolumeError> {
        let Some(uid) = self.uid else { return Ok(()) };
        let master = Master::Ids(uid.get(), uid.get());
        let servant = Servant::new(programs, master, &self.path, Deadline::after_or_signal(limit.max(LARGE)));
        match servant.run("/bin/sh", &["-c", PURGE, "sh", self.path.as_str()], b"") {
            Err(ServantError::Interrupted(signal)) => Err(interrupted_by(signal)),
            result => Ok(result?),
        }
    }

    /// Removes the directory, which has this name.
    fn remove(&self, name: &str) -> Result<(), VolumeError> {
        unlinkat(&self.apart, name, AtFlags::REMOVEDIR).map_err(|error| self.wrong(&error.into()))
    }
}

fn interrupted_by(signal: Signal) -> VolumeError {
    WaitError::Interrupted { signal, left: Interrupted::Removing }.into()
}

/// Kills every process of this user, until there is none. Root does this, because this user could stop its own process before it is done.
fn end(uid: Uid, limit: Duration) -> io::Result<()> {
    let until = Instant::now() + limit;
    loop {
        let mut left = 0;
        for entry in fs::read_dir("/proc")? {
            let Some(number) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            let Some(pid) = Pid::from_raw(number) else { continue };
            // A descriptor makes sure that this is the process that was looked at.
            let process = match pidfd_open(pid, PidfdFlags::empty()) {
                Err(Errno::SRCH) => continue,
                opened => opened?,
            };
            if is_of(number, uid) {
                match pidfd_send_signal(&process, rustix::process::Signal::KILL) {
                    Err(Errno::SRCH) => {}
                    sent => {
                        sent?;
                        left += 1;
                    }
                }
            }
        }
        // A signal ends the run, and the run reports it.
        if left == 0 || seen().is_some() {
            return Ok(());
        }
        if Instant::now() >= until {
            return Err(io::Error::other(format!("{left} processes of user {uid} do not end")));
        }
        std::thread::sleep(BLINK);
    }
}

/// Whether a process runs as this user, by any of its ids, and is not a zombie.
fn is_of(pid: i32, uid: Uid) -> bool {
    let Ok(status) = fs::read_to_string(format!("/proc/{pid}/status")) else { return false };
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name));
    let is_zombie = field("State:").is_some_and(|state| state.trim_start().starts_with('Z'));
    let number = uid.to_string();
    !is_zombie && field("Uid:").is_some_and(|uids| uids.split_whitespace().any(|uid| uid == number))
}

/// Whether the visible processes are those of this container alone. A container that shares them with its machine may share the numbers of users,
/// too.
fn is_alone() -> bool {
    let id = |path: &Utf8Path| fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino())).ok();
    id("/proc/1/root/".into()).is_some_and(|first| id("/".into()) == Some(first))
}
