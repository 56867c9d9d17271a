//! What s6-supervise writes down of a service, read without a program of s6: to start one takes longer than all that is read here of a hundred
//! services.

use std::io::ErrorKind;
use std::time::{Duration, SystemTime};

use super::error::S6Error;
use super::programs::Programs;
use super::service::LiveService;
use super::status::{Death, Status};
use crate::disk::{self, Context as _};

impl LiveService {
    /// Its state as [`Self::status`] gives it; s6-svstat is asked only if its record is not understood.
    ///
    /// # Errors
    /// As [`Self::status`].
    pub(crate) fn glance(&self, programs: &Programs) -> Result<Status, S6Error> {
        self.trusted()?;
        let supervise = self.path().join("supervise");
        if !Self::listens(self.path())? {
            return Err(S6Error::NotSupervised(self.path().to_owned()));
        }
        match disk::read_bytes(&supervise.join("status")) {
            Ok(record) => Status::of_record(&record, SystemTime::now()).map_or_else(|| self.status(programs), Ok),
            // It listens a moment before it writes its first status.
            Err(error) if error.kind() == ErrorKind::NotFound => Err(S6Error::NotSupervised(self.path().to_owned())),
            Err(error) => Ok(Err(error).context("read", supervise.join("status"))?),
        }
    }

    /// The same, with the deaths that its supervisor remembers, the oldest first: since it was started, an operator's start, stop or restart, or the
    /// last 100.
    ///
    /// # Errors
    /// As [`Self::status`].
    pub(crate) fn look(&self, programs: &Programs) -> Result<(Status, Vec<Death>), S6Error> {
        let status = self.glance(programs)?;
        let path = self.path().join("supervise/death_tally");
        let records = match disk::read_bytes(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            records => records.context("read", &path)?,
        };
        let deaths = Death::of_records(&records).ok_or_else(|| std::io::Error::other("it is no record of deaths"));
        Ok((status, deaths.context("read", &path)?))
    }

    /// Has it end, for this reason, which its finish script says in its log: TERM, as its supervisor sends it for a restart.
    ///
    /// # Errors
    /// If the reason cannot be written, or it cannot be told; it goes on then.
    pub(crate) fn end_for(&self, why: &str, programs: &Programs) -> Result<(), S6Error> {
        self.trusted()?;
        let path = self.path().join(disk::WHY);
        disk::write_small(&path, &format!("{why}\n")).context("write", &path)?;
        // One that somebody has paused by hand goes on first, or it would not see the signal.
        self.control(programs, "-rc")
    }

    /// For how long it may be up and not answer before the watchdog restarts it, if that is to look after it.
    pub(crate) fn watchdog(&self) -> Option<Duration> {
        let text = disk::read_small(&self.path().join("data/watchdog")).ok()?;
        text.trim_end().parse().ok().filter(|&seconds| seconds > 0).map(Duration::from_secs)
    }
}
