//! s6 as a service manager.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use camino::Utf8Path;

use super::{Kind, ServiceManager};
use crate::error::Error;
use crate::gateway::Gateway;
use crate::observer::Observer;
use crate::profile::ProfileName;
use crate::publish::{self, Checked, Leaving, Published};
use crate::render::render;
use crate::s6::{LiveService, Patience, Programs, S6Error, Scandir};

/// Gateways in a scandir.
pub struct S6Manager<'a> {
    scandir: Scandir,
    programs: Programs,
    /// How long a state is waited for.
    timeout: Duration,
    /// Who may control gateways that this registers, beside root.
    control_group: Option<String>,
    /// Hears what is waited for, once that takes a second, and how far an installation is.
    observer: RefCell<Box<dyn Observer + 'a>>,
}

/// What an installation did to each service directory, in the order given.
#[derive(Debug)]
pub struct Installed {
    /// What happened to each.
    pub published: Vec<Published>,
    /// Whether an s6-svscan is there to run them.
    pub live: bool,
}

/// How long after a stop's own time limit something may take that should happen at once.
const GRACE: Duration = Duration::from_secs(5);

/// How long supervisors may be late before s6-svscan is asked to look again.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// How long a logger may be without a supervisor of its service before it is told to end.
const LONELY: Duration = Duration::from_secs(1);

