//! What of the volume belongs to somebody else than the service user, and what root may give it.
//!
//! A command of root's, as Hermes in `docker exec` with `HERMES_DOCKER_EXEC_AS_ROOT`, leaves files of root's there, at which gateways fail. Root gives
//! only what changes nothing for anybody but its owner: a file or directory that the service user can read already, and whose directory is its
//! own, so that it could have put a copy in its place. What it cannot read stays root's: the service user may have moved it there.

use std::collections::VecDeque;
use std::os::fd::AsFd;

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Stat, StatxAttributes, StatxFlags, Uid};
use rustix::io::Errno;

use super::error::VolumeError;
use super::home::Volume;
use super::identity::Identity;
use super::shown::Shown;
use crate::base::text::reason;
use crate::disk::{Context as _, Dir};

/// The files of Hermes that stand in the home itself. Others there are none of its business, since a person may have mounted a directory of
/// his own there.
const FILES: [&str; 17] = [
    ".env",
    "SOUL.md",
    "active_profile",
    "auth.json",
    "auth.lock",
    "channel_directory.json",
    "config.yaml",
    "gateway.lock",
    "gateway.pid",
    "gateway_state.json",
    "hermes_state.db",
    "processes.json",
    "response_store.db",
    "state.db",
    "state.db-shm",
    "state.db-wal",
    "tasks.json",
];

/// The directories of Hermes in the home, in the order of how much a gateway depends on them.
const TREES: [&str; 13] = [
    "profiles",
    "cron",
    "logs",
    "platforms",
    "pairing",
    "sessions",
    "hooks",
    "memories",
    "skills",
    "skins",
    "plans",
    "lazy-packages",
    "lazy_packages",
];

/// So many entries are looked at, and of one directory so many: whoever fills the volume holds up a boot no longer than that. What was the
/// service user's under another number is given once, and does not count.
const MOST_ENTRIES: usize = 200_000;
const MOST_OF_ONE: usize = 20_000;
const MOST_OF_ONE_FORMER: usize = 1_000_000;

/// So deep below the home is looked. A clean volume is looked at only so deep; below what was given, all is.
const DEPTH: usize = 4;

/// What was found on a volume that is not the service user's.
#[derive(Debug, Default)]
pub(crate) struct Repair {
    /// What was given to that user, or would be.
    pub(crate) given: Vec<Shown>,
    /// What was not, and why.
    pub(crate) left: Vec<Left>,
}

/// Something that the service user may have no use of, and that root does not give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Left {
    /// What it is.
    pub(crate) what: Shown,
    /// Why it is not given, and what to do.
    pub(crate) problem: String,
}

/// How a volume is repaired.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// The service user.
    pub(crate) to: Identity,
    /// Whether what is that of an ordinary user who owns the home is the service user's, who had another number then.
    pub(crate) from_owner: bool,
    /// Whether to change nothing.
    pub(crate) dry_run: bool,
}

impl Volume {
    /// Gives the service user what it must be able to use, as far as that gives it nothing of anybody else's. Of a clean volume, a bounded part
    /// is looked at, and nothing is opened.
    ///
    /// # Errors
    /// If the home itself cannot be looked at.
    pub(crate) fn repair(&self, rules: Rules) -> Result<Repair, VolumeError> {
        let top = rustix::fs::fstat(self.home()).context("look at", self.path())?;
        let mut walk = Walk { volume: self, rules, former: None, done: Repair::default(), seen: 0, is_whole: true };
        if top.st_uid != rules.to.uid {
            if rules.from_owner && top.st_uid != 0 {
                walk.former = Some(top.st_uid);
            } else if !(top.st_uid == 0 && is_mounted(self.home()) == Some(true)) {
                let problem = format!(
                    "it belongs to user {}, and the gateways run as {}; docker run -e HERMES_UID={} -e HERMES_GID={}, or give \
                     it to that user where it comes from",
                    top.st_uid, rules.to.uid, top.st_uid, top.st_gid
                );
                walk.leave("", problem);
                return Ok(walk.done);
            }
        }
        walk.tops(&top);
        walk.trees(&top);
        // Last, so that a run that is killed, or that could not see all, is done again.
        if top.st_uid != rules.to.uid && (walk.is_whole || walk.former.is_none()) {
            walk.give(self.home(), ".", "", &top);
        }
        Ok(walk.done)
    }
}

