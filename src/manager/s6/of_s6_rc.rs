//! Services that s6-rc runs: what is done with them goes through s6-rc, so that what it takes for true stays true.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::core::S6Manager;
use crate::disk;
use crate::s6::{Live, LiveService, OfS6Rc, S6Error, To};
use crate::spec::ServiceName;

/// What of s6-overlay's own has started the services of /etc/services.d. It is after the bundle `user`, and stops them all.
const LEGACY: &str = "legacy-services";

/// Where it has them.
const LEGACY_DIRECTORY: &str = "/run/s6/legacy-services";

/// Services by the live directory of s6-rc that they are in.
type ByLive<'s> = BTreeMap<&'s Live, Vec<&'s LiveService>>;

impl S6Manager<'_> {
    /// Whether s6-rc has to be told that a service is to be down: it takes it for up.
    pub(super) fn is_up_for_s6_rc(service: &LiveService) -> bool {
        service.is_of_s6_rc() && !service.has_down()
    }

    /// Starts a service that s6-rc runs, with all that it is after.
    ///
    /// # Errors
    /// If one of these does not come up in time.
    pub(super) fn start_by_s6_rc(&self, service: &LiveService, live: &Live) -> Result<(), S6Error> {
        service.trusted()?;
        // What s6-rc takes for up it does not look at again: one that has given up since.
        let taken_for_up = !service.has_down();
        live.change(&self.programs, To::Up, &names(&[service]), self.telling(self.timeout))?;
        if taken_for_up && !service.status(&self.programs)?.wanted_up {
            service.control(&self.programs, "-u")?;
        }
        Ok(())
    }

    /// Stops services that s6-rc runs and takes for up, all at once, with all that is after them.
    ///
    /// # Errors
    /// If one of these does not go down within this time.
    pub(super) fn stop_by_s6_rc(&self, services: &[&LiveService], limit: Duration) -> Result<(), S6Error> {
        let mut all = ByLive::new();
        for service in services {
            service.trusted()?;
            if let Some(of) = service.of_s6_rc() {
                all.entry(&of.live).or_default().push(service);
            }
        }
        for (live, services) in all {
            if self.stops_more(live, &services)? {
                // The next start is told to their supervisors, too.
                services.iter().try_for_each(|service| service.control(&self.programs, "-d"))?;
            } else {
                live.change(&self.programs, To::Down, &names(&services), self.telling(limit))?;
            }
        }
        Ok(())
    }

    /// Whether s6-rc would stop with these what has nothing to do with them; it says so, or what else stops.
    fn stops_more(&self, live: &Live, services: &[&LiveService]) -> Result<bool, S6Error> {
        let own = names(services);
        let up = live.up(&self.programs)?;
        let all = live.with_dependents(&self.programs, &own)?;
        let these: Vec<String> = services.iter().map(|service| service.name().to_string()).collect();
        let these = these.join(", ");
        if all.contains(LEGACY) && up.contains(LEGACY) {
            // Its link may be gone, and what is not there starts with nobody.
            let started = disk::names(LEGACY_DIRECTORY.as_ref()).is_ok_and(|names| !names.is_empty());
            let after = live.with_dependents(&self.programs, &BTreeSet::from([LEGACY.to_owned()]))?;
            if started || after.intersection(&up).any(|name| name != LEGACY) {
                let what = format!(
                    "s6-rc would stop what is in /etc/services.d with {these}, so it is not told; gatewayctl start brings it back"
                );
                self.observer.borrow_mut().warning(&what);
                return Ok(true);
            }
        }
        let is_logger = |name: &str| OfS6Rc::of(&self.scandir.path().join(name)).is_some_and(|of| of.is_logger);
        let others = all.intersection(&up).filter(|name| !own.contains(*name) && *name != LEGACY && !is_logger(name));
        let others: Vec<String> = others
            .map(|name| ServiceName::of_directory(name).map_or_else(|| name.clone(), |service| service.to_string()))
            .collect();
        if !others.is_empty() {
            let what = format!("{} stops, too, being after {these}", others.join(", "));
            self.observer.borrow_mut().warning(&what);
        }
        Ok(false)
    }
}

/// What s6-rc calls these services.
fn names(services: &[&LiveService]) -> BTreeSet<String> {
    services.iter().map(|service| service.name().directory()).collect()
}
