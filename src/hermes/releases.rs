//! The table of releases. docs/hermes-versions.md is the same table for people, and a test compares the two.

use super::release::{Apart, Exits, Locks, OwnScripts, Read, Release, Topology};
use super::version::Version;

/// The releases that somebody examined, the oldest first. A release between two rows counts as the row before it.
pub const RELEASES: &[Release] = &[
    V0_13,
    Release { since: Version(0, 15, 0), until: Version(0, 15, 2), run: NO_SUPERVISE, own: OwnScripts::Run, ..V0_13 },
    Release { since: Version(0, 16, 0), until: Version(0, 16, 0), run: NO_SUPERVISE, own: OwnScripts::Run, ..V0_13 },
    V0_17,
    V0_18_0,
    // It serves all profiles, but does not record them.
    Release { since: Version(0, 18, 1), until: Version(0, 18, 2), has_variable: true, has_record: false, ..V0_18_0 },
    V0_19,
    Release { since: Version(0, 20, 0), until: Version(0, 20, 0), read: Read::Fork, ..V0_19 },
    V0_20_1,
    Release {
        since: Version(0, 20, 6),
        until: Version(0, 21, 0),
        exits: Exits { served: Some(78), ..V0_19.exits },
        ..V0_20_1
    },
    V0_21_3,
    V0_21_4,
    V0_21_5,
    Release { since: Version(0, 22, 2), until: Version(0, 22, 2), ..V0_21_5 },
];

/// The oldest and the newest release on `PyPI`.
pub fn on_pypi() -> Option<(Version, Version)> {
    let mut there = RELEASES.iter().filter(|release| release.read == Read::PyPi);
    let first = there.next()?;
    Some((first.since, there.next_back().unwrap_or(first).until))
}

impl Release {
    /// The row of this version. `None` if the version is older or newer than all rows, because then nobody has examined it.
    pub fn of(version: Version) -> Option<&'static Self> {
        let newest = RELEASES.last()?;
        let is_known = (newest.until.0, newest.until.1) >= (version.0, version.1);
        RELEASES.iter().rev().find(|release| release.since <= version).filter(|_| is_known)
    }
}

const NO_SUPERVISE: &[&str] = &["--replace", "--no-supervise"];
const FORCE: &[&str] = &["--replace", "--no-supervise", "--force"];
const EXTERNAL: &[&str] = &["--replace", "--no-supervise", "--force", "--external-supervisor"];

const V0_13: Release = Release {
    since: Version(0, 13, 0),
    until: Version(0, 14, 0),
    read: Read::PyPi,
    run: &["--replace"],
    start: &["--system", "--all"],
    topology: Topology::One,
    has_variable: false,
    has_record: false,
    apart: Apart::Nothing,
    exits: Exits { term: 1, restart: 75, fatal: 0, served: None },
    after_term: "stopped",
    locks: Locks::Home,
    own: OwnScripts::None,
};

const V0_17: Release = Release {
    since: Version(0, 17, 0),
    until: Version(0, 17, 0),
    run: FORCE,
    topology: Topology::OnRequest,
    has_record: true,
    exits: Exits { served: Some(1), ..V0_13.exits },
    after_term: "running",
    own: OwnScripts::Run,
    ..V0_13
};

const V0_18_0: Release = Release {
    since: Version(0, 18, 0),
    until: Version(0, 18, 0),
    exits: Exits { fatal: 78, ..V0_17.exits },
    own: OwnScripts::Fatal,
    ..V0_17
};

const V0_19: Release =
    Release { since: Version(0, 19, 0), until: Version(0, 19, 0), run: EXTERNAL, has_variable: true, ..V0_18_0 };

const V0_20_1: Release = Release {
    since: Version(0, 20, 1),
    until: Version(0, 20, 5),
    read: Read::Fork,
    apart: Apart::Allowlist,
    own: OwnScripts::FatalAndZero,
    ..V0_19
};

const V0_21_3: Release = Release {
    since: Version(0, 21, 3),
    until: Version(0, 21, 3),
    start: &["--system", "--all", "--force"],
    apart: Apart::Nothing,
    exits: Exits { served: Some(78), ..V0_19.exits },
    ..V0_20_1
};

/// Under s6 it serves all profiles only if a person asks for that. Elsewhere it does so by default.
const V0_21_4: Release = Release {
    since: Version(0, 21, 4),
    until: Version(0, 21, 4),
    exits: Exits { served: Some(75), ..V0_19.exits },
    locks: Locks::HomeAndUser,
    ..V0_21_3
};

const V0_21_5: Release = Release {
    since: Version(0, 21, 5),
    until: Version(0, 21, 5),
    topology: Topology::All,
    apart: Apart::Markers,
    ..V0_21_4
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hermes::release::Meaning;

    #[test]
    fn each_version_has_one_row_at_most() {
        for (version, since) in [
            (Version(0, 12, 9), None),
            (Version(0, 13, 0), Some(Version(0, 13, 0))),
            (Version(0, 15, 1), Some(Version(0, 15, 0))),
            (Version(0, 19, 7), Some(Version(0, 19, 0))),
            (Version(0, 21, 1), Some(Version(0, 20, 6))),
            (Version(0, 22, 9), Some(Version(0, 22, 2))),
            (Version(0, 23, 0), None),
            (Version(1, 0, 0), None),
        ] {
            assert_eq!(Release::of(version).map(|release| release.since), since, "{version}");
        }
        for (older, newer) in RELEASES.iter().zip(&RELEASES[1..]) {
            assert!(older.since <= older.until && older.until < newer.since, "{older} {newer}");
        }
    }

    #[test]
    fn what_exit_codes_ask_for() {
        let of = |version| Release::of(version).unwrap();
        let (old, new) = (of(Version(0, 17, 0)), of(Version(0, 19, 0)));
        for (code, expected) in [
            (0, Meaning::Stopped),
            (1, Meaning::Failed),
            (75, Meaning::Again),
            (78, Meaning::Never),
            (2, Meaning::Failed),
        ] {
            assert_eq!(new.meaning(code), expected, "{code}");
        }
        // It always ended with 0, even after an error.
        assert_eq!((old.meaning(0), old.meaning(78)), (Meaning::Stopped, Meaning::Failed));
    }
}
