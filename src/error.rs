//! The errors of all floors, joined into messages and exit codes.
//!
//! Each message is one lower-case sentence on one line. It names the thing and the next step. Only the command line imports this.

mod exit;

use std::io;

use thiserror::Error;

use crate::base::text::reason;
use crate::base::{Signal, WaitError};
use crate::boot::BootError;
use crate::disk::{DiskError, SystemError};
use crate::doctor::DoctorError;
use crate::manager::ManagerError;
use crate::s6::S6Error;
use crate::source::{Mistake, SourceError};
use crate::tree::TreeError;
use crate::volume::VolumeError;
pub(crate) use exit::Exit;

/// A failure of a whole command.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// Mistakes in the input. Nothing was written.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The tree below `--out`.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// A service manager, such as s6.
    #[error(transparent)]
    Manager(#[from] ManagerError),
    /// The volume.
    #[error(transparent)]
    Volume(#[from] VolumeError),
    /// A boot.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// A check of doctor.
    #[error(transparent)]
    Doctor(#[from] DoctorError),
    /// The operating system refused a step.
    #[error(transparent)]
    System(#[from] SystemError),
    /// Writing to standard output failed.
    #[error("cannot write to standard output: {}", reason(.0))]
    Output(#[source] io::Error),
    /// More logs than one command can show.
    #[error("cannot show {asked} logs at once; name at most {most} of them")]
    TooManyLogs {
        /// How many the user named.
        asked: usize,
        /// The most that one command can show.
        most: usize,
    },
}

impl Error {
    /// Mistakes in the input, at least one.
    pub(crate) fn input(mistakes: Vec<Mistake>) -> Self {
        Self::Source(SourceError(mistakes))
    }

    /// The signal that ended the run, if one did.
    pub(crate) fn signal(&self) -> Option<Signal> {
        match self {
            Self::Manager(error) | Self::Boot(BootError::Manager(error)) => error.signal(),
            Self::Tree(TreeError::Disk(DiskError::Wait(error)))
            | Self::Volume(VolumeError::Wait(error))
            | Self::Boot(BootError::Volume(VolumeError::Wait(error))) => WaitError::signal(error),
            _ => None,
        }
    }

    /// Whether the user has to change the command or an input (exit code 2).
    pub(crate) fn is_usage(&self) -> bool {
        match self {
            Self::Source(_)
            | Self::TooManyLogs { .. }
            | Self::Tree(TreeError::Target(_))
            | Self::Manager(ManagerError::GatewaysOnly { .. } | ManagerError::NoList(_)) => true,
            Self::Manager(ManagerError::S6(error)) | Self::Boot(BootError::Manager(ManagerError::S6(error))) => {
                error.is_usage()
            }
            Self::Volume(error) | Self::Boot(BootError::Volume(error)) => error.is_usage(),
            _ => false,
        }
    }

    /// Whether a service that was named is absent (exit code 4).
    pub(crate) fn is_absence(&self) -> bool {
        match self {
            Self::Manager(ManagerError::S6(error)) | Self::Boot(BootError::Manager(ManagerError::S6(error))) => {
                error.is_absence()
            }
            _ => false,
        }
    }

    /// Whether the operating system denied something to this user.
    pub(crate) fn is_refusal(&self) -> bool {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(self);
        while let Some(error) = cause {
            if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::PermissionDenied) {
                return true;
            }
            cause = error.source();
        }
        false
    }

    /// Whether a wait ended at its time limit.
    pub(crate) fn is_timeout(&self) -> bool {
        let (Self::Manager(ManagerError::S6(S6Error::Wait(wait)))
        | Self::Boot(
            BootError::Manager(ManagerError::S6(S6Error::Wait(wait))) | BootError::Volume(VolumeError::Wait(wait)),
        )
        | Self::Tree(TreeError::Disk(DiskError::Wait(wait)))
        | Self::Volume(VolumeError::Wait(wait))) = self
        else {
            return false;
        };
        matches!(wait, WaitError::Timeout { .. })
    }

    /// The exit code of a program that ends with this error: that of the signal that ended it, else of wrong usage, else of an absent service,
    /// else of a failure.
    pub(crate) fn exit(&self) -> Exit {
        match self.signal() {
            Some(signal) => Exit::Signal(signal),
            None if self.is_usage() => Exit::Usage,
            None if self.is_absence() => Exit::Absent,
            None => Exit::Failed,
        }
    }
}

impl From<S6Error> for Error {
    fn from(error: S6Error) -> Self {
        Self::Manager(error.into())
    }
}
