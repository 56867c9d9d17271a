//! The profiles on a volume.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io;

use super::home::Volume;
use super::intent::Intent;
use super::paths::{STATE, below, directory_of};
use crate::base::text::excerpt;
use crate::base::text::reason;
use crate::disk::Dir;
use crate::spec::{ProfileName, ProfileNameError};

/// The file that marks the directory of a profile. `hermes profile create` makes it.
const MARK: &str = "SOUL.md";

/// The most entries of the directory of the profiles that are looked at. A machine runs 500 gateways at most. A user who fills the directory costs a
/// boot no more than this.
const MOST_ENTRIES: usize = 10_000;

/// The most bytes of Hermes' records that are read, of all profiles together. One record has some thousand bytes. The same limit applies to their
/// settings.
pub(crate) const MOST_READ: usize = 32 << 20;

/// A profile on the volume.
#[derive(Debug, Clone)]
pub(crate) struct FoundProfile {
    /// Its name.
    pub profile: ProfileName,
    /// Whether its gateway should run.
    pub intent: Intent,
}

/// An entry of the volume that can have no gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broken {
    /// Its name, on one line.
    pub name: String,
    /// Why, and what to do.
    pub problem: String,
}

/// What a volume holds.
#[derive(Debug, Default)]
pub(crate) struct Profiles {
    /// The profiles, by name.
    pub found: Vec<FoundProfile>,
    /// Entries that look like a profile and are not one.
    pub broken: Vec<Broken>,
    /// Why some profiles cannot be seen, one sentence each.
    pub warnings: Vec<String>,
}

impl Volume {
    /// The profiles on it without the root profile, by name. Nothing that stands in their place stops this. If an entry cannot be looked at, that is
    /// a warning.
    pub(crate) fn profiles(&self) -> Profiles {
        let mut profiles = Profiles::default();
        let shown = self.shown("profiles");
        let (directory, names) = match self.entries() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return profiles,
            Err(error) => {
                profiles.warnings.push(format!("cannot read {shown}: {}; its profiles are left out", reason(&error)));
                return profiles;
            }
            Ok((directory, names, more)) => {
                if more {
                    let what = format!("{shown} has more than {MOST_ENTRIES} entries; those after them are left out");
                    profiles.warnings.push(what);
                }
                (directory, names)
            }
        };
        let mut left = MOST_READ;
        for name in names {
            match look(&directory, &name) {
                Look::Nothing => {}
                Look::Profile(profile) => {
                    let intent = intent_in(&directory, &format!("{profile}/{STATE}"), &mut left);
                    profiles.found.push(FoundProfile { profile, intent });
                }
                Look::Broken(problem) => profiles.broken.push(Broken { name: excerpt(&name, 255), problem }),
            }
        }
        profiles.found.sort_by(|a, b| a.profile.cmp(&b.profile));
        profiles.broken.sort_by(|a, b| a.name.cmp(&b.name));
        profiles
    }

    fn entries(&self) -> io::Result<(Dir, Vec<Vec<u8>>, bool)> {
        let directory = self.home().dir("profiles")?;
        let (names, more) = directory.names(MOST_ENTRIES)?;
        Ok((directory, names, more))
    }

    /// The names of the profiles on it without the root profile. No file is read for them.
    pub(crate) fn names(&self) -> BTreeSet<ProfileName> {
        let Ok((directory, names, _)) = self.entries() else { return BTreeSet::new() };
        let profile = |name: Vec<u8>| match look(&directory, &name) {
            Look::Profile(profile) => Some(profile),
            _ => None,
        };
        names.into_iter().filter_map(profile).collect()
    }

    /// The profile of this name, if it exists. The root profile always does. It is looked up by its name, so nothing else on the volume can hide it.
    pub(crate) fn profile(&self, profile: &ProfileName) -> Option<FoundProfile> {
        if profile.is_default() {
            return Some(FoundProfile { profile: profile.clone(), intent: self.intent(profile) });
        }
        let mark = format!("{}/{MARK}", directory_of(profile));
        self.home().stat(&mark).ok()?;
        Some(FoundProfile { profile: profile.clone(), intent: self.intent(profile) })
    }

    /// Whether the profile of this name certainly does not exist. A profile that cannot be looked at may exist.
    pub(crate) fn lacks(&self, profile: &ProfileName) -> bool {
        let mark = format!("{}/{MARK}", directory_of(profile));
        let gone = |error: &io::Error| matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory);
        !profile.is_default() && self.home().stat(&mark).is_err_and(|error| gone(&error))
    }

    /// The record for the gateway of a profile. The profile itself need not exist.
    pub(crate) fn intent(&self, profile: &ProfileName) -> Intent {
        self.intent_within(profile, &Cell::new(MOST_READ))
    }

    /// The same, with a limit on the bytes that are read for all profiles together.
    pub(crate) fn intent_within(&self, profile: &ProfileName, left: &Cell<usize>) -> Intent {
        let mut still = left.get();
        let intent = intent_in(self.home(), &below(profile, STATE), &mut still);
        left.set(still);
        intent
    }
}

/// The record in this file, if the limit still allows to read it.
fn intent_in(directory: &Dir, state: &str, left: &mut usize) -> Intent {
    if *left == 0 {
        return Intent::Unreadable("the records of earlier profiles are too large".to_owned());
    }
    match directory.read(state) {
        Ok(file) => {
            *left = left.saturating_sub(file.text.len());
            Intent::parse(&file.text)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Intent::Nothing,
        Err(error) => Intent::Unreadable(reason(&error)),
    }
}

enum Look {
    Nothing,
    Profile(ProfileName),
    Broken(String),
}

fn look(directory: &Dir, name: &[u8]) -> Look {
    let Ok(name) = std::str::from_utf8(name) else {
        return Look::Broken("its name is not UTF-8; rename its directory".to_owned());
    };
    match directory.stat(&format!("{name}/{MARK}")) {
        Ok(_) => {}
        // Backups, files and directories that somebody made by hand are not profiles.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Look::Nothing;
        }
        Err(error) => return Look::Broken(format!("cannot be read: {}", reason(&error))),
    }
    match name.parse::<ProfileName>() {
        Ok(profile) if profile.is_default() => {
            Look::Broken("is the name of the root profile; rename its directory".to_owned())
        }
        Ok(profile) => Look::Profile(profile),
        Err(error) => Look::Broken(ProfileNameError::to_string(&error)),
    }
}
