//! Services go: they leave the scandir at once, then they are brought down, then deleted.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use camino::Utf8PathBuf;

use super::core::{GRACE, S6Manager};
use crate::base::{Interrupted, Patience, WaitError};
use crate::s6::{Abandoned, Leaving, LiveService, S6Error};
use crate::spec::ServiceName;

/// How long a logger may run without the supervisor of its service before it is told to end.
const LONELY: Duration = Duration::from_secs(1);

impl<'a> S6Manager<'a> {
    /// Takes several services out. If one cannot be taken out, the others still are. `false` for a service that does not exist and has no supervisor
    /// either. An error that concerns all of them is returned once.
    pub fn unregister_services(&self, services: &[&ServiceName]) -> Vec<Result<bool, S6Error>> {
        let mut ghosts = BTreeSet::new();
        let mut ready = || -> Result<(), S6Error> {
            let own = |link: &Utf8PathBuf| services.iter().any(|name| link == self.service(name).path());
            if self.scandir.is_live()?
                && let Some(link) = self.scandir.dangling()?.filter(|link| !own(link))
            {
                return Err(S6Error::Dangling(link));
            }
            if services.iter().any(|name| !self.scandir.has(name)) {
                ghosts = self.lay_ghosts()?;
                for name in &ghosts {
                    let what = "somebody removed it while its supervisors ran; gatewayctl ends them now";
                    self.observer.borrow_mut().warning(&format!("service directory {name}: {what}"));
                }
            }
            self.clear_up()
        };
        if let Err(error) = ready() {
            return vec![Err(error)];
        }
        let mut results = self.take_out(services, self.patience(self.timeout));
        for (name, result) in services.iter().zip(&mut results) {
            if matches!(result, Ok(false)) && ghosts.contains(&name.directory()) {
                *result = Ok(true);
            }
        }
        results
    }

    /// Takes out what this run registered, even after a signal.
    ///
    /// # Errors
    /// If one does not go down.
    pub fn withdraw(&self, services: &[&ServiceName]) -> Result<(), S6Error> {
        if services.is_empty() {
            return Ok(());
        }
        let patience = Patience { interrupted: None, ..self.patience(self.timeout) };
        self.take_out(services, patience).into_iter().collect::<Result<Vec<bool>, S6Error>>().map(drop)
    }

    /// Takes these services out, all at once; `false` for one that does not exist.
    fn take_out(&self, services: &[&ServiceName], patience: Patience<'_, 'a>) -> Vec<Result<bool, S6Error>> {
        let mut results: Vec<Result<bool, S6Error>> = Vec::with_capacity(services.len());
        let mut leaving = Vec::new();
        match Leaving::take(&self.scandir, services, patience) {
            Ok(taken) => {
                for (index, taken) in taken.into_iter().enumerate() {
                    results.push(match taken {
                        Ok(Some(one)) => {
                            leaving.push((index, one));
                            Ok(true)
                        }
                        Ok(None) => Ok(false),
                        Err(error) => Err(error),
                    });
                }
            }
            Err(error) => return vec![Err(error)],
        }
        if leaving.is_empty() {
            return results;
        }
        let (indices, leaving): (Vec<usize>, Vec<Leaving>) = leaving.into_iter().unzip();
        match self.see_off(leaving, patience) {
            Ok(seen) => {
                for (index, (leaving, result)) in indices.into_iter().zip(seen) {
                    if let Err(error) = result.and_then(|()| leaving.delete()) {
                        results[index] = Err(error);
                    }
                }
            }
            Err(error) => results[indices[0]] = Err(error),
        }
        results
    }

    /// Ends the supervisors whose service directory somebody removed while they ran. Returns the names of the directories.
    ///
    /// # Errors
    /// If s6-svscan cannot be told, or a signal comes.
    pub(crate) fn lay_ghosts(&self) -> Result<BTreeSet<String>, S6Error> {
        self.scandir.lay_ghosts(&self.programs, self.telling(self.timeout))
    }

    /// Finishes what killed runs left. A service that does not end causes one warning, and stops nothing.
    pub(super) fn clear_up(&self) -> Result<(), S6Error> {
        let patience = self.patience(self.timeout);
        let Abandoned { gone, stuck } = Leaving::abandoned(&self.scandir, patience)?;
        for leaving in stuck {
            if matches!(LiveService::anonymous(&leaving.path).supervisors(), Ok((0, _))) {
                // If it could not be removed, an earlier run has said so already.
                let _ = leaving.delete();
            }
        }
        if gone.is_empty() {
            return Ok(());
        }
        for (leaving, result) in self.see_off(gone, patience)? {
            match result.and_then(|()| leaving.delete()) {
                Ok(()) => {}
                Err(error) if error.signal().is_some() => return Err(error),
                Err(error) => {
                    self.observer.borrow_mut().warning(&format!("{error}; later runs do not wait for it"));
                    leaving.give_up(&self.scandir)?;
                }
            }
        }
        Ok(())
    }

