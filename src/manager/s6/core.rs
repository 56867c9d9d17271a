//! A scandir with the programs of s6, and how long what happens in it is waited for.

use std::cell::RefCell;
use std::time::Duration;

use camino::Utf8Path;

use crate::base::{Interrupted, Observer, Patience};
use crate::s6::{LiveService, Programs, S6Error, Scandir};
use crate::spec::ServiceName;

/// How long after a stop's own time limit something may take that should happen at once.
pub(super) const GRACE: Duration = Duration::from_secs(5);

/// Services in a scandir. While it writes there, the umask of the whole process is 0.
pub struct S6Manager<'a> {
    pub(super) scandir: Scandir,
    pub(super) programs: Programs,
    /// How long a state is waited for.
    pub(super) timeout: Duration,
    /// Who may control what this registers, beside root; but never the watch, which is root's.
    pub(super) control_group: Option<String>,
    /// Hears what is waited for, once that takes a second, and how far an installation is.
    pub(super) observer: RefCell<Box<dyn Observer + 'a>>,
}

impl<'a> S6Manager<'a> {
    /// The services in this scandir, by the programs of s6 in this directory. States are waited for as long as `timeout`.
    ///
    /// # Errors
    /// If either is not there, or, for root, if another user can change the scandir.
    pub fn new(scandir: &Utf8Path, programs: &Utf8Path, timeout: Duration) -> Result<Self, S6Error> {
        let (scandir, programs) = (Scandir::open(scandir)?.trusted()?, Programs::new(programs)?);
        Ok(Self { scandir, programs, timeout, control_group: None, observer: RefCell::new(Box::new(())) })
    }

    /// Lets the members of this group (a name, or `:GID`) control what is registered from now on, but not change it.
    #[must_use]
    pub fn control_group(mut self, group: Option<String>) -> Self {
        self.control_group = group;
        self
    }

    /// Has somebody told what is waited for, once that takes a second, and how far an installation is.
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

    /// How long a state is waited for.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(super) fn patience(&self, limit: Duration) -> Patience<'_, 'a> {
        Patience { limit, observer: &self.observer, interrupted: Some(Interrupted::TakenBack) }
    }

    /// As [`Self::patience`], for what s6 has been told and goes on with.
    pub(super) fn telling(&self, limit: Duration) -> Patience<'_, 'a> {
        Patience { interrupted: Some(Interrupted::Told), ..self.patience(limit) }
    }

    /// How long a stop may take: what its `timeout-kill` says, and a grace, but not less than the timeout.
    pub(super) fn stop_limit(&self, service: &LiveService) -> Duration {
        service.timeout_kill().map_or(self.timeout, |kill| self.timeout.max(kill + GRACE))
    }

    pub(super) fn service(&self, name: &ServiceName) -> LiveService {
        LiveService::new(name.clone(), self.scandir.path().join(name.directory()))
    }
}
