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

/// What is wrong with a volume, or with a change to it.
#[derive(Debug, Error)]
pub(crate) enum VolumeError {
    /// The home of Hermes does not exist, or is not a directory.
    #[error("HERMES_HOME {path} {problem}; mount the volume there, or give its path with --hermes-home")]
    Home {
        /// The path.
        path: Utf8PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The home of an isolated gateway does not exist, or is not a directory.
    #[error("{path}, the home of an isolated gateway, {problem}; start its gateway, which makes it")]
    Apart {
        /// The path.
        path: Utf8PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The directory of `--state` is not safe for files that root believes.
    #[error("cannot keep anything in {path}: {problem}; give --state a directory that only root can write")]
    State {
        /// The directory.
        path: Utf8PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The manifest on the volume cannot be trusted.
    #[error("cannot use {path}: {problem}; remove it, and register its gateways again with --save")]
    Saved {
        /// The manifest.
        path: Utf8PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// This user does not exist here.
    #[error("user {0} does not exist; useradd {0} in the image, or name the user of the gateways")]
    NoUser(UserName),
    /// This service has no log file.
    #[error("{0} has no log file; read its lines with `docker logs`")]
    NoLog(ServiceName),
    /// The profile is not on the volume.
    #[error("no profile {profile} in {home}; make it with `hermes profile create {profile}`")]
    NoProfile {
        /// The profile.
        profile: ProfileName,
        /// The home of Hermes.
        home: Utf8PathBuf,
    },
    /// The wish of an operator cannot be recorded.
    #[error("cannot write {path}: {problem}; make it writable for {user}, or omit --save")]
    Desire {
        /// The file.
        path: Shown,
        /// The user.
        user: String,
        /// Why not.
        problem: String,
    },
    /// The home of an isolated gateway cannot be removed.
    #[error("cannot remove {path}: {problem}; look at what is there, and remove it by hand")]
    Purge {
        /// The home.
        path: Utf8PathBuf,
        /// Why not.
        problem: String,
    },
    /// This gateway has no home of its own that could be removed.
    #[error("{0} has no home of its own to purge; remove its profile with `hermes profile delete`")]
    Shared(ServiceName),
    /// The user of the home now belongs to another gateway.
    #[error(
        "cannot purge {path}: its user, {uid}, is now the user of {other}; give {other} another --uid, or remove the home by hand"
    )]
    InUse {
        /// The home.
        path: Utf8PathBuf,
        /// The user.
        uid: Uid,
        /// The other gateway.
        other: ServiceName,
    },
    /// No person is there to confirm the removal of a home.
    #[error("cannot ask whether {0} may be removed, because standard input is not a terminal; give --yes")]
    Unasked(Utf8PathBuf),
    /// A person was asked whether a home may be removed, and said no.
    #[error("nothing is done, and {0} stays")]
    Refused(Utf8PathBuf),
    /// The content of the file in which an operator's wish belongs is not what Hermes writes.
    #[error(
        "{0} is not what Hermes writes, so it stays as it is; remove it as the user of the gateway, or omit --save"
    )]
    Foreign(Shown),
    /// A log, or something in its place.
    #[error("cannot read {path}: {problem}")]
    Log {
        /// The file or directory.
        path: Shown,
        /// What is wrong with it.
        problem: String,
    },
    /// The service user did not do what it should do.
    #[error(transparent)]
    Servant(#[from] ServantError),
    /// The saved manifest has mistakes.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The operating system refused a step.
    #[error(transparent)]
    System(#[from] SystemError),
    /// Another run holds the lock of the saved manifest, or a signal came.
    #[error(transparent)]
    Wait(#[from] WaitError),
}

impl From<DiskError> for VolumeError {
    fn from(error: DiskError) -> Self {
        match error {
            DiskError::System(error) => Self::System(error),
            DiskError::Wait(error) => Self::Wait(error),
            DiskError::Taken(path) => Self::Saved { path, problem: "something else has its name".to_owned() },
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
