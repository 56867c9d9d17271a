//! The files on the volume that belong to another user than the service user, and which of them root may give to it.
//!
//! A command that runs as root, such as Hermes in `docker exec` with `HERMES_DOCKER_EXEC_AS_ROOT`, leaves files of root there, and gateways fail at
//! them. Root gives only what changes nothing but the owner: a file or directory that the service user can already read and whose directory it owns,
//! so it could have put a copy in its place. A file that it cannot read stays with root: the service user may have moved it there.

use std::collections::BTreeSet;

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Stat, Uid};
use rustix::io::Errno;

use super::ahead::Ahead;
use super::error::VolumeError;
use super::home::Volume;
use super::identity::Identity;
use super::paths::{FILES, TREES};
use super::shown::Shown;
use crate::base::text::reason;
use crate::disk::{Context as _, Dir, is_mounted};

/// The most entries that are looked at, in total and in one directory. A user who fills the volume delays a boot by no more than that. Files that the
/// service user owned under another number are given once, and do not count.
const MOST_ENTRIES: usize = 200_000;
const MOST_OF_ONE: usize = 20_000;
const MOST_OF_ONE_FORMER: usize = 10_000_000;

/// The most given files that are named.
const MOST_NAMED: usize = 10_000;

/// The depth to which a clean volume is looked at, below the home. Below a directory that was given, everything is looked at.
const DEPTH: usize = 4;

/// The files on a volume that do not belong to the service user.
#[derive(Debug, Default)]
pub(crate) struct Repair {
    /// What was given to that user, or would be: the first ten thousand.
    pub(crate) given: Vec<Shown>,
    /// How many more were given.
    pub(crate) more_given: usize,
    /// What was not given, and why.
    pub(crate) left: Vec<Left>,
}

/// Something that the service user may be unable to use and that root does not give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Left {
    /// What it is.
    pub(crate) what: Shown,
    /// Why it is not given, and what to do.
    pub(crate) problem: String,
}

/// The rules for a repair.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// The service user.
    pub(crate) to: Identity,
    /// Whether files of the home's owner belong to the service user, if the owner is an ordinary user. The service user had another number then.
    pub(crate) from_owner: bool,
    /// Whether to change nothing.
    pub(crate) dry_run: bool,
}

impl Volume {
    /// Gives the service user what it has to be able to use, as long as it gets nothing that belongs to another user. A clean volume is looked at in
    /// part, within limits, and nothing is opened.
    ///
    /// # Errors
    /// If the home itself cannot be looked at.
    pub(crate) fn repair(&self, rules: Rules) -> Result<Repair, VolumeError> {
        let top = rustix::fs::fstat(self.home()).context("look at", self.path())?;
        let mut walk = Walk {
            volume: self,
            rules,
            former: None,
            done: Repair::default(),
            seen: 0,
            is_whole: true,
            would_own: BTreeSet::new(),
        };
        if top.st_uid != rules.to.uid {
            if rules.from_owner && top.st_uid != 0 {
                walk.former = Some(top.st_uid);
            } else if !(top.st_uid == 0 && is_mounted(self.home()) == Some(true)) {
                let problem = format!(
                    "it belongs to user {}, and the gateways run as {}; docker run -e HERMES_UID={} -e HERMES_GID={}, or give \
                     it to that user on the machine that it comes from",
                    top.st_uid, rules.to.uid, top.st_uid, top.st_gid
                );
                walk.leave("", problem);
                return Ok(walk.done);
            }
        }
        walk.tops(&top);
        walk.trees(&top);
        // The home comes last, so that a run that was killed, or could not see everything, is done again.
        if top.st_uid != rules.to.uid && (walk.is_whole || walk.former.is_none()) {
            walk.give(self.home(), ".", "", &top);
        }
        // The file system lists them in an order that means nothing to a reader and differs each time.
        walk.done.given.sort();
        walk.done.left.sort_by(|one, other| one.what.cmp(&other.what));
        Ok(walk.done)
    }
}

/// The result.
enum Given {
    Yes,
    /// Another file system is mounted there, which belongs to somebody else.
    Mounted,
    /// It changed in the meantime.
    Changed,
}

struct Walk<'a> {
    volume: &'a Volume,
    rules: Rules,
    /// The earlier number of the service user.
    former: Option<u32>,
    done: Repair,
    seen: usize,
    /// Whether no limit left anything out.
    is_whole: bool,
    /// In a dry run, the directories that would be given.
    would_own: BTreeSet<String>,
}

