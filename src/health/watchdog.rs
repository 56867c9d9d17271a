//! Restarts gateways that are up and do not answer. Their supervisor sees that they run, but nobody can use them.
//!
//! One process looks at all gateways. What it learns about a gateway counts as long as the gateway has the same process. The times are those of a
//! clock that nobody sets, and one look is never enough, so a machine that stood still causes no restart.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rustix::event::{Timespec, poll};

use super::http::{ANSWER, Silence, ask};
use crate::base::interrupted;
use crate::s6::{LiveService, Programs, S6Error, Scandir};
use crate::spec::ServiceName;

/// The pause between two looks at all gateways, in seconds.
const PAUSE: i64 = 2;

/// The number of looks in a row without an answer that a restart needs.
const LOOKS: u32 = 3;

/// A restart that the watchdog did.
#[derive(Debug)]
pub(crate) struct Restart {
    /// The gateway.
    pub(crate) service: ServiceName,
    /// The reason, as it stands in the log of the gateway.
    pub(crate) why: String,
    /// The error that prevented the restart.
    pub(crate) failure: Option<S6Error>,
}

/// What is known about a running gateway.
struct Known {
    /// Its process.
    pid: u32,
    /// Since when it has not answered, and how often it was asked since.
    silent: Option<(Instant, u32)>,
    /// When it was told to end.
    told: Option<Instant>,
    /// Whether it was killed.
    killed: bool,
}

/// Looks at the gateways that have a watchdog until a signal comes, and restarts each that has not answered for its time limit. `tell` gets each
/// restart.
///
/// # Errors
/// If the scandir cannot be read.
pub(crate) fn watchdog(scandir: &Scandir, programs: &Programs, tell: &mut dyn FnMut(&Restart)) -> Result<(), S6Error> {
    /// After a pause this long between two looks, the container was frozen, and the gateways too.
    const FROZEN: Duration = Duration::from_secs(30);
    let pause = Timespec { tv_sec: PAUSE, tv_nsec: 0 };
    let mut known = BTreeMap::new();
    let mut last = Instant::now();
    while !interrupted() {
        if last.elapsed() > FROZEN {
            known.clear();
        }
        last = Instant::now();
        look(scandir, programs, &mut known, tell)?;
        // A signal ends the pause.
        let _ = poll(&mut [], Some(&pause));
    }
    Ok(())
}

fn look(
    scandir: &Scandir,
    programs: &Programs,
    known: &mut BTreeMap<ServiceName, Known>,
    tell: &mut dyn FnMut(&Restart),
) -> Result<(), S6Error> {
    let services = scandir.services()?;
    known.retain(|name, _| services.contains_key(name));
    let mut watched: Vec<(&LiveService, Duration, SocketAddr)> = Vec::new();
    for service in services.values() {
        let Some(limit) = service.watchdog() else { continue };
        let Some(address) = service.address().and_then(|address| address.socket()) else { continue };
        match service.glance(programs) {
            Ok(status) if status.up && status.wanted_up && !status.paused => {
                let pid = status.pid.unwrap_or_default();
                if known.get(service.name()).is_none_or(|known| known.pid != pid) {
                    known.insert(service.name().clone(), Known { pid, silent: None, told: None, killed: false });
                }
                watched.push((service, limit, address));
            }
            // A gateway that is down, or on its way down, is left to its supervisor and its operator.
            _ => drop(known.remove(service.name())),
        }
    }
    let asked = Instant::now();
    let addresses: Vec<SocketAddr> = watched.iter().map(|(_, _, address)| *address).collect();
    for ((service, limit, address), answer) in watched.into_iter().zip(ask(&addresses, ANSWER)) {
        let Some(known) = known.get_mut(service.name()) else { continue };
        if let Some(restart) = judge(known, service, limit, address, answer, asked, programs) {
            tell(&restart);
        }
    }
    Ok(())
}

/// Acts on an answer, or on its absence.
fn judge(
    known: &mut Known,
    service: &LiveService,
    limit: Duration,
    address: SocketAddr,
    answer: Result<(), Silence>,
    asked: Instant,
    programs: &Programs,
) -> Option<Restart> {
    // In the meantime, an operator may have stopped it, or it may have ended by itself.
    let pid = known.pid;
    let is_the_same =
        || service.glance(programs).is_ok_and(|now| now.up && now.wanted_up && !now.paused && now.pid == Some(pid));
    if let Some(told) = known.told {
        let patience = service.timeout_kill().unwrap_or(Duration::from_secs(30));
        if !known.killed && told.elapsed() >= patience && is_the_same() {
            known.killed = true;
            let why = format!("it did not end within {} s, and is killed", patience.as_secs());
            let failure = service.control(programs, "-k").err();
            return Some(Restart { service: service.name().clone(), why, failure });
        }
        return None;
    }
    let Err(silence) = answer else {
        known.silent = None;
        return None;
    };
    let (since, looks) = known.silent.map_or((asked, 1), |(since, looks)| (since, looks + 1));
    known.silent = Some((since, looks));
    if since.elapsed() < limit || looks < LOOKS || !is_the_same() {
        return None;
    }
    known.told = Some(Instant::now());
    let seconds = since.elapsed().as_secs();
    let why = format!("it has not answered at {address} for {seconds} s ({silence}): the watchdog restarts it");
    let failure = service.end_for(&why, programs).err();
    Some(Restart { service: service.name().clone(), why, failure })
}
