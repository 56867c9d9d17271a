//! Why a boot, or a change for the next boot, fails.

use thiserror::Error;

use crate::manager::ManagerError;
use crate::s6::S6Error;
use crate::spec::ProfileName;
use crate::volume::VolumeError;

/// Why a step of a boot fails.
#[derive(Debug, Error)]
pub(crate) enum BootError {
    /// The service manager failed.
    #[error(transparent)]
    Manager(#[from] ManagerError),
    /// The volume failed, or the place that root uses instead.
    #[error(transparent)]
    Volume(#[from] VolumeError),
    /// An operator starts a gateway that would end at once: the gateway of the root profile serves its profile, or should.
    #[error("gateway {profile} is not started: the gateway of default should serve that profile, and {why}")]
    Unserved {
        /// The profile.
        profile: ProfileName,
        /// Why it does not serve it, and what to do.
        why: String,
    },
}

impl From<S6Error> for BootError {
    fn from(error: S6Error) -> Self {
        Self::Manager(error.into())
    }
}