/// Whether something is mounted at it; `None` if that cannot be told.
fn is_mounted(descriptor: impl AsFd) -> Option<bool> {
    let stat = rustix::fs::statx(descriptor, "", AtFlags::EMPTY_PATH, StatxFlags::empty()).ok()?;
    let known = stat.stx_attributes_mask.contains(StatxAttributes::MOUNT_ROOT);
    known.then_some(stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

/// What came of it.
enum Given {
    Yes,
    /// Something is mounted there, which is somebody else's.
    Mounted,
    /// It is not what it was any more.
    Changed,
}

struct Walk<'a> {
    volume: &'a Volume,
    rules: Rules,
    /// The number that the service user had before.
    former: Option<u32>,
    done: Repair,
    seen: usize,
    /// Whether nothing was left out for there being too much.
    is_whole: bool,
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
        let mut ahead: VecDeque<(String, usize)> = VecDeque::new();
        for name in TREES {
            let Ok(stat) = home.stat(name) else { continue };
            if FileType::from_raw_mode(stat.st_mode).is_dir() {
                let given = self.look(home, name, name, top, &stat);
                ahead.push_back((name.to_owned(), usize::from(!given)));
            }
        }
        // The upper floors first: what a gateway cannot do without is there.
        while let Some((below, depth)) = ahead.pop_front() {
            let Ok(directory) = home.dir(&below) else { continue };
            let Ok(around) = rustix::fs::fstat(&directory) else { continue };
            if is_mounted(&directory) != Some(false) {
                continue;
            }
            let most = if self.former.is_some() { MOST_OF_ONE_FORMER } else { MOST_OF_ONE };
            let Ok((names, more)) = directory.names(most) else { continue };
            if more {
                self.too_many(&below, most);
            }
            for name in names {
                if self.seen == MOST_ENTRIES {
                    self.too_many("", MOST_ENTRIES);
                    return;
                }
                self.seen += 1;
                let Ok(name) = String::from_utf8(name) else { continue };
                let Ok(stat) = directory.stat(&name) else { continue };
                let below = format!("{below}/{name}");
                let given = self.look(&directory, &name, &below, &around, &stat);
                if given && self.former == Some(stat.st_uid) {
                    self.seen -= 1;
                }
                let is_own =
                    given || FileType::from_raw_mode(stat.st_mode).is_dir() && stat.st_uid == self.rules.to.uid;
                // All of what was the user's under another number is looked at.
                if is_own && (given || depth < DEPTH || self.former.is_some()) {
                    ahead.push_back((below, if given { 0 } else { depth + 1 }));
                }
            }
        }
    }

    /// Gives this if it is to be given; whether it was, or would be.
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
        // A directory that was given, or would be, is the user's.
        let own = around.st_uid == to.uid || self.is_given_above(below);
        let kind = FileType::from_raw_mode(stat.st_mode);
        let problem = if kind.is_symlink() {
            "refusing to give it, since it is a symlink of root's; remove it"
        } else if !kind.is_file() && !kind.is_dir() {
            return false;
        } else if kind.is_file() && stat.st_nlink != 1 {
            "refusing to give it, since it has another name elsewhere; replace it by a copy"
        } else if !own {
            "refusing to give it, since its directory belongs to somebody else"
        } else if !to.reads(stat) {
            "refusing to give it: it is root's, and nobody else may read it. If it is Hermes' own, chown it as root"
        } else {
            return self.give(directory, name, below, stat);
        };
        self.leave(below, problem);
        false
    }

    /// Whether the directory of this is the user's, or would be.
    fn is_given_above(&self, below: &str) -> bool {
        below
            .rsplit_once('/')
            .is_none_or(|(above, _)| self.rules.dry_run && self.done.given.contains(&self.volume.shown(above)))
    }

    /// Gives what was looked at, if it is still there: it is opened first, so that nothing else can be given in its place.
    fn give(&mut self, directory: &Dir, name: &str, below: &str, looked_at: &Stat) -> bool {
        if self.rules.dry_run {
            self.done.given.push(self.volume.shown(below));
            return true;
        }
        let Identity { uid, gid } = self.rules.to;
        let give = || -> Result<Given, Errno> {
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let descriptor = rustix::fs::openat(directory, name, flags, Mode::empty())?;
            let there = rustix::fs::fstat(&descriptor)?;
            // How many names a directory has says how many are in it.
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
                self.done.given.push(self.volume.shown(below));
                return true;
            }
            Ok(Given::Mounted) => {}
            Ok(Given::Changed) => self.leave(below, "it changed meanwhile; run gatewayctl repair again"),
            Err(error) => self.leave(below, format!("cannot give it: {}", reason(&error.into()))),
        }
        false
    }
}