impl<'a> S6Manager<'a> {
    /// The gateways in this scandir, by the programs of s6 in this directory. States are waited for as long as `timeout`.
    ///
    /// # Errors
    /// Where either is not there.
    pub fn new(scandir: &Utf8Path, programs: &Utf8Path, timeout: Duration) -> Result<Self, Error> {
        let (scandir, programs) = (Scandir::open(scandir)?, Programs::new(programs)?);
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

    fn patience(&self, limit: Duration) -> Patience<'_, 'a> {
        Patience { limit, observer: &self.observer }
    }

    /// Publishes service directories and, where an s6-svscan is live, waits until both supervisors of each run. New ones that
    /// do not come up are taken back.
    ///
    /// # Errors
    /// See [`publish::publish`]; and where supervisors do not come up, with the others published.
    pub fn install(&self, wanted: &[Checked], update: bool) -> Result<Installed, Error> {
        let live = self.ready()?;
        let published = publish::publish(&self.scandir, wanted, update)?;
        if live {
            let changes = wanted.iter().zip(&published);
            let services = changes.map(|(checked, change)| (self.service(checked.profile()), *change)).collect();
            self.supervise(services)?;
        }
        Ok(Installed { published, live })
    }

    /// Sees that nothing stands in the way of a change of the scandir, finishes what killed runs left, and tells whether an
    /// s6-svscan is live.
    fn ready(&self) -> Result<bool, Error> {
        let live = self.scandir.is_live()?;
        for leaving in Leaving::abandoned(&self.scandir)? {
            self.see_off(leaving)?;
        }
        if !self.scandir.can_execute()? {
            return Err(S6Error::NoExec(self.scandir.path().to_owned()).into());
        }
        match self.scandir.dangling()? {
            Some(link) if live => Err(S6Error::Dangling(link).into()),
            _ => Ok(live),
        }
    }

    /// Has s6-svscan look, and waits until every supervisor of these services runs. Those that were created and do not come up
    /// are taken back.
    fn supervise(&self, services: Vec<(LiveService, Published)>) -> Result<(), Error> {
        let mut late: Vec<(LiveService, Published)> = services.clone();
        let mut asked = Instant::now();
        let came_up = self.scandir.rescan(&self.programs, false).map_err(Error::from).and_then(|()| {
            self.patience(self.timeout).until("the supervisors of the new gateways", || {
                let mut still = Vec::new();
                for (service, change) in late.drain(..) {
                    if !service.is_supervised()? {
                        still.push((service, change));
                    }
                }
                late = still;
                self.observer.borrow_mut().progress(services.len() - late.len(), services.len());
                if asked.elapsed() > ASK_AGAIN {
                    // It may have had no room a moment ago, before it knew that another service had ended.
                    self.scandir.rescan(&self.programs, false)?;
                    asked = Instant::now();
                }
                Ok::<_, Error>(late.is_empty().then_some(()))
            })
        });
        let error = match came_up {
            Ok(Some(())) => match self.open_to_group(&services) {
                Ok(()) => return Ok(()),
                Err(error) => {
                    late = services;
                    error
                }
            },
            Ok(None) => {
                let path = late[0].0.path().to_owned();
                S6Error::NoSupervisor { path, others: late.len() - 1, seconds: self.timeout.as_secs() }.into()
            }
            Err(error) => {
                late = services;
                error
            }
        };
        // Each is taken back, also where another one could not be; that is what is told then.
        let created = late.iter().filter(|(_, change)| *change == Published::Created);
        let taken_back: Vec<Result<bool, Error>> =
            created.map(|(service, _)| self.take_out(service.profile())).collect();
        taken_back.into_iter().collect::<Result<Vec<bool>, Error>>()?;
        Err(error)
    }

    /// Takes the gateway of this profile out; `false` where there is none.
    fn take_out(&self, profile: &ProfileName) -> Result<bool, Error> {
        match Leaving::take(&self.scandir, profile)? {
            Some(leaving) => self.see_off(leaving).map(|()| true),
            None => Ok(false),
        }
    }

    fn open_to_group(&self, services: &[(LiveService, Published)]) -> Result<(), Error> {
        let Some(group) = &self.control_group else { return Ok(()) };
        for (service, _) in services {
            for directory in service.supervised() {
                self.programs.call("s6-svperms", &["-G", group, "-E", group, directory.as_str()])?;
            }
        }
        Ok(())
    }

    /// Brings a service that has left the scandir down, waits until its supervisors are gone, and deletes it.
    ///
    /// A live s6-svscan is asked to do it all (`-an`): it has the supervisor stop the service and exit, and closes the pipe to
    /// the logger after that, so that no line is lost. Nothing is sent to the supervisor itself then: were it gone before
    /// s6-svscan has looked, the logger would never be told.
    fn see_off(&self, leaving: Leaving) -> Result<(), Error> {
        let service = LiveService::anonymous(&leaving.path);
        let log = LiveService::anonymous(&leaving.path.join("log"));
        let what = format!("{} and its logger to end", leaving.name);
        let tell = |service: &LiveService, commands| match service.control(&self.programs, commands) {
            Err(S6Error::NotSupervised(_)) => Ok(()),
            result => result,
        };
        if self.scandir.is_live()? {
            self.scandir.rescan(&self.programs, true)?;
        } else {
            // Nobody holds the pipe any more, so the logger ends when it has read what was in it.
            tell(&service, "-xd")?;
            tell(&log, "-x")?;
        }
        let mut alone_since = None;
        let mut gone = || {
            let (running, _) = service.supervisors()?;
            if running > 0 && !service.is_running()? {
                // A logger whose service's supervisor had gone before: it has read all there is, and nobody ends it.
                let since = *alone_since.get_or_insert_with(Instant::now);
                if since.elapsed() > LONELY {
                    tell(&log, "-xd")?;
                }
            }
            Ok::<_, Error>((running == 0).then_some(()))
        };
        let limit = self.stop_limit(&service);
        if self.patience(limit).until(&what, &mut gone)?.is_none() {
            tell(&service, "-k")?;
            if self.patience(GRACE).until(&what, &mut gone)?.is_none() {
                return Err(S6Error::Timeout { what, seconds: (limit + GRACE).as_secs() }.into());
            }
        }
        leaving.delete()
    }

    /// How long a stop may take: what its `timeout-kill` says, and a grace, but not less than the timeout.
    fn stop_limit(&self, service: &LiveService) -> Duration {
        service.timeout_kill().map_or(self.timeout, |kill| self.timeout.max(kill + GRACE))
    }

    fn service(&self, profile: &ProfileName) -> LiveService {
        LiveService::new(profile.clone(), self.scandir.path().join(profile.service_name()))
    }

    /// Stops a gateway; with `persist` it stays down, too, when its supervisor is started anew.
    ///
    /// # Errors
    /// Where there is none, it is not supervised, or it does not go down.
    pub fn stop_gateway(&self, profile: &ProfileName, persist: bool) -> Result<(), Error> {
        let service = self.scandir.gateway(profile)?;
        service.status(&self.programs)?;
        service.control(&self.programs, down(persist))?;
        let patience = self.patience(self.stop_limit(&service));
        service.wait(&self.programs, patience, "to go down", |status| !status.up && !status.wanted_up)?;
        Ok(())
    }

    /// Tells gateways to stop, so that many go down at once; what cannot be told is for [`Self::stop_gateway`] to say, which waits.
    pub fn begin_to_stop(&self, profiles: &[ProfileName], persist: bool) {
        for service in profiles.iter().filter_map(|profile| self.scandir.gateway(profile).ok()) {
            let _ = service.control(&self.programs, down(persist));
        }
    }

    /// Waits until the gateway is up, with another process than `before`. Where it is not to come up again and the supervisor
    /// remembers other deaths than those of `tally`, it has given up.
    fn comes_up(&self, service: &LiveService, before: Option<u32>, tally: &str) -> Result<(), Error> {
        let what = format!("gateway {} to come up", service.profile());
        let answer = self.patience(self.timeout).until(&what, || {
            let status = service.status(&self.programs)?;
            if status.up && status.pid != before {
                return Ok(Some(Ok(())));
            }
            let gave_up = !status.up && !status.wanted_up && service.tally(&self.programs)? != tally;
            Ok::<_, S6Error>(gave_up.then_some(Err(status.last)))
        })?;
        match answer {
            Some(Ok(())) => Ok(()),
            Some(Err(last)) => Err(S6Error::GaveUp { profile: service.profile().clone(), last }.into()),
            None => Err(S6Error::Timeout { what, seconds: self.timeout.as_secs() }.into()),
        }
    }
}

/// What s6-svc takes to bring a service down; with `persist` it stays down, too, when its supervisor is started anew.
fn down(persist: bool) -> &'static str {
    if persist { "-D" } else { "-d" }
}

