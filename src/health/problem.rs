//! What can be wrong with a service, and the words for it.

use std::net::SocketAddr;

use camino::Utf8PathBuf;
use thiserror::Error;

use super::http::Silence;
use crate::s6::{Ended, LiveService, S6Error};
use crate::spec::ServiceName;

/// A service that is not well.
#[derive(Debug)]
pub(crate) struct Ill {
    /// The service; `None` if the problem is with what supervises all services.
    pub(crate) service: Option<ServiceName>,
    /// What is wrong with it.
    pub(crate) problem: Problem,
}

impl Ill {
    /// The subject of a sentence about the problem.
    pub(crate) fn who(&self) -> String {
        match (&self.service, &self.problem) {
            (Some(service), _) => service.to_string(),
            (None, Problem::Booting) => "the container".to_owned(),
            (None, _) => "s6-svscan".to_owned(),
        }
    }

    pub(super) fn of(service: &LiveService, problem: Problem) -> Self {
        Self { service: Some(service.name().clone()), problem }
    }
}

/// A problem of a service, as the rest of a sentence about it.
#[derive(Debug, Error)]
pub(crate) enum Problem {
    /// No s6-svscan watches the scandir.
    #[error("does not watch {0}")]
    NotWatched(Utf8PathBuf),
    /// Its hooks have not ended, or its services are not started yet.
    #[error("is still booting")]
    Booting,
    /// The service does not exist. The person may have meant this one.
    #[error("is not there{}", .0.as_ref().map(|near| format!("; did you mean {}?", near.word())).unwrap_or_default())]
    Missing(Option<ServiceName>),
    /// Its supervisor does not run.
    #[error("has no supervisor")]
    NoSupervisor,
    /// The supervisor of its logger does not run.
    #[error("has no supervisor for its logger")]
    NoLogger,
    /// This user may not know.
    #[error("is hidden from this user; ask as root")]
    Hidden,
    /// The check itself failed.
    #[error("cannot be checked: {0}")]
    Untold(String),
    /// It has ended, and starts again.
    #[error("is down, but should be up{}", after(*.0))]
    Restarting(Option<Ended>),
    /// It has ended, and stays down.
    #[error("has failed and stays down{}", after(*.0))]
    Failed(Option<Ended>),
    /// It may still end.
    #[error("has been up for only {seconds} s")]
    Starting {
        /// How long, in seconds.
        seconds: u64,
    },
    /// It dies again and again.
    #[error("died {deaths} times within {seconds} s")]
    Loop {
        /// How many times.
        deaths: usize,
        /// Within how many seconds.
        seconds: u64,
    },
    /// An operator has paused it.
    #[error("is paused")]
    Paused,
    /// Its logger is down.
    #[error("is up, but its logger is down")]
    Unheard,
    /// It does not answer HTTP on its port.
    #[error("does not answer at {0}: {1}")]
    Silent(SocketAddr, Silence),
}

impl Problem {
    /// The problem that a service cannot be checked.
    pub(super) fn untold(error: S6Error) -> Self {
        match error {
            S6Error::NotSupervised(_) => Self::NoSupervisor,
            error if error.is_refusal() => Self::Hidden,
            error => Self::Untold(error.to_string()),
        }
    }
}

/// How a service ended, after the words about its state.
fn after(last: Option<Ended>) -> String {
    last.map(|last| format!("; it ended with {last}")).unwrap_or_default()
}
