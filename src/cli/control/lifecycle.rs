//! `gatewayctl start`, `stop` and `restart`.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;

use super::args::Common;
use super::common::{boots_as_recorded, host, or_near, profile_on, recorded, s6};
use crate::boot::{BootError, How, Serving};
use crate::cli::documents::Controlled;
use crate::cli::outcome::{About, Outcome};
use crate::cli::streams::{DIM, GREEN, Streams, styled};
use crate::error::Error;
use crate::manager::{Host, Restarting, S6Manager, ServiceManager as _};
use crate::s6::Scandir;
use crate::spec::{ProfileName, ServiceName};
use crate::volume::{self, Deadline, Homes};

pub(super) fn start(
    services: &[ServiceName],
    saved_at: Option<&Utf8Path>,
    common: &Common,
    streams: &mut Streams<'_>,
) -> Result<Outcome, Error> {
    save(services, true, saved_at, common, streams)?;
    let host = host(common);
    let serving = Served::here(host.as_ref(), common);
    let ended = each(services, "started", common, streams, |service, streams| {
        if let Some(host) = &host {
            return Ok(host.start(&profile_on(host, service)?).map(|()| Done::It)?);
        }
        let manager = s6(common, streams)?;
        match serving.of(service, &manager)? {
            Some(done) => Ok(done),
            None => Ok(manager.start_service(service).map(|()| Done::It)?),
        }
    });
    tell_of_boot(services, true, common, streams);
    ended
}

pub(super) fn stop(
    services: &[ServiceName],
    persist: bool,
    saved_at: Option<&Utf8Path>,
    common: &Common,
    streams: &mut Streams<'_>,
) -> Result<Outcome, Error> {
    save(services, false, saved_at, common, streams)?;
    let host = host(common);
    let told = if host.is_some() { BTreeSet::new() } else { s6(common, streams)?.begin_to_stop(services, persist) };
    let ended = each(services, "stopped", common, streams, |service, streams| {
        if let Some(host) = &host {
            host.stop(&profile_on(host, service)?)?;
        } else if told.contains(service) {
            s6(common, streams)?.goes_down(service)?;
        } else {
            s6(common, streams)?.stop_service(service, persist)?;
        }
        Ok(Done::It)
    });
    tell_of_boot(services, false, common, streams);
    ended
}

/// Prints a note for each gateway if the next boot does the opposite of what was done now. Only if boots use the recorded state.
fn tell_of_boot(services: &[ServiceName], running: bool, common: &Common, streams: &mut Streams<'_>) {
    if !boots_as_recorded() || common.quiet || common.json {
        return;
    }
    let Ok(scandir) = Scandir::open(&common.scandir) else { return };
    let homes = Homes::usual();
    for profile in services.iter().filter_map(ServiceName::profile) {
        let home = scandir.gateway(profile).map(|service| homes.of_service(&service));
        let Some((volume, home)) = home.ok().and_then(|home| Some((home.open().ok()?, home))) else { continue };
        let intent = volume.intent(&home.profile);
        // Hermes records that it runs, unless an operator recorded something else.
        let differs = if running { intent.is_desired() && !intent.is_running() } else { intent.is_running() };
        if differs {
            let (then, command) = if running { ("leaves it down", "start") } else { ("starts it again", "stop") };
            streams.note(&format!(
                "gateway {profile} is recorded as {intent}: the next boot {then}; gatewayctl {command} {profile} --save changes that"
            ));
        }
    }
}

pub(super) fn restart(
    services: &[ServiceName],
    rolling: bool,
    common: &Common,
    streams: &mut Streams<'_>,
) -> Result<Outcome, Error> {
    let host = host(common);
    let serving = Served::here(host.as_ref(), common);
    if host.is_some() || rolling {
        return each(services, "restarted", common, streams, |service, streams| {
            if let Some(host) = &host {
                return Ok(host.restart(&profile_on(host, service)?).map(|()| Done::It)?);
            }
            let manager = s6(common, streams)?;
            serving.may_restart(service, &manager)?;
            Ok(manager.restart_service(service).map(|()| Done::It)?)
        });
    }
    let mut told: BTreeMap<ServiceName, Result<Restarting, Error>> = BTreeMap::new();
    {
        let manager = s6(common, streams)?;
        for service in services {
            let begun = || {
                serving.may_restart(service, &manager)?;
                Ok(manager.begin_to_restart(service)?)
            };
            told.insert(service.clone(), begun());
        }
    }
    each(services, "restarted", common, streams, |service, streams| {
        let Some(begun) = told.remove(service) else { return Ok(Done::It) };
        Ok(s6(common, streams)?.comes_back(&begun?).map(|()| Done::It)?)
    })
}

/// The result for one service.
enum Done {
    /// The command did it.
    It,
    /// Nothing to do, because the gateway of the root profile serves its profile.
    Served,
}