    /// Brings services that have left the scandir down, all at once, and waits until their supervisors are gone, but no longer than the longest of
    /// their own limits. Returns each with its result. A service whose supervisors are gone has to be deleted.
    ///
    /// A live s6-svscan does all of this (`-an`): it makes the supervisor stop the service and exit, and closes the pipe to the logger after that, so
    /// no line is lost. Then nothing is sent to the supervisor itself. If the supervisor were gone before s6-svscan has looked, nobody would tell the
    /// logger.
    fn see_off(&self, leaving: Vec<Leaving>, patience: Patience<'_, 'a>) -> Result<Vec<Seen>, S6Error> {
        let mut all: Vec<Departure> = leaving.iter().map(Departure::new).collect();
        if self.scandir.is_live()? {
            self.scandir.rescan(&self.programs, true)?;
        } else {
            for one in &all {
                // No process holds the pipe any more, so the logger ends when it has read the rest of it.
                self.tell(&one.service, "-xd")?;
                self.tell(&one.log, "-x")?;
            }
        }
        let limit = all.iter().map(|one| self.stop_limit(&one.service)).max().unwrap_or(self.timeout);
        let left = patience.interrupted.map(|_| Interrupted::Leaving);
        let patience = Patience { limit, interrupted: left, ..patience };
        let mut ended = self.wait_for(&mut all, patience);
        if matches!(ended, Ok(false)) {
            for one in all.iter().filter(|one| one.result.is_none()) {
                self.tell(&one.service, "-k")?;
            }
            ended = self.wait_for(&mut all, Patience { limit: GRACE, ..patience });
        }
        let seconds = (limit + GRACE).as_secs();
        let mut failure = ended.err();
        let results: Vec<Result<(), S6Error>> = all
            .into_iter()
            .zip(&leaving)
            .map(|(one, leaving)| {
                let in_vain = || WaitError::Timeout { what: what_of(leaving), seconds }.into();
                one.result.unwrap_or_else(|| Err(failure.take().unwrap_or_else(in_vain)))
            })
            .collect();
        Ok(leaving.into_iter().zip(results).collect())
    }

    /// Waits until the supervisors of all of these are gone, or until it is known why they stay.
    fn wait_for(&self, all: &mut [Departure], patience: Patience<'_, 'a>) -> Result<bool, S6Error> {
        let open = |all: &[Departure]| all.iter().filter(|one| one.result.is_none()).count();
        let what = all.iter().find(|one| one.result.is_none()).map(|one| one.what.clone()).unwrap_or_default();
        let more = open(all).saturating_sub(1);
        let what = if more > 0 { format!("{what} and {more} more") } else { what };
        let answer = patience.until(
            &format!("{what} and {} to end", if more > 0 { "their loggers" } else { "its logger" }),
            || {
                for one in all.iter_mut().filter(|one| one.result.is_none()) {
                    one.result = self.has_gone(one).transpose();
                }
                Ok::<_, S6Error>((open(all) == 0).then_some(()))
            },
        )?;
        Ok(answer.is_some())
    }

    /// Whether the supervisors of a service are gone. A logger that is left alone is told to end.
    fn has_gone(&self, one: &mut Departure) -> Result<Option<()>, S6Error> {
        let (running, _) = one.service.supervisors()?;
        if running > 0 && !one.service.is_running()? {
            // This logger lost the supervisor of its service earlier. It has read everything, and nobody else ends it.
            let since = *one.alone_since.get_or_insert_with(Instant::now);
            if since.elapsed() > LONELY {
                self.tell(&one.log, "-xd")?;
            }
        }
        Ok((running == 0).then_some(()))
    }

    /// Sends commands to a supervisor that may be gone.
    fn tell(&self, service: &LiveService, commands: &str) -> Result<(), S6Error> {
        match service.control(&self.programs, commands) {
            // Files that another user owns are not used to talk to a supervisor. A live s6-svscan ends it without them.
            Err(S6Error::NotSupervised(_) | S6Error::Foreign(_)) => Ok(()),
            result => result,
        }
    }
}

/// A service that left, and whether it has ended.
type Seen = (Leaving, Result<(), S6Error>);

/// A service on its way out, while it is waited for.
struct Departure {
    what: String,
    service: LiveService,
    log: LiveService,
    alone_since: Option<Instant>,
    /// Its result, once it is known.
    result: Option<Result<(), S6Error>>,
}

impl Departure {
    fn new(leaving: &Leaving) -> Self {
        Self {
            what: leaving.name.clone(),
            service: LiveService::anonymous(&leaving.path),
            log: LiveService::anonymous(&leaving.path.join("log")),
            alone_since: None,
            result: None,
        }
    }
}

fn what_of(leaving: &Leaving) -> String {
    format!("{} and its logger to end", leaving.name)
}
