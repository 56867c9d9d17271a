//! s6 as a service manager.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};

use super::{Kind, ServiceManager};
use crate::error::Error;
use crate::gateway::Gateway;
use crate::leaving::{Abandoned, Leaving};
use crate::observer::Observer;
use crate::profile::ProfileName;
use crate::publish::{self, Checked, Done, Published};
use crate::render::render;
use crate::s6::{Interrupted, LiveService, Patience, Programs, S6Error, Scandir, Status};

/// Gateways in a scandir. While it writes there, the umask of the whole process is 0.
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
    /// If either is not there, or, for root, if another user can change the scandir.
    pub fn new(scandir: &Utf8Path, programs: &Utf8Path, timeout: Duration) -> Result<Self, Error> {
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

    fn patience(&self, limit: Duration) -> Patience<'_, 'a> {
        Patience { limit, observer: &self.observer, interrupted: Some(Interrupted::TakenBack) }
    }

    /// As [`Self::patience`], for what s6 has been told and goes on with.
    fn telling(&self, limit: Duration) -> Patience<'_, 'a> {
        Patience { interrupted: Some(Interrupted::Told), ..self.patience(limit) }
    }

    /// Publishes service directories and, if an s6-svscan is live, waits until both supervisors of each run. New ones that
    /// do not come up are taken back.
    ///
    /// # Errors
    /// If one is there and different, the operating system refuses a step, or a signal comes: then all is taken back. And if supervisors
    /// do not come up, with the others published.
    pub fn install(&self, wanted: &[Checked], update: bool) -> Result<Installed, Error> {
        let live = self.ready()?;
        let done = self.publish(wanted, update)?;
        if live {
            let changes = wanted.iter().zip(&done.changes);
            let services: Vec<_> =
                changes.map(|(checked, change)| (self.service(checked.profile()), *change)).collect();
            if let Err(error) = self.supervise(&services) {
                if !matches!(error, Error::S6(S6Error::NoSupervisor { .. })) {
                    let patience = Patience { interrupted: None, ..self.patience(self.timeout) };
                    publish::put_back(&self.scandir, wanted, &done, patience)?;
                }
                return Err(error);
            }
        }
        Ok(Installed { published: done.changes, live })
    }

    /// As [`Self::install`], but one that cannot be published, or does not come up, stops no other.
    ///
    /// # Errors
    /// If none can be published, or a signal comes; then all that was published is taken back.
    pub fn install_each(&self, wanted: &[Checked]) -> Result<Vec<Result<Published, Error>>, Error> {
        let live = self.ready()?;
        let mut refused: BTreeMap<&ProfileName, Error> = BTreeMap::new();
        let (some, published) = loop {
            let some: Vec<Checked> =
                wanted.iter().filter(|checked| !refused.contains_key(checked.profile())).cloned().collect();
            match self.publish(&some, false) {
                Ok(done) => break (some, done.changes),
                Err(error) => match wanted.iter().find(|checked| is_about(&error, &self.service(checked.profile()))) {
                    // Somebody registered it meanwhile.
                    Some(checked) if !refused.contains_key(checked.profile()) => {
                        refused.insert(checked.profile(), error);
                    }
                    _ => return Err(error),
                },
            }
        };
        if live {
            let changes = some.iter().zip(&published);
            let services: Vec<_> =
                changes.map(|(checked, change)| (self.service(checked.profile()), *change)).collect();
            let late = self.come_up(&services)?;
            let late: Vec<&ProfileName> = late.iter().map(|(service, _)| service.profile()).collect();
            for checked in wanted {
                if late.contains(&checked.profile()) {
                    let path = self.service(checked.profile()).path().to_owned();
                    let error = S6Error::NoSupervisor { path, others: 0, seconds: self.timeout.as_secs() };
                    refused.insert(checked.profile(), error.into());
                }
            }
            self.take_back(&services, Some(&late))?;
        }
        let mut published: BTreeMap<&ProfileName, Published> =
            some.iter().map(Checked::profile).zip(published).collect();
        let result = |checked: &Checked| match refused.remove(checked.profile()) {
            Some(error) => Err(error),
            None => Ok(published.remove(checked.profile()).unwrap_or(Published::Unchanged)),
        };
        Ok(wanted.iter().map(result).collect())
    }

    fn publish(&self, wanted: &[Checked], update: bool) -> Result<Done, Error> {
        publish::publish(&self.scandir, wanted, update, self.patience(self.timeout))
    }

    /// Sees that nothing stands in the way of a change of the scandir, finishes what killed runs left, and tells whether an
    /// s6-svscan is live.
    fn ready(&self) -> Result<bool, Error> {
        let live = self.scandir.is_live()?;
        self.clear_up()?;
        if !self.scandir.can_execute()? {
            return Err(S6Error::NoExec(self.scandir.path().to_owned()).into());
        }
        match self.scandir.dangling()? {
            Some(link) if live => Err(S6Error::Dangling(link).into()),
            _ => Ok(live),
        }
    }

    /// Finishes what killed runs left. What does not end is told of once, and stops nothing.
    fn clear_up(&self) -> Result<(), Error> {
        let patience = self.patience(self.timeout);
        let Abandoned { gone, stuck } = Leaving::abandoned(&self.scandir, patience)?;
        for leaving in stuck {
            if matches!(LiveService::anonymous(&leaving.path).supervisors(), Ok((0, _))) {
                // What could not be removed was told of once, too.
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

    /// Has s6-svscan look, and waits until every supervisor of these services runs. Those that were created and do not come up
    /// are taken back.
    fn supervise(&self, services: &[(LiveService, Published)]) -> Result<(), Error> {
        let late = self.come_up(services)?;
        let Some((first, _)) = late.first() else { return Ok(()) };
        let path = first.path().to_owned();
        let error = S6Error::NoSupervisor { path, others: late.len() - 1, seconds: self.timeout.as_secs() };
        let late: Vec<&ProfileName> = late.iter().map(|(service, _)| service.profile()).collect();
        self.take_back(services, Some(&late))?;
        Err(error.into())
    }

    /// Has s6-svscan look, waits until every supervisor of these services runs, and lets the group in. Gives those that do not come up.
    ///
    /// # Errors
    /// If that cannot be done, or a signal comes; then all that were created are taken back.
    fn come_up(&self, services: &[(LiveService, Published)]) -> Result<Vec<(LiveService, Published)>, Error> {
        let mut late: Vec<(LiveService, Published)> = services.to_vec();
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
        let is_late = |service: &LiveService| late.iter().any(|(other, _)| other.profile() == service.profile());
        let ready = came_up.and_then(|_| {
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

    /// Takes out those of these services that were created, all or those of these profiles. Each is taken out, also if another one
    /// cannot be; that is what is told then.
    fn take_back(&self, services: &[(LiveService, Published)], only: Option<&[&ProfileName]>) -> Result<(), Error> {
        let created = services.iter().filter(|(_, change)| *change == Published::Created);
        let profiles: Vec<&ProfileName> = created
            .map(|(service, _)| service.profile())
            .filter(|profile| only.is_none_or(|only| only.contains(profile)))
            .collect();
        self.withdraw(&profiles)
    }

    /// Takes out what this run registered, although a signal may have come.
    ///
    /// # Errors
    /// If one does not go down.
    pub fn withdraw(&self, profiles: &[&ProfileName]) -> Result<(), Error> {
        if profiles.is_empty() {
            return Ok(());
        }
        let patience = Patience { interrupted: None, ..self.patience(self.timeout) };
        self.take_out(profiles, patience).into_iter().collect::<Result<Vec<bool>, Error>>().map(drop)
    }

    /// Takes the gateways of these profiles out, all at once; `false` for one that is not there.
    fn take_out(&self, profiles: &[&ProfileName], patience: Patience<'_, 'a>) -> Vec<Result<bool, Error>> {
        let mut results: Vec<Result<bool, Error>> = Vec::with_capacity(profiles.len());
        let mut leaving = Vec::new();
        match Leaving::take(&self.scandir, profiles, patience) {
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

    fn open_to_group<'b>(&self, services: impl Iterator<Item = &'b LiveService>) -> Result<(), Error> {
        let Some(group) = &self.control_group else { return Ok(()) };
        for service in services {
            if let Err(error) = service.trusted() {
                self.observer.borrow_mut().warning(&format!("group {group} is not let in: {error}"));
                continue;
            }
            for directory in service.supervised() {
                // Never `-E`: who can write `event/` has s6-supervise write through any symlink.
                self.programs.call("s6-svperms", &["-G", group, directory.as_str()])?;
            }
        }
        Ok(())
    }

    /// Brings services that have left the scandir down, all at once, and waits until their supervisors are gone, no longer than the
    /// longest of their own limits. Gives each with what came of it; one whose supervisors are gone is to be deleted.
    ///
    /// A live s6-svscan is asked to do it all (`-an`): it has the supervisor stop the service and exit, and closes the pipe to
    /// the logger after that, so that no line is lost. Nothing is sent to the supervisor itself then: were it gone before
    /// s6-svscan has looked, the logger would never be told.
    fn see_off(&self, leaving: Vec<Leaving>, patience: Patience<'_, 'a>) -> Result<Vec<Seen>, Error> {
        let mut all: Vec<Departure> = leaving.iter().map(Departure::new).collect();
        if self.scandir.is_live()? {
            self.scandir.rescan(&self.programs, true)?;
        } else {
            for one in &all {
                // Nobody holds the pipe any more, so the logger ends when it has read what was in it.
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
        let results: Vec<Result<(), Error>> = all
            .into_iter()
            .zip(&leaving)
            .map(|(one, leaving)| {
                let in_vain = || S6Error::Timeout { what: what_of(leaving), seconds }.into();
                one.result.unwrap_or_else(|| Err(failure.take().unwrap_or_else(in_vain)))
            })
            .collect();
        Ok(leaving.into_iter().zip(results).collect())
    }

    /// Waits until the supervisors of all of these are gone, or it is known why not.
    fn wait_for(&self, all: &mut [Departure], patience: Patience<'_, 'a>) -> Result<bool, Error> {
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
                Ok::<_, Error>((open(all) == 0).then_some(()))
            },
        )?;
        Ok(answer.is_some())
    }

    /// Whether the supervisors of a service are gone; a logger that is left alone is told to go.
    fn has_gone(&self, one: &mut Departure) -> Result<Option<()>, Error> {
        let (running, _) = one.service.supervisors()?;
        if running > 0 && !one.service.is_running()? {
            // A logger whose service's supervisor had gone before: it has read all there is, and nobody ends it.
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
            // One that is somebody else's is not told by those files; a live s6-svscan ends it without them.
            Err(S6Error::NotSupervised(_) | S6Error::Foreign(_)) => Ok(()),
            result => result,
        }
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
        self.tell_to_stop(profile, persist)?;
        self.goes_down(profile)
    }

    /// Tells gateways to stop, so that many go down at once, and gives those that could be told, for [`Self::goes_down`] to wait for. What
    /// cannot be told is for [`Self::stop_gateway`] to say.
    pub fn begin_to_stop(&self, profiles: &[ProfileName], persist: bool) -> BTreeSet<ProfileName> {
        let profiles: BTreeSet<&ProfileName> = profiles.iter().collect();
        profiles.into_iter().filter(|profile| self.tell_to_stop(profile, persist).is_ok()).cloned().collect()
    }

    /// One that is stopping already is not told again: many a program ends at once at a second SIGTERM.
    fn tell_to_stop(&self, profile: &ProfileName, persist: bool) -> Result<(), Error> {
        let service = self.scandir.gateway(profile)?;
        if service.status(&self.programs)?.wanted_up || persist && !service.has_down() {
            service.control(&self.programs, down(persist))?;
        }
        Ok(())
    }

    /// Waits until a gateway that has been told to stop is down.
    ///
    /// # Errors
    /// As [`Self::stop_gateway`].
    pub fn goes_down(&self, profile: &ProfileName) -> Result<(), Error> {
        let service = self.scandir.gateway(profile)?;
        let limit = self.stop_limit(&service);
        let wait = |limit| {
            let down = |status: &Status| !status.up && !status.wanted_up;
            service.wait(&self.programs, self.telling(limit), "to go down", down).map(drop)
        };
        let waited = wait(limit).or_else(|error| match error {
            S6Error::Timeout { what, .. } => {
                // Not to come up again is also what `s6-svc -o` leaves a gateway with: then it only looked as if it had been told.
                service.control(&self.programs, "-d")?;
                wait(GRACE).map_err(|error| match error {
                    S6Error::Timeout { .. } => S6Error::Timeout { what, seconds: (limit + GRACE).as_secs() },
                    error => error,
                })
            }
            error => Err(error),
        });
        Ok(waited?)
    }

    /// Waits until the gateway is up, with another process than `before`. Where it is not to come up again and the supervisor
    /// remembers other deaths than those of `tally`, it has given up.
    fn comes_up(&self, service: &LiveService, before: Option<u32>, tally: &str) -> Result<(), Error> {
        let what = format!("gateway {} to come up", service.profile());
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
            Some(Err(last)) => Err(S6Error::GaveUp { profile: service.profile().clone(), last }.into()),
            None => Err(S6Error::Timeout { what, seconds: self.timeout.as_secs() }.into()),
        }
    }
}

/// What left, and whether it has ended.
type Seen = (Leaving, Result<(), Error>);

/// A service on its way out, as it is waited for.
struct Departure {
    what: String,
    service: LiveService,
    log: LiveService,
    alone_since: Option<Instant>,
    /// What came of it, once that is known.
    result: Option<Result<(), Error>>,
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

/// Whether a failure to publish is about this service alone.
fn is_about(error: &Error, service: &LiveService) -> bool {
    match error {
        Error::Registered { path, .. } | Error::InTheWay(path) => path == service.path(),
        _ => false,
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
            if self.telling(limit).until(&what, ended)?.is_none() {
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
        let published = self.publish(&[checked], false)?.changes[0];
        let service = self.service(gateway.profile());
        let path = service.path().to_owned();
        // One that is there already is seen to as well: the run that put it there may have been killed before it was.
        self.supervise(&[(service, published)])?;
        if published == Published::Created { Ok(()) } else { Err(Error::Registered { path, different: false }) }
    }

    fn unregister_profile_gateway(&self, profile: &ProfileName) -> Result<bool, Error> {
        self.unregister_profile_gateways(&[profile]).pop().unwrap_or(Ok(false))
    }

    fn unregister_profile_gateways(&self, profiles: &[&ProfileName]) -> Vec<Result<bool, Error>> {
        let ready = || -> Result<(), Error> {
            let own = |link: &Utf8PathBuf| profiles.iter().any(|profile| link == self.service(profile).path());
            if self.scandir.is_live()?
                && let Some(link) = self.scandir.dangling()?.filter(|link| !own(link))
            {
                return Err(S6Error::Dangling(link).into());
            }
            self.clear_up()
        };
        match ready() {
            Ok(()) => self.take_out(profiles, self.patience(self.timeout)),
            Err(error) => vec![Err(error)],
        }
    }

    fn list_profile_gateways(&self) -> Result<Vec<ProfileName>, Error> {
        Ok(self.scandir.gateways()?.into_keys().collect())
    }
}
