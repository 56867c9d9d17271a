//! Whether services are well. This is told from what supervisors record and from what answers on a port. No program is started, unless a record of a
//! supervisor is not understood.
//!
//! There are two depths. *Live*: s6-svscan and every supervisor run. *Ready*: besides that, each service that should be up is up, past its first
//! seconds, does not die again and again, has a running logger, and answers HTTP if it has a port. A service that an operator has stopped is well.
//!
//! The code in this directory reads nothing on the volume. Its callers in `boot/unwell.rs` do, but only once a gateway has failed: the gateway of the
//! root profile may serve its profile, and then it has to stay down.

mod http;
mod problem;
mod watchdog;

pub(crate) use problem::{Ill, Problem};
pub(crate) use watchdog::{Restart, watchdog};

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use crate::base::parallel;
use crate::s6::{DEFAULT_SCANDIR, Death, LiveService, Phase, Programs, S6Error, Scandir, container};
use crate::spec::ServiceName;
use http::{ANSWER, ask};

/// The first seconds of a service. It may still end in them.
const FIRST: u64 = 5;

/// This many deaths within this time are a loop.
const LOOP: (usize, Duration) = (3, Duration::from_secs(300));

/// How long a missing supervisor may still come or go. A service that is being registered or taken out is not ill.
const ABOUT_TO: Duration = Duration::from_secs(1);

/// How much to check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Whether supervision works.
    Live,
    /// Whether the supervised services work.
    Ready,
}

/// What is wrong with these services, or with all services if none is named, in their order. s6-svscan comes first.
///
/// # Errors
/// If the scandir cannot be read.
pub(crate) fn examine(
    scandir: &Scandir,
    programs: &Programs,
    named: &[ServiceName],
    depth: Depth,
) -> Result<Vec<Ill>, S6Error> {
    let mut ills = Vec::new();
    if !scandir.is_live()? {
        ills.push(Ill { service: None, problem: Problem::NotWatched(scandir.path().to_owned()) });
    }
    if depth == Depth::Ready && scandir.path() == DEFAULT_SCANDIR && container::is_booting() {
        ills.push(Ill { service: None, problem: Problem::Booting });
    }
    let (services, more) = supervised(scandir, named)?;
    let lacking: Vec<ServiceName> = more.iter().filter_map(|ill| ill.service.clone()).collect();
    ills.extend(more);
    if depth == Depth::Ready {
        let services: Vec<&LiveService> =
            services.values().filter(|service| !lacking.contains(service.name())).collect();
        ills.extend(ready(&services, programs));
    }
    ills.sort_by(|a, b| a.service.cmp(&b.service));
    Ok(ills)
}

/// These services, or all of them, and those that lack a supervisor and still do so after a second.
fn supervised(
    scandir: &Scandir,
    named: &[ServiceName],
) -> Result<(BTreeMap<ServiceName, LiveService>, Vec<Ill>), S6Error> {
    const PAUSE: Duration = Duration::from_millis(20);
    let until = Instant::now() + ABOUT_TO;
    loop {
        let mut services = scandir.services()?;
        if !named.is_empty() {
            services.retain(|name, _| named.contains(name));
        }
        let missing = named.iter().filter(|name| !services.contains_key(name));
        let missing = missing.map(|name| {
            let near = name.profile().and_then(|profile| scandir.near(profile));
            Ill { service: Some(name.clone()), problem: Problem::Missing(near) }
        });
        let lacking = services.values().filter_map(|service| Some(Ill::of(service, lacking(service)?)));
        let ills: Vec<Ill> = missing.chain(lacking).collect();
        let may_pass = ills.iter().any(|ill| matches!(ill.problem, Problem::NoSupervisor | Problem::NoLogger));
        if !may_pass || Instant::now() >= until {
            return Ok((services, ills));
        }
        std::thread::sleep(PAUSE);
    }
}

/// The supervisor that a service lacks, if it lacks one.
fn lacking(service: &LiveService) -> Option<Problem> {
    if let Err(error) = service.trusted() {
        return Some(Problem::Untold(error.to_string()));
    }
    for directory in service.supervised() {
        match LiveService::listens(&directory) {
            Ok(true) => {}
            Ok(false) if directory == service.path() => return Some(Problem::NoSupervisor),
            Ok(false) => return Some(Problem::NoLogger),
            Err(error) => return Some(Problem::untold(error)),
        }
    }
    None
}

/// What is wrong with services that are supervised.
fn ready(services: &[&LiveService], programs: &Programs) -> Vec<Ill> {
    let mut ills = Vec::new();
    let mut asked: Vec<(&LiveService, SocketAddr)> = Vec::new();
    let look = |service: &&LiveService| -> Result<Result<Option<SocketAddr>, Problem>, Infallible> {
        let is_asked = state(service, programs);
        let socket = || service.address().and_then(|address| address.socket());
        Ok(is_asked.map(|is_asked| is_asked.then(socket).flatten()))
    };
    let Ok(states) = parallel::each(services, parallel::SMALL, look, |_| Ok(()));
    for (service, state) in services.iter().zip(states) {
        match state {
            Ok(address) => asked.extend(address.map(|address| (*service, address))),
            Err(problem) => ills.push(Ill::of(service, problem)),
        }
    }
    let addresses: Vec<SocketAddr> = asked.iter().map(|(_, address)| *address).collect();
    for ((service, address), answer) in asked.into_iter().zip(ask(&addresses, ANSWER)) {
        if let Err(silence) = answer {
            ills.push(Ill::of(service, Problem::Silent(address, silence)));
        }
    }
    ills
}

/// Whether a service is up and has to answer; `false` if it should not be up.
fn state(service: &LiveService, programs: &Programs) -> Result<bool, Problem> {
    let (status, deaths) = service.look(programs).map_err(Problem::untold)?;
    match status.phase(!deaths.is_empty()) {
        Phase::Up => {}
        Phase::Paused => return Err(Problem::Paused),
        Phase::Stopping | Phase::Stopped => return Ok(false),
        Phase::Failed => return Err(Problem::Failed(status.last)),
        // For s6-svstat, a service that has not run yet ended with 0.
        Phase::Starting => return Err(Problem::Restarting(None)),
        Phase::Restarting => return Err(Problem::Restarting(status.last)),
    }
    let seconds = status.seconds;
    let recent = recent(&deaths, SystemTime::now());
    if recent >= LOOP.0 {
        return Err(Problem::Loop { deaths: recent, seconds: LOOP.1.as_secs() });
    }
    if seconds < FIRST {
        return Err(Problem::Starting { seconds });
    }
    if let Some(log) = service.logger()
        && !LiveService::anonymous(&log).glance(programs).map_err(Problem::untold)?.up
    {
        return Err(Problem::Unheard);
    }
    Ok(true)
}

/// How many of these deaths are recent. A death in the future, after a change of the clock, counts as recent.
fn recent(deaths: &[Death], now: SystemTime) -> usize {
    deaths.iter().filter(|death| now.duration_since(death.at).unwrap_or_default() <= LOOP.1).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deaths_of_long_ago_are_no_loop() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(10_000);
        let death = |at| Death { at: SystemTime::UNIX_EPOCH + Duration::from_secs(at), code: 1 };
        let deaths = [9_699, 9_700, 9_999, 10_005].map(death);
        assert_eq!(recent(&deaths, now), 3);
        assert_eq!(recent(&[], now), 0);
    }
}
