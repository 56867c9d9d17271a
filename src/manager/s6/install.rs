//! Services come: they are published, and then supervised.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::core::S6Manager;
use crate::base::Patience;
use crate::render::{render, render_service};
use crate::s6::{Checked, Done, LiveService, Published, S6Error, publish, put_back};
use crate::spec::{Gateway, ProfileName, Service, ServiceName};

/// What an installation did to each service directory, in the order given.
#[derive(Debug)]
pub struct Installed {
    /// What happened to each.
    pub published: Vec<Published>,
    /// Whether an s6-svscan runs that can start them.
    pub live: bool,
}

/// How long supervisors may be late before s6-svscan is asked to look again.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// How many late services one round looks at.
const LOOKED_AT: usize = 8;

/// A service, and what publishing did to it.
type Waited = (LiveService, Published);

impl S6Manager<'_> {
    /// Publishes service directories and, if an s6-svscan is live, waits until all supervisors of each run. New ones whose supervisors do not come up
    /// are taken back.
    ///
    /// # Errors
    /// If one exists and differs, if the operating system refuses a step, or if a signal comes. Then everything is taken back. Also if supervisors do
    /// not come up; then the others stay published.
    pub fn install(&self, wanted: &[Checked], update: bool) -> Result<Installed, S6Error> {
        let live = self.ready()?;
        let done = self.publish(wanted, update)?;
        if live {
            let changes = wanted.iter().zip(&done.changes);
            let services: Vec<_> =
                changes.map(|(checked, change)| (self.service(checked.service()), *change)).collect();
            if let Err(error) = self.supervise(&services) {
                if !matches!(error, S6Error::NoSupervisor { .. }) {
                    let patience = Patience { interrupted: None, ..self.patience(self.timeout) };
                    put_back(&self.scandir, wanted, &done, patience)?;
                }
                return Err(error);
            }
        }
        self.and_watchdog(wanted);
        Ok(Installed { published: done.changes, live })
    }

    /// As [`Self::install`], but a directory that cannot be published, or does not come up, does not stop the others.
    ///
    /// # Errors
    /// If none can be published, or if a signal comes. Then everything that was published is taken back.
    pub fn install_each(&self, wanted: &[Checked]) -> Result<Vec<Result<Published, S6Error>>, S6Error> {
        let live = self.ready()?;
        let mut refused: BTreeMap<&ServiceName, S6Error> = BTreeMap::new();
        let (some, published) = loop {
            let some: Vec<Checked> =
                wanted.iter().filter(|checked| !refused.contains_key(checked.service())).cloned().collect();
            match self.publish(&some, false) {
                Ok(done) => break (some, done.changes),
                Err(error) => match wanted.iter().find(|checked| is_about(&error, &self.service(checked.service()))) {
                    // Another run has registered it in the meantime.
                    Some(checked) if !refused.contains_key(checked.service()) => {
                        refused.insert(checked.service(), error);
                    }
                    _ => return Err(error),
                },
            }
        };
        if live {
            let changes = some.iter().zip(&published);
            let services: Vec<_> =
                changes.map(|(checked, change)| (self.service(checked.service()), *change)).collect();
            let late = self.come_up(&services)?;
            let late: Vec<&ServiceName> = late.iter().map(|(service, _)| service.name()).collect();
            for checked in wanted {
                if late.contains(&checked.service()) {
                    let path = self.service(checked.service()).path().to_owned();
                    let error = S6Error::NoSupervisor { path, others: 0, seconds: self.timeout.as_secs() };
                    refused.insert(checked.service(), error);
                }
            }
            self.take_back(&services, Some(&late))?;
        }
        self.and_watchdog(&some);
        let mut published: BTreeMap<&ServiceName, Published> =
            some.iter().map(Checked::service).zip(published).collect();
        let result = |checked: &Checked| match refused.remove(checked.service()) {
            Some(error) => Err(error),
            None => Ok(published.remove(checked.service()).unwrap_or(Published::Unchanged)),
        };
        Ok(wanted.iter().map(result).collect())
    }

    fn publish(&self, wanted: &[Checked], update: bool) -> Result<Done, S6Error> {
        publish(&self.scandir, wanted, update, self.patience(self.timeout))
    }

    pub(super) fn register_gateway(&self, gateway: &Gateway) -> Result<(), S6Error> {
        if !self.ready()? {
            return Err(S6Error::NotLive(self.scandir.path().to_owned()));
        }
        let checked = Checked::rendered(&render(gateway));
        let service = self.service(&gateway.profile().clone().into());
        if service.is_hermes_own() {
            return Err(S6Error::HermesOwn(service.path().to_owned()));
        }
        let checked = [checked];
        let published = self.publish(&checked, false)?.changes[0];
        let path = service.path().to_owned();
        // This also handles a directory that is there already: the run that published it may have been killed before it was supervised.
        self.supervise(&[(service, published)])?;
        self.and_watchdog(&checked);
        if published == Published::Created { Ok(()) } else { Err(S6Error::Registered { path, different: false }) }
    }

    /// Publishes the watchdog too, if one of these needs it and it is missing. If that fails, the others stay published.
    fn and_watchdog(&self, wanted: &[Checked]) {
        let name = ServiceName::Watchdog;
        let is_needed = wanted.iter().any(Checked::has_watchdog) && !self.scandir.has(&name);
        if !is_needed {
            return;
        }
        match self.install(&[Checked::rendered(&render_service(&Service::Watchdog))], false) {
            // Another run was faster.
            Ok(_) | Err(S6Error::Registered { .. }) => {}
            Err(error) => {
                self.observer.borrow_mut().warning(&format!(
                    "the watchdog is not published, so nobody restarts a gateway that does not answer: {error}"
                ));
            }
        }
    }

    /// Takes a gateway of this profile out if Hermes' own service manager made it; returns whether it existed.
    ///
    /// # Errors
    /// As [`ServiceManager::unregister_profile_gateway`](crate::manager::ServiceManager::unregister_profile_gateway).
    pub fn give_way(&self, profile: &ProfileName) -> Result<bool, S6Error> {
        let name = ServiceName::from(profile.clone());
        if !self.service(&name).is_hermes_own() {
            return Ok(false);
        }
        let what = format!("gateway {profile} was made by Hermes' own service manager; gatewayctl makes it again");
        self.observer.borrow_mut().warning(&what);
        self.unregister_services(&[&name]).pop().unwrap_or(Ok(false))
    }

    /// Checks that nothing prevents a change of the scandir, finishes what killed runs left, and returns whether an s6-svscan is live.
    fn ready(&self) -> Result<bool, S6Error> {
        let live = self.scandir.is_live()?;
        self.clear_up()?;
        if !self.scandir.can_execute()? {
            return Err(S6Error::NoExec(self.scandir.path().to_owned()));
        }
        match self.scandir.dangling()? {
            Some(link) if live => Err(S6Error::Dangling(link)),
            _ => Ok(live),
        }
    }

    /// Makes s6-svscan look, and waits until every supervisor of these services runs. New services that do not come up are taken back.
    fn supervise(&self, services: &[Waited]) -> Result<(), S6Error> {
        let late = self.come_up(services)?;
        let Some((first, _)) = late.first() else { return Ok(()) };
        let path = first.path().to_owned();
        let error = S6Error::NoSupervisor { path, others: late.len() - 1, seconds: self.timeout.as_secs() };
        let late: Vec<&ServiceName> = late.iter().map(|(service, _)| service.name()).collect();
        self.take_back(services, Some(&late))?;
        Err(error)
    }

    /// Makes s6-svscan look, waits until every supervisor of these services runs, and gives the group control. Returns the services that do not come
    /// up.
    ///
    /// # Errors
    /// If that cannot be done, or if a signal comes. Then all new services are taken back.
    fn come_up(&self, services: &[Waited]) -> Result<Vec<Waited>, S6Error> {
        let mut late: Vec<Waited> = services.to_vec();
        let mut asked = Instant::now();
        let came_up = self.scandir.rescan(&self.programs, false).and_then(|()| {
            // Hundreds of services take their time on a busy machine. None of them is taken back as long as others come up.
            self.patience(self.timeout).until_none("the supervisors of the new gateways", || {
                late = Self::still_late(std::mem::take(&mut late), LOOKED_AT)?;
                self.observer.borrow_mut().progress(services.len() - late.len(), services.len());
                if asked.elapsed() > ASK_AGAIN {
                    // A moment ago, s6-svscan may have had no room, because it did not know yet that another service had ended.
                    self.scandir.rescan(&self.programs, false)?;
                    asked = Instant::now();
                }
                Ok::<_, S6Error>(late.len())
            })
        });
        let came_up = came_up.and_then(|all| {
            if !all {
                late = Self::still_late(std::mem::take(&mut late), usize::MAX)?;
                late.sort_by(|(a, _), (b, _)| a.name().cmp(b.name()));
            }
            Ok(())
        });
        let is_late = |service: &LiveService| late.iter().any(|(other, _)| other.name() == service.name());
        let ready = came_up.and_then(|()| {
            self.open_to_group(services.iter().map(|(service, _)| service).filter(|service| !is_late(service)))
        });
        match ready.and_then(|()| Ok(self.patience(self.timeout).heed()?)) {
            Ok(()) => Ok(late),
            Err(error) => {
                self.take_back(services, None)?;
                Err(error)
            }
        }
    }

    /// Those of these services whose supervisors do not all run. After `most` of them, the rest counts as late too, and is checked first the next
    /// time: s6-svscan starts one after another, and has its own work to do in the meantime.
    fn still_late(services: Vec<Waited>, most: usize) -> Result<Vec<Waited>, S6Error> {
        let mut late = Vec::new();
        let mut services = services.into_iter();
        while late.len() < most
            && let Some((service, change)) = services.next()
        {
            if !service.is_supervised()? {
                late.push((service, change));
            }
        }
        Ok(services.chain(late).collect())
    }

    /// Takes out those of these services that are new: all of them, or those with these names. If one cannot be taken out, the others still are, and
    /// the error comes after that.
    fn take_back(&self, services: &[Waited], only: Option<&[&ServiceName]>) -> Result<(), S6Error> {
        let created = services.iter().filter(|(_, change)| *change == Published::Created);
        let names: Vec<&ServiceName> = created
            .map(|(service, _)| service.name())
            .filter(|name| only.is_none_or(|only| only.contains(name)))
            .collect();
        self.withdraw(&names)
    }

    fn open_to_group<'b>(&self, services: impl Iterator<Item = &'b LiveService>) -> Result<(), S6Error> {
        let (isolated, services): (Vec<_>, Vec<_>) = services.partition(|service| service.is_isolated());
        // Most often, the service user is in this group, and an isolated gateway has to be separate from that user. It may have shared a home before.
        for service in isolated {
            service.trusted()?;
            for directory in service.supervised() {
                self.programs.call("s6-svperms", &["-u", directory.as_str()])?;
            }
        }
        let Some(group) = &self.control_group else { return Ok(()) };
        for service in services.into_iter().filter(|service| !service.name().is_roots()) {
            if let Err(error) = service.trusted() {
                self.observer.borrow_mut().warning(&format!("group {group} gets no control: {error}"));
                continue;
            }
            for directory in service.supervised() {
                // Never `-E`: a user who can write `event/` makes s6-supervise write through any symlink.
                self.programs.call("s6-svperms", &["-G", group, directory.as_str()])?;
            }
        }
        Ok(())
    }
}

/// Whether a failure to publish concerns this service alone.
fn is_about(error: &S6Error, service: &LiveService) -> bool {
    match error {
        S6Error::Registered { path, .. }
        | S6Error::InTheWay(path)
        | S6Error::OfS6Rc(path)
        | S6Error::OneUser { path, .. } => path == service.path(),
        _ => false,
    }
}
