//! Why a tree cannot be written or compared.

use thiserror::Error;

use super::own::TargetError;
use crate::base::WaitError;
use crate::base::text::lines;
use crate::disk::{DiskError, SystemError};

/// Why a tree cannot be written or compared.
#[derive(Debug, Error)]
pub enum TreeError {
    /// The target holds things that a run must not touch: every obstacle that was found. Nothing was written.
    #[error("{}", lines(.0))]
    Target(Vec<TargetError>),
    /// A step failed, or a signal came. Everything done before was taken back.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl From<SystemError> for TreeError {
    fn from(error: SystemError) -> Self {
        Self::Disk(error.into())
    }
}

impl From<WaitError> for TreeError {
    fn from(error: WaitError) -> Self {
        Self::Disk(error.into())
    }
}
