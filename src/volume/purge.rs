//! The end of an isolated gateway's home. Its user removes what is in it, since root would follow whatever that user puts there meanwhile.

#![expect(clippy::disallowed_methods, reason = "/proc, and a directory of root's")]

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{AtFlags, FileType, unlinkat};
use rustix::io::Errno;

use super::error::VolumeError;
use super::homes::Homes;
use super::servant::{Deadline, Master, Servant};
use crate::base::text::reason;
use crate::disk::Dir;
use crate::s6::Programs;
use crate::spec::ProfileName;
use crate::spec::options::Uid;

/// Ends every process of this user but itself.
const END: &str = "kill -s KILL -- -1 2>/dev/null || :";

/// Removes what is in the home `$1`, but nothing on another file system.
const PURGE: &str = r#"
set -eu
cd "$1"
chmod -R u+rwX . 2>/dev/null || :
exec find . -xdev -mindepth 1 -delete
"#;

/// How long a user has at least to remove what is in its home, once nothing of it runs that could hold that up.
const LARGE: Duration = Duration::from_secs(600);

/// What became of a home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purged {
    /// It is gone.
    Gone,
    /// A volume is mounted there; it is empty now.
    Emptied,
    /// There was none.
    Missing,
}

impl Homes {
    /// Where the home of an isolated gateway of this profile is, if there is one.
    ///
    /// # Errors
    /// If somebody else than root can change where it is, or it belongs to somebody who is no isolated gateway's user.
    pub(crate) fn to_purge(&self, profile: &ProfileName) -> Result<Option<Utf8PathBuf>, VolumeError> {
        self.found(profile).map(|found| found.map(|_| self.apart().join(profile.as_str())))
    }

    /// The directory with all homes, and the user whose the home of this profile is; `None` if it is still root's.
    fn found(&self, profile: &ProfileName) -> Result<Option<(Dir, Option<Uid>)>, VolumeError> {
        let path = self.apart().join(profile.as_str());
        let wrong = |problem: String| VolumeError::Purge { path: path.clone(), problem };
        let apart = match Dir::open_own(self.apart()) {
            Ok(directory) => directory,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(wrong(reason(&error))),
        };
        let stat = match apart.stat(profile.as_str()) {
            Ok(stat) => stat,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(wrong(reason(&error))),
        };
        if !FileType::from_raw_mode(stat.st_mode).is_dir() {
            return Err(wrong("it is not a directory".to_owned()));
        }
        if stat.st_uid == 0 {
            return Ok(Some((apart, None)));
        }
        match stat.st_uid.to_string().parse() {
            Ok(uid) => Ok(Some((apart, Some(uid)))),
            Err(_) => Err(wrong(format!("it belongs to user {}, whom no isolated gateway has", stat.st_uid))),
        }
    }

    /// Ends what its user still runs, and removes the home of an isolated gateway that is not supervised any more. What it still runs holds that
    /// up for no longer than `limit`.
    ///
    /// # Errors
    /// As of [`Self::to_purge`], or if something in it is not its user's, or that user takes too long.
    pub(crate) fn purge(
        &self,
        programs: &Programs,
        profile: &ProfileName,
        limit: Duration,
    ) -> Result<Purged, VolumeError> {
        let path = self.apart().join(profile.as_str());
        let Some((apart, owner)) = self.found(profile)? else { return Ok(Purged::Missing) };
        if let Some(uid) = owner {
            let master = Master::Ids(uid.get(), uid.get());
            let servant = |limit| Servant::new(programs, master.clone(), &path, Deadline::after(limit));
            let is_alone = is_alone();
            if is_alone {
                servant(limit).run("/bin/sh", &["-c", END], b"")?;
            }
            let limit = if is_alone { limit.max(LARGE) } else { limit };
            servant(limit).run("/bin/sh", &["-c", PURGE, "sh", path.as_str()], b"")?;
        }
        match unlinkat(&apart, profile.as_str(), AtFlags::REMOVEDIR) {
            Ok(()) => Ok(Purged::Gone),
            Err(Errno::BUSY) => Ok(Purged::Emptied),
            Err(Errno::NOENT) => Ok(Purged::Missing),
            Err(error) => Err(VolumeError::Purge { path, problem: reason(&error.into()) }),
        }
    }
}

/// Whether the processes that can be seen are those of this container: one that shares them with its machine may share numbers of users, too.
fn is_alone() -> bool {
    let id = |path: &Utf8Path| fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino())).ok();
    id("/proc/1/root/".into()).is_some_and(|first| id("/".into()) == Some(first))
}
