//! Why a tree is not written or compared.

use thiserror::Error;

use super::own::TargetError;
use crate::base::WaitError;
use crate::base::text::lines;
use crate::disk::{DiskError, SystemError};

/// Why a tree is not written or compared.
#[derive(Debug, Error)]
pub enum TreeError {
    /// The target holds what must not be touched: every obstacle that was found. Nothing was written.
    #[error("{}", lines(.0))]
    Target(Vec<TargetError>),
    /// A step failed, or a signal came. What had been done before it was taken back.
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
