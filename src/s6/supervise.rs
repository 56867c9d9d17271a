//! What s6-supervise records about a service, read without a program of s6. The start of one program takes longer than to read these records of a
//! hundred services.

use std::io::ErrorKind;
use std::time::{Duration, SystemTime};

use super::death::Death;
use super::error::S6Error;
use super::programs::Programs;
use super::service::LiveService;
use super::status::Status;
use crate::disk::{self, Context as _};

impl LiveService {
    /// Its state, as [`Self::status`] returns it. s6-svstat is asked only if the record is not understood.
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
            // s6-supervise listens a moment before it writes its first status.
            Err(error) if error.kind() == ErrorKind::NotFound => Err(S6Error::NotSupervised(self.path().to_owned())),
            Err(error) => Ok(Err(error).context("read", supervise.join("status"))?),
        }
    }

    /// The same, with the deaths that its supervisor remembers, the oldest first: those since it started, or since an operator's start, stop or
    /// restart, but only the last 100.
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
        let deaths = Death::of_records(&records).ok_or_else(|| std::io::Error::other("it is not a record of deaths"));
        Ok((status, deaths.context("read", &path)?))
    }

    /// Makes it end, for this reason, which its finish script writes to its log. It gets TERM, as for a restart by its supervisor.
    ///
    /// # Errors
    /// If the reason cannot be written, or if the supervisor cannot be told. Then the service runs on.
    pub(crate) fn end_for(&self, why: &str, programs: &Programs) -> Result<(), S6Error> {
        self.trusted()?;
        let path = self.path().join(disk::WHY);
        disk::write_small(&path, &format!("{why}\n")).context("write", &path)?;
        // A paused process must continue first, or it would not see the signal.
        self.control(programs, "-rc")
    }

    /// How many deaths within what time leave it down, according to its finish script.
    pub(crate) fn crash_budget(&self) -> Option<(usize, Duration)> {
        let text = disk::read_small(&self.path().join("finish")).ok()?;
        crash_budget(&text)
    }

    /// How long it may be up without an answer before the watchdog restarts it; `None` if the watchdog does not look after it.
    pub(crate) fn watchdog(&self) -> Option<Duration> {
        let text = disk::read_small(&self.path().join("data/watchdog")).ok()?;
        text.trim_end().parse().ok().filter(|&seconds| seconds > 0).map(Duration::from_secs)
    }
}

/// The crash budget in a finish script. The line that slows down repeated restarts has a similar form, but stands behind an `if`, so it does not
/// count.
fn crash_budget(finish: &str) -> Option<(usize, Duration)> {
    let line = finish.lines().rev().find_map(|line| {
        let line = line.strip_prefix("exec ").unwrap_or(line);
        line.strip_prefix("s6-permafailon ")
    })?;
    let mut words = line.split(' ');
    let seconds = words.next()?.parse().ok()?;
    Some((words.next()?.parse().ok()?, Duration::from_secs(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::render_service;
    use crate::spec::options::{Key, Options};
    use crate::spec::{Dashboard, Gateway};

    #[test]
    fn the_crash_budget_that_was_rendered() {
        let finish = |options: &[(Key, &str)], service: fn(Options) -> crate::spec::Service| {
            let mut own = Options::default();
            for (key, text) in options {
                own.set(*key, text).unwrap();
            }
            let directory = render_service(&service(own));
            directory.files().iter().find(|file| file.path == "finish").unwrap().content.clone()
        };
        let gateway = |own| Gateway::resolve(vec![("coder".parse().unwrap(), own)]).unwrap().remove(0).into();
        let budget = |deaths, seconds| Some((deaths, Duration::from_secs(seconds)));
        assert_eq!(crash_budget(&finish(&[], gateway)), budget(10, 300));
        let own = [(Key::CrashBudget, "3/60"), (Key::Watchdog, "10")];
        assert_eq!(crash_budget(&finish(&own, gateway)), budget(3, 60));
        assert_eq!(crash_budget(&finish(&[(Key::CrashBudget, "off")], gateway)), None);
        let dashboard = |own| Dashboard::new(own).unwrap().into();
        assert_eq!(crash_budget(&finish(&own[..1], dashboard)), budget(3, 60));
        assert_eq!(crash_budget("exec s6-permafailon x 3 1 true\n"), None);
    }
}
