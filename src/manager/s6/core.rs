//! A scandir with the programs of s6, and the time limit for what happens in it.

use std::cell::RefCell;
use std::time::Duration;

use camino::Utf8Path;

use crate::base::{Interrupted, Observer, Patience};
use crate::s6::{LiveService, Programs, S6Error, Scandir};
use crate::spec::ServiceName;

/// How long something may take that should happen at once, in addition to the time limit of a stop.
pub(super) const GRACE: Duration = Duration::from_secs(5);

/// Services in a scandir. While it writes there, the umask of the whole process is 0.
pub struct S6Manager<'a> {
    pub(super) scandir: Scandir,
    pub(super) programs: Programs,
    /// How long to wait for a state.
    pub(super) timeout: Duration,
    /// The group that may control the gateways that this registers, besides root. Nobody else ever controls the watch, which belongs to root.
    pub(super) control_group: Option<String>,
    /// Learns what this waits for, once the wait takes a second, and the progress of an installation.
    pub(super) observer: RefCell<Box<dyn Observer + 'a>>,
}

impl<'a> S6Manager<'a> {
    /// The services in this scandir, controlled by the programs of s6 in this directory. `timeout` limits each wait for a state.
    ///
    /// # Errors
    /// If one of the directories does not exist, or, for root, if another user can change the scandir.
    pub fn new(scandir: &Utf8Path, programs: &Utf8Path, timeout: Duration) -> Result<Self, S6Error> {
        let (scandir, programs) = (Scandir::open(scandir)?.trusted()?, Programs::new(programs)?);
        Ok(Self { scandir, programs, timeout, control_group: None, observer: RefCell::new(Box::new(())) })
    }

    /// Lets the members of this group (a name, or `:GID`) control the gateways that are registered from now on. They cannot change them.
    #[must_use]
    pub fn control_group(mut self, group: Option<String>) -> Self {
        self.control_group = group;
        self
    }

    /// Sets the observer. It learns what this waits for, once the wait takes a second, and the progress of an installation.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer + 'a) -> Self {
        self.observer = RefCell::new(Box::new(observer));
        self
    }

    /// The scandir.
    pub fn scandir(&self) -> &Scandir {
        &self.scandir
    }

    /// The programs of s6.
    pub fn programs(&self) -> &Programs {
        &self.programs
    }

    /// How long to wait for a state.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(super) fn patience(&self, limit: Duration) -> Patience<'_, 'a> {
        Patience { limit, observer: &self.observer, interrupted: Some(Interrupted::TakenBack) }
    }

    /// As [`Self::patience`], for a command that s6 has got and carries on with.
    pub(super) fn telling(&self, limit: Duration) -> Patience<'_, 'a> {
        Patience { interrupted: Some(Interrupted::Told), ..self.patience(limit) }
    }

    /// How long a stop may take: its `timeout-kill` plus a grace period, but at least the timeout.
    pub(super) fn stop_limit(&self, service: &LiveService) -> Duration {
        service.timeout_kill().map_or(self.timeout, |kill| self.timeout.max(kill + GRACE))
    }

    pub(super) fn service(&self, name: &ServiceName) -> LiveService {
        LiveService::new(name.clone(), self.scandir.path().join(name.directory()))
    }
}
