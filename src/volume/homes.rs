//! Where the homes of Hermes are: the one that gateways share, and those that isolated gateways have for themselves.

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

/// Where the homes of this container's gateways are.
#[derive(Debug, Clone)]
pub(crate) struct Homes {
    shared: Utf8PathBuf,
    /// The directory of root's with the homes of isolated gateways, each by the name of its profile.
    apart: Utf8PathBuf,
}

/// Where one gateway lives.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    /// The home of Hermes.
    pub(crate) path: Utf8PathBuf,
    /// The profile of this home that it is the gateway of: in a home of its own, the root profile.
    pub(crate) profile: ProfileName,
    /// Who it runs as.
    pub(crate) owner: Owner,
}

impl Homes {
    /// With this home for gateways that share one.
    pub(crate) fn sharing(shared: &Utf8Path) -> Self {
        Self { shared: shared.to_owned(), apart: container::hermes_homes() }
    }

    /// Those that this container says, or `/opt/data` and `/opt/homes`.
    pub(crate) fn usual() -> Self {
        Self::sharing(&Volume::usual())
    }

    /// The home that gateways share.
    pub(crate) fn shared(&self) -> &Utf8Path {
        &self.shared
    }

    /// The directory with the homes of isolated gateways.
    pub(crate) fn apart(&self) -> &Utf8Path {
        &self.apart
    }

    /// Where the home of the isolated gateway of this profile is, made or not.
    pub(crate) fn of_apart(&self, profile: &ProfileName) -> Utf8PathBuf {
        self.apart.join(profile.as_str())
    }

    /// Whether that home is there.
    pub(crate) fn has(&self, profile: &ProfileName) -> bool {
        rustix::fs::lstat(self.of_apart(profile).as_std_path()).is_ok()
    }

    /// What is wrong with that directory, if anything: only root may be able to change it, and all that is above it.
    pub(crate) fn check_apart(&self) -> Result<(), String> {
        if !self.apart.is_absolute() {
            return Err("it is not absolute".to_owned());
        }
        Dir::open_own(&self.apart).map(drop).map_err(|error| reason(&error))
    }

    /// Where the gateway of this profile lives if it runs as this.
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

    /// Where this service lives, by its run script; one that nobody can read runs as the usual user.
    pub(crate) fn of_service(&self, service: &LiveService) -> Home {
        let owner = service.run_script().map(|script| script.owner);
        let profile = service.name().profile().cloned().unwrap_or_default();
        self.of(&profile, &owner.unwrap_or_default())
    }
}

impl Home {
    /// What is there.
    ///
    /// # Errors
    /// As of [`Volume::open`].
    pub(crate) fn open(&self) -> Result<Volume, VolumeError> {
        match Volume::open(&self.path) {
            Err(VolumeError::Home { path, problem }) if self.owner.is_isolated() => {
                Err(VolumeError::Apart { path, problem })
            }
            opened => opened,
        }
    }

    /// Whether something else has its place, which may lead elsewhere.
    pub(crate) fn is_no_directory(&self) -> bool {
        let stat = rustix::fs::lstat(self.path.as_std_path());
        stat.is_ok_and(|stat| !FileType::from_raw_mode(stat.st_mode).is_dir())
    }

    /// What is there; `None` if it is one of its gateway's own that has not been made yet.
    ///
    /// # Errors
    /// As of [`Volume::open`].
    pub(crate) fn open_if_made(&self) -> Result<Option<Volume>, VolumeError> {
        let is_missing = || rustix::fs::stat(self.path.as_std_path()).is_err_and(|error| error == Errno::NOENT);
        if self.owner.is_isolated() && is_missing() { Ok(None) } else { self.open().map(Some) }
    }

    /// Who acts there.
    pub(crate) fn master(&self) -> Master {
        Master::of_owner(&self.owner)
    }

    /// Who acts there, for a message: a name, or a number.
    pub(crate) fn user(&self) -> String {
        match &self.owner {
            Owner::Shared(user) => user.to_string(),
            Owner::Isolated(uid) => uid.to_string(),
        }
    }
}
