//! The homes of Hermes: the one that gateways share, and those of isolated gateways.

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::FileType;
use rustix::io::Errno;

use super::error::VolumeError;
use super::home::Volume;
use super::intent::Intent;
use super::servant::Master;
use crate::base::text::reason;
use crate::disk::Dir;
use crate::s6::{LiveService, container};
use crate::spec::{Owner, ProfileName};

/// The homes of this container's gateways.
#[derive(Debug, Clone)]
pub(crate) struct Homes {
    shared: Utf8PathBuf,
    /// The directory of root that holds the homes of isolated gateways, each named after its profile.
    apart: Utf8PathBuf,
}

/// The home of one gateway.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    /// The home of Hermes.
    pub(crate) path: Utf8PathBuf,
    /// The profile of the gateway in this home. In a home of its own, it is the root profile.
    pub(crate) profile: ProfileName,
    /// The user of the gateway.
    pub(crate) owner: Owner,
}

impl Homes {
    /// Homes with this one for gateways that share a home.
    pub(crate) fn sharing(shared: &Utf8Path) -> Self {
        Self { shared: shared.to_owned(), apart: container::hermes_homes() }
    }

    /// The homes that this container names, or `/opt/data` and `/opt/homes`.
    pub(crate) fn usual() -> Self {
        Self::sharing(&Volume::usual())
    }

    /// The home that gateways share.
    pub(crate) fn shared(&self) -> &Utf8Path {
        &self.shared
    }

    /// The directory that holds the homes of isolated gateways.
    pub(crate) fn apart(&self) -> &Utf8Path {
        &self.apart
    }

    /// The path of the home of this profile's isolated gateway, whether it exists or not.
    pub(crate) fn of_apart(&self, profile: &ProfileName) -> Utf8PathBuf {
        self.apart.join(profile.as_str())
    }

    /// Whether that home exists.
    pub(crate) fn has(&self, profile: &ProfileName) -> bool {
        rustix::fs::lstat(self.of_apart(profile).as_std_path()).is_ok()
    }

    /// What is wrong with that directory, if anything. Only root may be able to change it and every directory above it.
    pub(crate) fn check_apart(&self) -> Result<(), String> {
        if !self.apart.is_absolute() {
            return Err("it is not absolute".to_owned());
        }
        Dir::open_own(&self.apart).map(drop).map_err(|error| reason(&error))
    }

    /// The home of this profile's gateway, if it has this owner.
    pub(crate) fn of(&self, profile: &ProfileName, owner: &Owner) -> Home {
        let owner = owner.clone();
        match owner {
            Owner::Shared(_) => Home { path: self.shared.clone(), profile: profile.clone(), owner },
            Owner::Isolated(_) => Home { path: self.of_apart(profile), profile: ProfileName::default(), owner },
        }
    }

    /// What Hermes recorded for the isolated gateway of this profile.
    pub(crate) fn intent_apart(&self, profile: &ProfileName) -> Intent {
        let path = self.of_apart(profile);
        match rustix::fs::stat(path.as_std_path()) {
            Err(Errno::NOENT) => Intent::Nothing,
            Err(error) => Intent::Unreadable(reason(&error.into())),
            Ok(_) => match Volume::open(&path) {
                Ok(volume) => volume.intent(&ProfileName::default()),
                Err(VolumeError::Home { path, problem }) => Intent::Unreadable(format!("{path} {problem}")),
                Err(error) => Intent::Unreadable(error.to_string()),
            },
        }
    }

    /// The home of this service, according to its run script. A service whose script cannot be read has the usual user.
    pub(crate) fn of_service(&self, service: &LiveService) -> Home {
        let owner = service.run_script().map(|script| script.owner);
        let profile = service.name().profile().cloned().unwrap_or_default();
        self.of(&profile, &owner.unwrap_or_default())
    }
}

impl Home {
    /// Opens it.
    ///
    /// # Errors
    /// As [`Volume::open`].
    pub(crate) fn open(&self) -> Result<Volume, VolumeError> {
        match Volume::open(&self.path) {
            Err(VolumeError::Home { path, problem }) if self.owner.is_isolated() => {
                Err(VolumeError::Apart { path, problem })
            }
            opened => opened,
        }
    }

    /// Whether something else is in its place, which may lead elsewhere.
    pub(crate) fn is_no_directory(&self) -> bool {
        let stat = rustix::fs::lstat(self.path.as_std_path());
        stat.is_ok_and(|stat| !FileType::from_raw_mode(stat.st_mode).is_dir())
    }

    /// Opens it; `None` if it is the home of an isolated gateway and does not exist yet.
    ///
    /// # Errors
    /// As [`Volume::open`].
    pub(crate) fn open_if_made(&self) -> Result<Option<Volume>, VolumeError> {
        let is_missing = || rustix::fs::stat(self.path.as_std_path()).is_err_and(|error| error == Errno::NOENT);
        if self.owner.is_isolated() && is_missing() { Ok(None) } else { self.open().map(Some) }
    }

    /// The user who acts there.
    pub(crate) fn master(&self) -> Master {
        Master::of_owner(&self.owner)
    }

    /// The user who acts there, for a message: a name, or a number.
    pub(crate) fn user(&self) -> String {
        match &self.owner {
            Owner::Shared(user) => user.to_string(),
            Owner::Isolated(uid) => uid.to_string(),
        }
    }
}