impl Walk<'_> {
    fn leave(&mut self, below: &str, problem: impl Into<String>) {
        self.done.left.push(Left { what: self.volume.shown(below), problem: problem.into() });
    }

    fn too_many(&mut self, below: &str, most: usize) {
        self.is_whole = false;
        self.leave(below, format!("has more than {most} entries; those after them are not looked at"));
    }

    /// The files of the home itself.
    fn tops(&mut self, top: &Stat) {
        let home = self.volume.home();
        for name in FILES {
            let Ok(stat) = home.stat(name) else { continue };
            self.look(home, name, name, top, &stat);
        }
    }

    fn trees(&mut self, top: &Stat) {
        let home = self.volume.home();
        let mut ahead = Ahead::default();
        for name in TREES {
            let Ok(stat) = home.stat(name) else { continue };
            if FileType::from_raw_mode(stat.st_mode).is_dir() {
                let given = self.look(home, name, name, top, &stat);
                ahead.push(name.to_owned(), usize::from(!given));
            }
        }
        while let Some((below, depth)) = ahead.next(self.former.is_some()) {
            let opened = home.dir(&below).and_then(|directory| Ok((rustix::fs::fstat(&directory)?, directory)));
            let Ok((around, directory)) = opened else {
                self.is_whole = false;
                continue;
            };
            if is_mounted(&directory) != Some(false) {
                continue;
            }
            let most = if self.former.is_some() { MOST_OF_ONE_FORMER } else { MOST_OF_ONE };
            let mut of_one = 0;
            let read = directory.each(&mut |name| {
                of_one += 1;
                if of_one > most {
                    self.too_many(&below, most);
                } else if self.seen >= MOST_ENTRIES {
                    self.too_many("", MOST_ENTRIES);
                } else {
                    self.entry(&directory, &below, depth, &around, name, &mut ahead);
                    return true;
                }
                false
            });
            self.is_whole &= read.is_ok();
            if self.seen >= MOST_ENTRIES {
                return;
            }
        }
        if ahead.is_too_much {
            self.is_whole = false;
            self.leave("", "has more directories than are looked at in one run; some are left out");
        }
    }

    /// One entry of a directory.
    fn entry(&mut self, directory: &Dir, above: &str, depth: usize, around: &Stat, name: &[u8], ahead: &mut Ahead) {
        let stat = std::str::from_utf8(name).ok().and_then(|name| Some((name, directory.stat(name).ok()?)));
        let to = self.rules.to.uid;
        // What was given now, or by a run that was killed, brings the repair nearer to its end.
        let counts = |stat: &Stat| self.former.is_none_or(|former| ![former, to].contains(&stat.st_uid));
        self.seen += usize::from(stat.as_ref().is_none_or(|(_, stat)| counts(stat)));
        let Some((name, stat)) = stat else { return };
        let below = format!("{above}/{name}");
        let given = self.look(directory, name, &below, around, &stat);
        let is_own = given || FileType::from_raw_mode(stat.st_mode).is_dir() && stat.st_uid == to;
        // Everything is looked at that belonged to the user under another number.
        let is_near = given || depth < DEPTH || self.former.is_some();
        if is_own && is_near && FileType::from_raw_mode(stat.st_mode).is_dir() {
            ahead.push(below, if given { 0 } else { depth + 1 });
        }
    }

    /// Gives this if the rules allow it. Returns whether it was given, or would be.
    fn look(&mut self, directory: &Dir, name: &str, below: &str, around: &Stat, stat: &Stat) -> bool {
        let to = self.rules.to;
        if stat.st_uid == to.uid {
            return false;
        }
        if self.former == Some(stat.st_uid) {
            return self.give(directory, name, below, stat);
        }
        if stat.st_uid != 0 {
            return false;
        }
        // A directory that was given, or would be, belongs to the user.
        let own = around.st_uid == to.uid || self.is_given_above(below);
        let kind = FileType::from_raw_mode(stat.st_mode);
        let problem = if kind.is_symlink() {
            "refusing to give it, because it is a symlink of root; remove it"
        } else if !kind.is_file() && !kind.is_dir() {
            return false;
        } else if kind.is_file() && stat.st_nlink != 1 {
            "refusing to give it, because it has another name elsewhere; replace it by a copy"
        } else if !own {
            "refusing to give it, because its directory belongs to another user"
        } else if !to.reads(stat) {
            "refusing to give it, because it belongs to root and nobody else may read it; if Hermes needs it, chown it as root"
        } else {
            return self.give(directory, name, below, stat);
        };
        self.leave(below, problem);
        false
    }

    /// Whether the directory that holds this belongs to the user, or would.
    fn is_given_above(&self, below: &str) -> bool {
        below.rsplit_once('/').is_none_or(|(above, _)| self.would_own.contains(above))
    }

    /// Gives what was looked at, if it is still there. It is opened first, so that nothing else can be given in its place.
    fn give(&mut self, directory: &Dir, name: &str, below: &str, looked_at: &Stat) -> bool {
        if self.rules.dry_run {
            if FileType::from_raw_mode(looked_at.st_mode).is_dir() && looked_at.st_uid == 0 {
                self.would_own.insert(below.to_owned());
            }
            self.gave(below);
            return true;
        }
        let Identity { uid, gid } = self.rules.to;
        let give = || -> Result<Given, Errno> {
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let descriptor = rustix::fs::openat(directory, name, flags, Mode::empty())?;
            let there = rustix::fs::fstat(&descriptor)?;
            // The number of links of a directory depends on the number of directories in it.
            let is_directory = FileType::from_raw_mode(there.st_mode).is_dir();
            let links = |stat: &Stat| if is_directory { 0 } else { stat.st_nlink };
            let what = |stat: &Stat| (stat.st_dev, stat.st_ino, stat.st_uid, stat.st_mode, links(stat));
            if what(&there) != what(looked_at) {
                return Ok(Given::Changed);
            }
            if !below.is_empty() && is_mounted(&descriptor) != Some(false) {
                return Ok(Given::Mounted);
            }
            rustix::fs::chownat(
                &descriptor,
                "",
                Some(Uid::from_raw(uid)),
                Some(Gid::from_raw(gid)),
                AtFlags::EMPTY_PATH,
            )?;
            Ok(Given::Yes)
        };
        match give() {
            Ok(Given::Yes) => {
                self.gave(below);
                return true;
            }
            Ok(Given::Mounted) => return false,
            Ok(Given::Changed) => self.leave(below, "it changed in the meantime; run gatewayctl repair again"),
            Err(error) => self.leave(below, format!("cannot give it: {}", reason(&error.into()))),
        }
        self.is_whole = false;
        false
    }

    fn gave(&mut self, below: &str) {
        if self.done.given.len() < MOST_NAMED {
            self.done.given.push(self.volume.shown(below));
        } else {
            self.done.more_given += 1;
        }
    }
}
