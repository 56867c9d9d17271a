//! The state of the services of a scandir. No program is started, and nothing on the volume is read except the sizes of log files.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::base::parallel;
use crate::boot::{shard_here, unwell};
use crate::health::Depth;
use crate::s6::{Death, Ended, LiveService, Programs, S6Error, Scandir, Status};
use crate::spec::shard::Shard;
use crate::spec::{ProfileName, ServiceName};
use crate::volume::{Homes, LogDir};

/// The most files of a log directory that are looked at. Its user can fill it, and then every look would take long.
const MOST_FILES: usize = 2_000;

/// The state of all services of a scandir.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Measured {
    /// The shard of the profiles that this container has, if it is known, counted from 0.
    pub(super) shard: Option<u32>,
    /// The gateways, by profile.
    pub(super) gateways: Vec<Gateway>,
    /// The other services.
    pub(super) services: Vec<Other>,
}

/// The state of a gateway. A value that is not known is `null`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[expect(clippy::struct_excessive_bools, reason = "each is a number in the output")]
pub(super) struct Gateway {
    /// Its profile.
    pub(super) profile: String,
    /// Whether its supervisor runs, and may be asked.
    pub(super) supervised: bool,
    /// Whether it is up.
    pub(super) up: bool,
    /// Whether it should be up.
    pub(super) wanted_up: bool,
    /// Whether `gatewayctl health` finds nothing wrong with it.
    pub(super) healthy: bool,
    /// Seconds since it came up or went down.
    pub(super) state_seconds: Option<u64>,
    /// How many of its deaths its supervisor remembers.
    pub(super) deaths: Option<usize>,
    /// After how many more deaths it stays down, if there is a limit.
    pub(super) crash_budget_left: Option<usize>,
    /// How it ended last, as a shell says it.
    pub(super) last_exit_code: Option<u16>,
    /// The size of its log, in bytes.
    pub(super) log_bytes: Option<u64>,
}

/// The state of a service that is not a gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Other {
    /// Its name.
    pub(super) service: String,
    /// Whether it is up.
    pub(super) up: bool,
    /// Whether it should be up.
    pub(super) wanted_up: bool,
}

/// Measures the services of this scandir.
///
/// # Errors
/// If the scandir cannot be read.
pub(crate) fn measure(scandir: &Scandir, programs: &Programs) -> Result<Measured, S6Error> {
    let services: Vec<(ServiceName, LiveService)> = scandir.services()?.into_iter().collect();
    let gateways: Vec<(&ProfileName, &LiveService)> =
        services.iter().filter_map(|(name, service)| Some((name.profile()?, service))).collect();
    let names: Vec<ServiceName> = gateways.iter().map(|(profile, _)| (*profile).clone().into()).collect();
    // Without names, all services would be checked. That includes the metrics server, which would have to answer itself.
    let ills = if names.is_empty() { Vec::new() } else { unwell(scandir, programs, &names, Depth::Ready)? };
    let ills: BTreeSet<ServiceName> = ills.into_iter().filter_map(|ill| ill.service).collect();
    let homes = Homes::usual();
    let now = SystemTime::now();
    let one = |(profile, service): &(&ProfileName, &LiveService)| -> Result<Gateway, S6Error> {
        let mut gateway = Gateway::of(profile, service.look(programs).ok(), service.crash_budget(), now);
        gateway.healthy = gateway.supervised && !ills.contains(service.name());
        gateway.log_bytes = log_size(service, &homes);
        Ok(gateway)
    };
    let measured = parallel::each(&gateways, parallel::SMALL, one, |_| Ok(()))?;
    let others = services.iter().filter(|(name, _)| name.profile().is_none());
    let others = others.map(|(name, service)| {
        let status = service.glance(programs).ok();
        let is = |how: fn(&Status) -> bool| status.as_ref().is_some_and(how);
        Other { service: name.directory(), up: is(|status| status.up), wanted_up: is(|status| status.wanted_up) }
    });
    let shard = shard_here().ok().and_then(|selection| selection.shard).map(Shard::index);
    Ok(Measured { shard, gateways: measured, services: others.collect() })
}

/// The size of the log of a gateway, in bytes.
fn log_size(service: &LiveService, homes: &Homes) -> Option<u64> {
    let volume = homes.of_service(service).open().ok()?;
    LogDir::open(&volume, service.name(), None).ok()?.size(MOST_FILES)
}

impl Gateway {
    /// The state of this profile's gateway, from its supervisor. Its health and the size of its log are not known yet.
    fn of(
        profile: &ProfileName,
        looked: Option<(Status, Vec<Death>)>,
        budget: Option<(usize, Duration)>,
        now: SystemTime,
    ) -> Self {
        let (status, deaths) = looked.unzip();
        let is = |how: fn(&Status) -> bool| status.as_ref().is_some_and(how);
        let last = status.as_ref().filter(|status| !status.wanted_up).and_then(|status| status.last);
        let last_death = deaths.as_ref().and_then(|deaths| deaths.last()).map(|death| death.code);
        Self {
            profile: profile.to_string(),
            supervised: status.is_some(),
            up: is(|status| status.up),
            wanted_up: is(|status| status.wanted_up),
            healthy: false,
            state_seconds: status.as_ref().map(|status| status.seconds),
            deaths: deaths.as_ref().map(Vec::len),
            crash_budget_left: deaths.as_ref().zip(budget).map(|(deaths, (most, within))| {
                most.saturating_sub(deaths.iter().filter(|death| counts(death, within, now)).count())
            }),
            // For s6, a gateway that has never run ended with 0. A stop by an operator is in no tally.
            last_exit_code: last_death.or_else(|| last.map(Ended::code)),
            log_bytes: None,
        }
    }
}

/// Whether a death uses up a crash budget over this time. A death by TERM, 143, does not, because an operator stops a gateway with it.
fn counts(death: &Death, within: Duration, now: SystemTime) -> bool {
    death.code != 143 && now.duration_since(death.at).unwrap_or_default() <= within
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gateway(looked: Option<(Status, Vec<Death>)>, now: u64) -> Gateway {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        Gateway::of(&"coder".parse().unwrap(), looked, Some((3, Duration::from_secs(60))), at(now))
    }

    fn deaths(all: &[(u64, u16)]) -> Vec<Death> {
        let death = |&(at, code)| Death { at: SystemTime::UNIX_EPOCH + Duration::from_secs(at), code };
        all.iter().map(death).collect()
    }

    #[test]
    fn what_is_known_of_a_gateway() {
        let up =
            Status { up: true, wanted_up: true, paused: false, pid: Some(7), finishing: false, last: None, seconds: 5 };
        let found = gateway(Some((up.clone(), deaths(&[(939, 1), (940, 1), (990, 143), (999, 137)]))), 1_000);
        assert!(found.supervised && found.up && found.wanted_up && !found.healthy);
        assert_eq!((found.state_seconds, found.deaths, found.last_exit_code), (Some(5), Some(4), Some(137)));
        assert_eq!(found.crash_budget_left, Some(1));
        let found = gateway(Some((up, deaths(&[(1, 1); 100]))), 1);
        assert_eq!((found.crash_budget_left, found.deaths), (Some(0), Some(100)));
        let down = Status {
            up: false,
            wanted_up: false,
            paused: false,
            pid: None,
            finishing: false,
            last: Some(Ended::Signal(15)),
            seconds: 0,
        };
        assert_eq!(gateway(Some((down, Vec::new())), 0).last_exit_code, Some(143));
        let hidden = gateway(None, 0);
        assert_eq!((hidden.supervised, hidden.deaths, hidden.crash_budget_left), (false, None, None));
    }
}
