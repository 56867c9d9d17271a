//! What is wrong with a volume.

use camino::Utf8PathBuf;
use thiserror::Error;

use super::servant::ServantError;
use super::shown::Shown;
use crate::base::WaitError;
use crate::disk::{DiskError, SystemError};
use crate::source::SourceError;
use crate::spec::options::{Uid, UserName};
use crate::spec::{ProfileName, ServiceName};

/// What is wrong with a volume, or with what was to be done there.
#[derive(Debug, Error)]
pub(crate) enum VolumeError {
    /// The home of Hermes is not there, or is no directory.
    #[error("HERMES_HOME {path} {problem}; mount the volume there, or give its path with --hermes-home")]
    Home {
        /// The path.
        path: Utf8PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The home of an isolated gateway is not there, or is no directory.
    #[error("{path}, the home of an isolated gateway, {problem}; its gateway makes it when it starts")]
    Apart {
        /// The path.
        path: Utf8PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The directory of `--state` is no place for what root is to believe.
    #[error("cannot keep anything in {path}: {problem}; give --state a directory that only root can write")]
    State {
        /// The directory.
        path: Utf8PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The manifest on the volume is not to be believed.
    #[error("cannot use {path}: {problem}; remove it, and register its gateways again with --save")]
    Saved {
        /// The manifest.
        path: Utf8PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// There is no such user here.
    #[error("there is no user {0}; useradd {0} in the image, or name the user that the gateways run as")]
    NoUser(UserName),
    /// A service that has no log of its own.
    #[error("{0} has no log of its own, its lines are in the container's; see `docker logs`")]
    NoLog(ServiceName),
    /// There is no such profile on the volume.
    #[error("no profile {profile} in {home}; `hermes profile create {profile}` makes one")]
    NoProfile {
        /// The profile.
        profile: ProfileName,
        /// The home of Hermes.
        home: Utf8PathBuf,
    },
    /// What an operator said of a gateway cannot be recorded.
    #[error("cannot write {path}: {problem}; make it writable for {user}, or omit --save")]
    Desire {
        /// The file.
        path: Shown,
        /// The user.
        user: String,
        /// Why not.
        problem: String,
    },
    /// The home of an isolated gateway does not go.
    #[error("cannot remove {path}: {problem}; look at what is there, and remove it by hand")]
    Purge {
        /// The home.
        path: Utf8PathBuf,
        /// Why not.
        problem: String,
    },
    /// A home that is to go, and is not one gateway's alone.
    #[error("{0} has no home of its own to purge; a profile goes by `hermes profile delete`")]
    Shared(ServiceName),
    /// The user of a home that is to go is another gateway's by now.
    #[error(
        "cannot purge {path}: its user, {uid}, is that of {other} by now; give that one another --uid, or remove the home by hand"
    )]
    InUse {
        /// The home.
        path: Utf8PathBuf,
        /// The user.
        uid: Uid,
        /// The other one.
        other: ServiceName,
    },
    /// Nobody can be asked whether a home is to go.
    #[error("nobody is here to be asked whether {0} may be removed; say --yes")]
    Unasked(Utf8PathBuf),
    /// Somebody was asked whether a home is to go, and said no.
    #[error("nothing is done, as {0} is to stay")]
    Refused(Utf8PathBuf),
    /// The file in which an operator's word belongs is not what Hermes writes.
    #[error(
        "{0} is not what Hermes writes, and is left as it is; remove it as the user of the gateway, or omit --save"
    )]
    Foreign(Shown),
    /// A log, or what stands in its place.
    #[error("cannot read {path}: {problem}")]
    Log {
        /// The file or directory.
        path: Shown,
        /// What is wrong with it.
        problem: String,
    },
    /// The service user did not do what it was to do.
    #[error(transparent)]
    Servant(#[from] ServantError),
    /// The saved manifest has mistakes.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The operating system refused a step.
    #[error(transparent)]
    System(#[from] SystemError),
    /// Somebody else holds the lock of the saved manifest, or a signal came.
    #[error(transparent)]
    Wait(#[from] WaitError),
}

impl From<DiskError> for VolumeError {
    fn from(error: DiskError) -> Self {
        match error {
            DiskError::System(error) => Self::System(error),
            DiskError::Wait(error) => Self::Wait(error),
            DiskError::Taken(path) => Self::Saved { path, problem: "something has its name".to_owned() },
        }
    }
}

impl VolumeError {
    pub(crate) fn is_usage(&self) -> bool {
        let home = matches!(self, Self::Home { .. } | Self::NoUser(_) | Self::State { .. });
        home || matches!(
            self,
            Self::NoLog(_) | Self::Source(_) | Self::Shared(_) | Self::Unasked(_) | Self::Apart { .. }
        )
    }
}