impl ServiceManager for S6Manager<'_> {
    fn kind(&self) -> Kind {
        Kind::S6
    }

    fn start(&self, profile: &ProfileName) -> Result<(), Error> {
        let service = self.scandir.gateway(profile)?;
        if !service.status(&self.programs)?.up {
            service.forgive(&self.programs)?;
        }
        let tally = service.tally(&self.programs)?;
        service.control(&self.programs, "-U")?;
        self.comes_up(&service, None, &tally)
    }

    fn stop(&self, profile: &ProfileName) -> Result<(), Error> {
        self.stop_gateway(profile, false)
    }

    fn restart(&self, profile: &ProfileName) -> Result<(), Error> {
        let service = self.scandir.gateway(profile)?;
        let before = service.status(&self.programs)?;
        service.forgive(&self.programs)?;
        let tally = service.tally(&self.programs)?;
        service.control(&self.programs, if before.up { "-r" } else { "-u" })?;
        if before.up {
            // `-r` has no time limit of its own in s6 2.11: timeout-kill is only for `-d`.
            let limit = service.timeout_kill().unwrap_or(self.timeout);
            let what = format!("gateway {profile} to end");
            let ended = || service.status(&self.programs).map(|now| (now.pid != before.pid).then_some(()));
            if self.patience(limit).until(&what, ended)?.is_none() {
                service.control(&self.programs, "-k")?;
            }
        }
        self.comes_up(&service, before.pid, &tally)
    }

    fn is_running(&self, profile: &ProfileName) -> Result<bool, Error> {
        Ok(self.scandir.gateway(profile)?.status(&self.programs)?.up)
    }

    fn supports_runtime_registration(&self) -> bool {
        true
    }

    fn register_profile_gateway(&self, gateway: &Gateway) -> Result<(), Error> {
        if !self.ready()? {
            return Err(S6Error::NotLive(self.scandir.path().to_owned()).into());
        }
        let checked = Checked::rendered(&render(gateway), gateway.profile().clone());
        let published = publish::publish(&self.scandir, &[checked], false)?[0];
        let service = self.service(gateway.profile());
        let path = service.path().to_owned();
        // One that is there already is seen to as well: the run that put it there may have been killed before it was.
        self.supervise(vec![(service, published)])?;
        if published == Published::Created { Ok(()) } else { Err(Error::Registered { path, different: false }) }
    }

    fn unregister_profile_gateway(&self, profile: &ProfileName) -> Result<bool, Error> {
        let live = self.scandir.is_live()?;
        let own = self.scandir.path().join(profile.service_name());
        if live && let Some(link) = self.scandir.dangling()?.filter(|link| *link != own) {
            return Err(S6Error::Dangling(link).into());
        }
        for leaving in Leaving::abandoned(&self.scandir)? {
            self.see_off(leaving)?;
        }
        self.take_out(profile)
    }

    fn list_profile_gateways(&self) -> Result<Vec<ProfileName>, Error> {
        Ok(self.scandir.gateways()?.into_keys().collect())
    }
}
