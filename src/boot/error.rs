//! Why a boot, or what is kept for the next one, fails.

use thiserror::Error;

use crate::manager::ManagerError;
use crate::s6::S6Error;
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
}

impl From<S6Error> for BootError {
    fn from(error: S6Error) -> Self {
        Self::Manager(error.into())
    }
}
