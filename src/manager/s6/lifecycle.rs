//! Starts, stops and restarts services that exist.

use std::collections::BTreeSet;
use std::time::Instant;

use super::core::{GRACE, S6Manager};
use crate::base::WaitError;
use crate::s6::{LiveService, S6Error, Status};
use crate::spec::ServiceName;

/// A service that has been told to restart.
#[derive(Debug)]
pub(crate) struct Restarting {
    service: LiveService,
    /// The process that has to end, if there was one.
    before: Option<u32>,
    /// Its deaths before the restart.
    tally: String,
    told: Instant,
}

impl S6Manager<'_> {
    /// Starts a service, and waits until it runs.
    ///
    /// # Errors
    /// If it does not exist, if it is not supervised, or if it does not come up.
    pub fn start_service(&self, name: &ServiceName) -> Result<(), S6Error> {
        let service = self.scandir.service(name)?;
        if !service.status(&self.programs)?.up {
            service.forgive(&self.programs)?;
        }
        let tally = service.tally(&self.programs)?;
        self.wake_logger(&service)?;
        self.begin(&service, "-U")?;
        self.comes_up(&service, None, &tally)
    }

    /// Starts the logger of a service if it has given up because it could not log. Nobody else would start it, and the output of the service would be
    /// lost.
    fn wake_logger(&self, service: &LiveService) -> Result<(), S6Error> {
        let Some(log) = service.logger().map(|log| LiveService::anonymous(&log)) else { return Ok(()) };
        match log.status(&self.programs) {
            // A logger that is down for s6-rc is started by s6-rc.
            Ok(status) if !status.wanted_up && (!service.is_of_s6_rc() || !log.has_down()) => {
                log.control(&self.programs, "-u")
            }
            Ok(_) | Err(S6Error::NotSupervised(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Tells a service to start. s6-rc gets the command if it runs the service. Otherwise the supervisor gets this command of s6-svc.
    fn begin(&self, service: &LiveService, command: &str) -> Result<(), S6Error> {
        match service.of_s6_rc() {
            Some(of) => self.start_by_s6_rc(service, &of.live),
            None => service.control(&self.programs, command),
        }
    }

    /// Whether a service runs; `false` if it does not exist, or is not supervised.
    pub(crate) fn is_up(&self, name: &ServiceName) -> bool {
        let service = self.scandir.service(name).ok();
        service.and_then(|service| service.status(&self.programs).ok()).is_some_and(|status| status.up)
    }

    /// Restarts a service if it runs, and starts it if it does not.
    ///
    /// # Errors
    /// As [`Self::start_service`].
    pub fn restart_service(&self, name: &ServiceName) -> Result<(), S6Error> {
        let restarting = self.begin_to_restart(name)?;
        self.comes_back(&restarting)
    }

    /// Tells a service to restart. [`Self::comes_back`] waits for it, so many services can restart at once.
    ///
    /// # Errors
    /// If it does not exist, if it is not supervised, or if it cannot be told.
    pub(crate) fn begin_to_restart(&self, name: &ServiceName) -> Result<Restarting, S6Error> {
        let service = self.scandir.service(name)?;
        let before = service.status(&self.programs)?;
        service.forgive(&self.programs)?;
        let tally = service.tally(&self.programs)?;
        self.wake_logger(&service)?;
        if before.up {
            // For s6-rc, the service is up before and after. A paused service continues first, as with `-d`, or it would not see the signal.
            service.control(&self.programs, "-rc")?;
        } else {
            self.begin(&service, "-u")?;
        }
        Ok(Restarting { service, before: before.pid, tally, told: Instant::now() })
    }

    /// Waits until a service that has been told to restart is up again.
    ///
    /// # Errors
    /// As [`Self::start_service`].
    pub(crate) fn comes_back(&self, restarting: &Restarting) -> Result<(), S6Error> {
        let Restarting { service, before, tally, told } = restarting;
        if before.is_some() {
            // In s6 2.11, `-r` has no time limit: timeout-kill works only for `-d`.
            let limit = service.timeout_kill().unwrap_or(self.timeout).saturating_sub(told.elapsed());
            let what = format!("{} to end", service.name());
            let ended = || service.status(&self.programs).map(|now| (now.pid != *before).then_some(()));
            if self.telling(limit).until(&what, ended)?.is_none() {
                service.control(&self.programs, "-k")?;
            }
        }
        self.comes_up(service, *before, tally)
    }

    /// Stops a service. With `persist`, it also stays down when its supervisor starts again.
    ///
    /// # Errors
    /// If it does not exist, if it is not supervised, or if it does not go down.
    pub fn stop_service(&self, name: &ServiceName, persist: bool) -> Result<(), S6Error> {
        let service = self.scandir.service(name)?;
        if Self::is_up_for_s6_rc(&service) {
            self.stop_by_s6_rc(&[&service], self.stop_limit(&service))?;
        } else {
            self.tell_to_stop(&service, persist)?;
        }
        self.goes_down(name)
    }

    /// Tells services to stop, so that many go down at once. Returns those that could be told, for [`Self::goes_down`] to wait for. For the others,
    /// [`Self::stop_service`] returns the error.
    pub fn begin_to_stop(&self, services: &[ServiceName], persist: bool) -> BTreeSet<ServiceName> {
        let services: BTreeSet<&ServiceName> = services.iter().collect();
        let found: Vec<LiveService> = services.into_iter().filter_map(|name| self.scandir.service(name).ok()).collect();
        let (of_s6_rc, others): (Vec<_>, Vec<_>) = found.iter().partition(|service| Self::is_up_for_s6_rc(service));
        let told = others.into_iter().filter(|service| self.tell_to_stop(service, persist).is_ok());
        let mut told: BTreeSet<ServiceName> = told.map(|service| service.name().clone()).collect();
        let limit = of_s6_rc.iter().map(|service| self.stop_limit(service)).max().unwrap_or_default();
        if !of_s6_rc.is_empty() && self.stop_by_s6_rc(&of_s6_rc, limit).is_ok() {
            told.extend(of_s6_rc.into_iter().map(|service| service.name().clone()));
        }
        told
    }

    /// A service that is already stopping is not told again. Many programs end at once at a second SIGTERM.
    fn tell_to_stop(&self, service: &LiveService, persist: bool) -> Result<(), S6Error> {
        let before = service.status(&self.programs)?;
        if before.wanted_up || persist && !service.has_down() {
            service.control(&self.programs, down(persist))?;
        }
        // An operator who stops a failed service has taken note of the failure. From now on, the service counts as stopped.
        if before.up || before.wanted_up { Ok(()) } else { service.forgive(&self.programs) }
    }

    /// Waits until a service that was told to stop is down and its finish script has ended. Stops waiting if another run has taken the service out,
    /// because that run handles its end.
    ///
    /// # Errors
    /// As [`Self::stop_service`].
    pub fn goes_down(&self, name: &ServiceName) -> Result<(), S6Error> {
        use S6Error::{NoGateway, NoService, NotSupervised};
        match self.scandir.service(name).and_then(|service| self.wait_until_down(&service)) {
            Err(NoGateway { .. } | NoService { .. } | NotSupervised(_)) if !self.scandir.has(name) => Ok(()),
            result => result,
        }
    }

    fn wait_until_down(&self, service: &LiveService) -> Result<(), S6Error> {
        let limit = self.stop_limit(service);
        let wait = |limit| {
            let down = |status: &Status| !status.up && !status.wanted_up;
            service.wait(&self.programs, self.telling(limit), "to go down", down).map(drop)
        };
        wait(limit).or_else(|error| match error {
            S6Error::Wait(WaitError::Timeout { what, .. }) => {
                // `s6-svc -o` also leaves a gateway in a state in which it does not come up again. Such a gateway only looked as if it had been told.
                service.control(&self.programs, "-d")?;
                wait(GRACE).map_err(|error| match error {
                    S6Error::Wait(WaitError::Timeout { .. }) => {
                        WaitError::Timeout { what, seconds: (limit + GRACE).as_secs() }.into()
                    }
                    error => error,
                })
            }
            error => Err(error),
        })?;
        // s6-supervise kills a finish script after five seconds. The service is down anyway.
        let what = format!("the finish script of {} to end", service.name());
        self.telling(GRACE).until(&what, || service.is_at_rest(&self.programs).map(|rests| rests.then_some(())))?;
        // Without a finish script of gen-service, the tally keeps the end that was asked for, and the service would look as if it had failed.
        let (_, deaths) = service.look(&self.programs)?;
        if deaths.is_empty() { Ok(()) } else { service.forgive(&self.programs) }
    }

    /// Waits until the service is up, with another process than `before`. It has given up if it does not come up again and its supervisor remembers
    /// other deaths than those of `tally`.
    fn comes_up(&self, service: &LiveService, before: Option<u32>, tally: &str) -> Result<(), S6Error> {
        let what = format!("{} to come up", service.name());
        let answer = self.telling(self.timeout).until(&what, || {
            let status = service.status(&self.programs)?;
            if status.up && status.pid != before {
                return Ok(Some(Ok(())));
            }
            let gave_up = !status.up && !status.wanted_up && service.tally(&self.programs)? != tally;
            Ok::<_, S6Error>(gave_up.then_some(Err(status.last)))
        })?;
        match answer {
            Some(Ok(())) => Ok(()),
            Some(Err(last)) => Err(S6Error::GaveUp { service: service.name().clone(), last }),
            None => Err(WaitError::Timeout { what, seconds: self.timeout.as_secs() }.into()),
        }
    }
}

/// The command of s6-svc that brings a service down. With `persist`, it also stays down when its supervisor starts again.
fn down(persist: bool) -> &'static str {
    if persist { "-D" } else { "-d" }
}
