//! Why a service manager did not do what it should do.

use thiserror::Error;

use super::kind::Kind;
use crate::base::Signal;
use crate::s6::S6Error;
use crate::spec::ServiceName;

/// Why a manager did not do it.
#[derive(Debug, Error)]
pub enum ManagerError {
    /// s6, or one of its programs.
    #[error(transparent)]
    S6(#[from] S6Error),
    /// The service manager of a host, or one of its programs.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The service manager cannot do this.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// The service manager manages only gateways.
    #[error("{kind} cannot manage {service}, only s6 can; name profiles only")]
    GatewaysOnly {
        /// The kind of manager.
        kind: Kind,
        /// The service that it should manage.
        service: ServiceName,
    },
    /// The service manager cannot list the gateways.
    #[error("{0} cannot list gateways, only s6 can; name profiles instead of --all")]
    NoList(Kind),
}

impl ManagerError {
    /// The signal that ended the run, if one did.
    pub(crate) fn signal(&self) -> Option<Signal> {
        match self {
            Self::S6(error) => error.signal(),
            _ => None,
        }
    }
}

/// A failure of a program of the host.
#[derive(Debug, Error)]
pub enum HostError {
    /// It cannot be called.
    #[error("cannot call {program}: {}; check that it is on PATH", crate::base::text::reason(source))]
    Call {
        /// Its name.
        program: &'static str,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// It failed.
    #[error("{call} failed with {code}: {said}; see its log for the reason")]
    Failed {
        /// The whole call.
        call: String,
        /// Its exit code, or -1 if a signal ended it.
        code: i32,
        /// What it said, on one line.
        said: String,
    },
}

/// Something that a service manager cannot do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{kind} cannot {what} a gateway at run time, only s6 can; use `hermes gateway` to install one")]
pub struct Unsupported {
    /// The kind of manager.
    pub kind: Kind,
    /// What it should do.
    pub what: &'static str,
}
