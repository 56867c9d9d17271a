//! The numbers of the service user.

use rustix::fs::{FileType, Stat};

use crate::s6::Programs;

/// A user and its group, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The user.
    pub(crate) uid: u32,
    /// Its own group. Its other groups do not count here.
    pub(crate) gid: u32,
}

impl Identity {
    /// The numbers of the user of this name, according to s6; `None` if the user does not exist.
    pub(crate) fn of(user: &str, programs: &Programs) -> Option<Self> {
        let said = programs.call("s6-envuidgid", &[user, "printenv", "UID", "GID"]).ok()?;
        let mut numbers = said.lines().map(str::parse);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(uid)), Some(Ok(gid))) => Some(Self { uid, gid }),
            _ => None,
        }
    }

    /// Whether it may read a file of another user, or list a directory of another user and go through it.
    pub(super) fn reads(self, stat: &Stat) -> bool {
        let needed = if FileType::from_raw_mode(stat.st_mode).is_dir() { 0o5 } else { 0o4 };
        let shift = if stat.st_gid == self.gid { 3 } else { 0 };
        stat.st_mode >> shift & needed == needed
    }
}
