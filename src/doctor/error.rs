//! Why doctor cannot look at anything.

use thiserror::Error;

use crate::disk::SystemError;
use crate::s6::S6Error;

/// Why doctor cannot look at anything.
#[derive(Debug, Error)]
pub(crate) enum DoctorError {
    /// The scandir cannot be read.
    #[error(transparent)]
    S6(#[from] S6Error),
    /// The operating system refused a look.
    #[error(transparent)]
    System(#[from] SystemError),
}
