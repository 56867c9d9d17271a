//! Why a boot, or what is kept for the next one, fails.

use thiserror::Error;

use crate::manager::ManagerError;
use crate::s6::S6Error;
use crate::spec::ProfileName;
use crate::volume::VolumeError;

/// Why what a boot needs could not be done.
#[derive(Debug, Error)]
pub(crate) enum BootError {
    /// By the service manager.
    #[error(transparent)]
    Manager(#[from] ManagerError),
    /// By the volume, or where root keeps things instead.
    #[error(transparent)]
    Volume(#[from] VolumeError),
    /// A gateway that is to be started, and would end at once: the one of the root profile serves its profile, or is to.
    #[error("gateway {profile} is not started: the gateway of default is to serve that profile, and {why}")]
    Unserved {
        /// The profile.
        profile: ProfileName,
        /// Why it does not, and what to do.
        why: String,
    },
}

impl From<S6Error> for BootError {
    fn from(error: S6Error) -> Self {
        Self::Manager(error.into())
    }
}
