//! Why something cannot be done on a disk.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use thiserror::Error;

use super::who;
use crate::base::WaitError;
use crate::base::text::{Plain, reason};

/// The operating system refused a step.
#[derive(Debug, Error)]
#[error(
    "cannot {action} {}: {}{}",
    Plain(path.as_str()), reason(.source), who.as_ref().map(|who| format!("; {}", Plain(who))).unwrap_or_default()
)]
pub struct SystemError {
    /// The action that failed, as an infinitive: `create`, `write`, `rename`.
    pub action: &'static str,
    /// The path of the action.
    pub path: Utf8PathBuf,
    /// The operating system's error.
    pub source: io::Error,
    /// Who may do it, if it was refused to this user.
    pub who: Option<String>,
}

impl SystemError {
    pub(crate) fn new(action: &'static str, path: impl AsRef<Utf8Path>, source: io::Error) -> Self {
        let path = path.as_ref().to_owned();
        Self { action, who: who::may(&path, &source), path, source }
    }

    /// Whether it was refused to this user.
    pub(crate) fn is_refusal(&self) -> bool {
        self.source.kind() == io::ErrorKind::PermissionDenied
    }
}

/// Why directories could not be changed.
#[derive(Debug, Error)]
pub enum DiskError {
    /// The operating system refused a step.
    #[error(transparent)]
    System(#[from] SystemError),
    /// Somebody else holds the lock, or a signal came.
    #[error(transparent)]
    Wait(#[from] WaitError),
    /// Something already has the name of a new directory.
    #[error("{0} already exists; move it away")]
    Taken(Utf8PathBuf),
}

/// Adds the context to an `io::Result` in one call: the action, and its path.
pub(crate) trait Context<T> {
    fn context(self, action: &'static str, path: impl AsRef<Utf8Path>) -> Result<T, SystemError>;
}

impl<T, E: Into<io::Error>> Context<T> for Result<T, E> {
    fn context(self, action: &'static str, path: impl AsRef<Utf8Path>) -> Result<T, SystemError> {
        self.map_err(|source| SystemError::new(action, path, source.into()))
    }
}
