//! Services that s6-rc runs. Every change to them goes through s6-rc, so that its state stays true.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::core::S6Manager;
use crate::disk;
use crate::s6::{Live, LiveService, OfS6Rc, S6Error, To};
use crate::spec::ServiceName;

/// The service of s6-overlay that starts the services of /etc/services.d. It depends on the bundle `user`, and stops all of them.
const LEGACY: &str = "legacy-services";

/// The directory of these services.
const LEGACY_DIRECTORY: &str = "/run/s6/legacy-services";

/// Services, sorted by the live directory of s6-rc that holds them.
type ByLive<'s> = BTreeMap<&'s Live, Vec<&'s LiveService>>;

impl S6Manager<'_> {
    /// Whether s6-rc has to know that a service goes down, because it believes that the service is up.
    pub(super) fn is_up_for_s6_rc(service: &LiveService) -> bool {
        service.is_of_s6_rc() && !service.has_down()
    }

    /// Starts a service that s6-rc runs, with everything that it depends on.
    ///
    /// # Errors
    /// If one of these does not come up in time.
    pub(super) fn start_by_s6_rc(&self, service: &LiveService, live: &Live) -> Result<(), S6Error> {
        service.trusted()?;
        // If s6-rc believes that a service is up, it does not look at it again, even if the service has given up since.
        let taken_for_up = !service.has_down();
        live.change(&self.programs, To::Up, &names(&[service]), self.telling(self.timeout))?;
        if taken_for_up && !service.status(&self.programs)?.wanted_up {
            service.control(&self.programs, "-u")?;
        }
        Ok(())
    }

    /// Stops services that s6-rc runs and believes to be up, all at once, with everything that depends on them.
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
                // s6-rc still believes that they are up, so the next start goes to their supervisors as well.
                services.iter().try_for_each(|service| service.control(&self.programs, "-d"))?;
            } else {
                live.change(&self.programs, To::Down, &names(&services), self.telling(limit))?;
            }
        }
        Ok(())
    }

    /// Whether s6-rc would stop unrelated services together with these. A warning says so, or names the other services that stop.
    fn stops_more(&self, live: &Live, services: &[&LiveService]) -> Result<bool, S6Error> {
        let own = names(services);
        let up = live.up(&self.programs)?;
        let all = live.with_dependents(&self.programs, &own)?;
        let these: Vec<String> = services.iter().map(|service| service.name().to_string()).collect();
        let these = these.join(", ");
        if all.contains(LEGACY) && up.contains(LEGACY) {
            // Its link may be gone. A service that does not exist starts with nobody.
            let started = disk::names(LEGACY_DIRECTORY.as_ref()).is_ok_and(|names| !names.is_empty());
            let after = live.with_dependents(&self.programs, &BTreeSet::from([LEGACY.to_owned()]))?;
            if started || after.intersection(&up).any(|name| name != LEGACY) {
                let what = format!(
                    "s6-rc would also stop the services of /etc/services.d, so gatewayctl stops {these} without s6-rc; start it again with gatewayctl start"
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
            let what = format!("{} stops too, because it depends on {these}", others.join(", "));
            self.observer.borrow_mut().warning(&what);
        }
        Ok(false)
    }
}

/// The names that s6-rc has for these services.
fn names(services: &[&LiveService]) -> BTreeSet<String> {
    services.iter().map(|service| service.name().directory()).collect()
}