/// The gateway of the root profile, if it serves other profiles or should serve them.
struct Served(Option<(Scandir, Serving)>);

impl Served {
    fn here(host: Option<&Host>, common: &Common) -> Self {
        let scandir = if host.is_none() { Scandir::open(&common.scandir).ok() } else { None };
        Self(scandir.and_then(|scandir| Serving::here(&scandir, &Homes::usual()).map(|serving| (scandir, serving))))
    }

    /// Refuses a restart that would start a second gateway for a profile that another gateway serves. A gateway that runs may restart.
    fn may_restart(&self, service: &ServiceName, manager: &S6Manager<'_>) -> Result<(), Error> {
        if manager.is_up(service) || self.of(service, manager)?.is_none() {
            return Ok(());
        }
        let profile = service.profile().cloned().unwrap_or_default();
        let why = "does; gatewayctl restart default starts that one again".to_owned();
        Err(BootError::Unserved { profile, why }.into())
    }

    /// Whether it serves the profile of this gateway, whose own gateway would then end at once. `None`: start the own gateway.
    fn of(&self, service: &ServiceName, manager: &S6Manager<'_>) -> Result<Option<Done>, Error> {
        let (Some((scandir, serving)), Some(profile)) = (&self.0, service.profile()) else { return Ok(None) };
        let script = scandir.gateway(profile).ok().and_then(|service| service.run_script());
        let unserved = |why: &str| Err(BootError::Unserved { profile: profile.clone(), why: why.to_owned() }.into());
        match serving.how(profile, script.as_ref().map(|script| &script.owner)) {
            Some(How::Now) => Ok(Some(Done::Served)),
            Some(How::Next) => unserved("has not looked for profiles since; gatewayctl restart default"),
            Some(How::Parked) => {
                unserved(&format!("leaves it out, since somebody stopped it; hermes -p {profile} gateway start"))
            }
            // Its own gateway may still serve it.
            Some(How::Never) if script.is_some() && !serving.always() => Ok(None),
            Some(How::Never) if manager.is_up(&ProfileName::default().into()) => {
                unserved("does not say that it does; gatewayctl logs default")
            }
            Some(How::Never) => unserved("is down; gatewayctl start default"),
            None => Ok(None),
        }
    }
}

/// Records what reconcile does with them at the next boot. It comes first: if it fails, nothing else is done.
fn save(
    services: &[ServiceName],
    running: bool,
    saved_at: Option<&Utf8Path>,
    common: &Common,
    streams: &mut Streams<'_>,
) -> Result<(), Error> {
    let Some(home) = saved_at else { return Ok(()) };
    let profiles = recorded(services)?;
    let homes = Homes::sharing(home);
    let manager = s6(common, streams)?;
    // An absent gateway is an error.
    let home = |profile| manager.scandir().gateway(profile).map(|service| homes.of_service(&service));
    let homes = profiles.iter().map(home).collect::<Result<Vec<_>, _>>()?;
    // Each gets its own time limit, so one that is slow does not delay another.
    let record = |home| volume::record(&manager, home, running, Deadline::after(manager.timeout()));
    Ok(homes.iter().try_for_each(record)?)
}

/// Acts on each service, even if another one failed, and prints each result.
fn each(
    services: &[ServiceName],
    done: &str,
    common: &Common,
    streams: &mut Streams<'_>,
    mut act: impl FnMut(&ServiceName, &mut Streams<'_>) -> Result<Done, Error>,
) -> Result<Outcome, Error> {
    let mut failures = Vec::new();
    let mut said = Vec::new();
    for service in services {
        let result = act(service, streams).map_err(|error| or_near(error, common));
        if common.json {
            let error = result.as_ref().err().map(ToString::to_string);
            let served_by = matches!(result, Ok(Done::Served)).then_some("default");
            said.push(Controlled { about: About::named(service), done: error.is_none(), served_by, error });
        } else if let Ok(what) = &result
            && !common.quiet
        {
            let (done, how) = match what {
                Done::It => (done, ""),
                Done::Served => ("served", " by the gateway of default; it needs no gateway of its own"),
            };
            writeln!(streams.out, "{} {}{}", styled(GREEN, done), service.word(), styled(DIM, how))
                .map_err(Error::Output)?;
        }
        let interrupted = result.as_ref().is_err_and(|error| error.signal().is_some());
        failures.extend(result.err());
        if interrupted {
            break;
        }
    }
    if common.json {
        streams.json(&said)?;
    }
    // If all fail in the same way, one message is enough.
    match failures.pop() {
        None => Ok(Outcome::Done),
        Some(last) => {
            let last_said = last.to_string();
            for failure in failures.iter().filter(|failure| failure.to_string() != last_said) {
                streams.error(failure);
            }
            Err(last)
        }
    }
}
