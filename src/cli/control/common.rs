//! Code that the commands share: names of services, and the service manager in charge.

use std::collections::BTreeSet;
use std::time::Duration;

use super::args::Common;
use super::show_args::Services;
use crate::cli::streams::Streams;
use crate::error::Error;
use crate::manager::{Host, Kind, ManagerError, S6Manager, ServiceManager, Signs, detect};
use crate::s6::{Scandir, container};
use crate::source::{Mistake, Place};
use crate::spec::{ProfileName, ServiceName, ServiceWord, ServiceWordError};
use crate::volume::{Intent, Volume};

/// The services that these words name, each once, or every mistake in the words.
pub(super) fn services(words: &[String], common: &Common) -> Result<Vec<ServiceName>, Error> {
    // A host has only gateways.
    let scandir = if host(common).is_none() { Scandir::open(&common.scandir).ok() } else { None };
    let is_there = |name: &ServiceName| scandir.as_ref().is_some_and(|scandir| scandir.has(name));
    let mut found = all(words.iter().map(|word| word.parse::<ServiceWord>().and_then(|word| word.choose(is_there))))?;
    let mut seen = BTreeSet::new();
    found.retain(|name| seen.insert(name.clone()));
    Ok(found)
}

/// The services that were named, or every gateway.
pub(super) fn chosen(
    services: &Services,
    common: &Common,
    streams: &mut Streams<'_>,
) -> Result<Vec<ServiceName>, Error> {
    if !services.all {
        return self::services(&services.named, common);
    }
    let Some(host) = host(common) else {
        let gateways: Vec<ServiceName> =
            s6(common, streams)?.scandir().gateways()?.into_keys().map(ServiceName::from).collect();
        if gateways.is_empty() && !common.quiet && !common.json {
            streams.note(&format!("{} has no gateway", common.scandir));
        }
        return Ok(gateways);
    };
    Err(ManagerError::NoList(host.kind()).into())
}

/// The same error. If a gateway is absent, it also names the most similar one.
pub(super) fn or_near(error: Error, common: &Common) -> Error {
    let Error::Manager(ManagerError::S6(error)) = error else { return error };
    let here = Scandir::open(&common.scandir).ok();
    let near = error.absent_profile().and_then(|profile| here?.near(profile));
    error.meant(near).into()
}

/// The profiles of these services, or every service that has no profile and so no recorded state.
pub(super) fn recorded(services: &[ServiceName]) -> Result<Vec<ProfileName>, Error> {
    let profile =
        |service: &ServiceName| service.profile().cloned().ok_or_else(|| ServiceWordError::NotSaved(service.clone()));
    all(services.iter().map(profile))
}

fn all<T>(results: impl Iterator<Item = Result<T, ServiceWordError>>) -> Result<Vec<T>, Error> {
    let mut mistakes = Vec::new();
    let mut found = Vec::new();
    for result in results {
        match result {
            Ok(one) => found.push(one),
            Err(error) => mistakes.push(Mistake::at(Place::CommandLine, error)),
        }
    }
    if mistakes.is_empty() { Ok(found) } else { Err(Error::input(mistakes)) }
}

pub(super) fn kind(common: &Common) -> Option<Kind> {
    let signs = Signs { root: "/".into(), scandir: common.scandir.clone(), os: std::env::consts::OS };
    common.manager.map(Kind::from).or_else(|| detect(&signs))
}

/// The s6 manager of the common options. It prints on standard error what it waits for.
pub(super) fn s6<'a>(common: &Common, streams: &'a mut Streams<'_>) -> Result<S6Manager<'a>, Error> {
    let timeout = Duration::from_secs(common.timeout);
    Ok(S6Manager::new(&common.scandir, &common.s6_bin_dir, timeout)?.observer(streams.observer(common.quiet)))
}

/// The manager of a host, if one is in charge.
pub(super) fn host(common: &Common) -> Option<Host> {
    // Only launchd needs the user id.
    kind(common).filter(|kind| *kind != Kind::S6).and_then(|kind| Host::new(kind, rustix::process::getuid().as_raw()))
}

/// The profile of a service. The service manager of a host knows nothing else.
pub(super) fn profile_on(host: &Host, service: &ServiceName) -> Result<ProfileName, Error> {
    let only = || ManagerError::GatewaysOnly { kind: host.kind(), service: service.clone() };
    Ok(service.profile().cloned().ok_or_else(only)?)
}

/// Whether a boot starts what the volume records. The image's target `volume` sets this.
pub(super) fn boots_as_recorded() -> bool {
    container::variable("GATEWAYS_AT_BOOT").is_some_and(|how| how == "recorded")
}

/// Whether the gateway of the root profile has never run on the usual volume. It then stays down until somebody starts it.
pub(super) fn never_ran() -> bool {
    Volume::open(&Volume::usual()).is_ok_and(|volume| volume.intent(&ProfileName::default()) == Intent::Nothing)
}

/// The note for that case. A new container is in it.
pub(super) const NEVER_RAN: &str = "gateway default has never run on this volume; gatewayctl start default, or docker run -e HERMES_GATEWAY_BOOTSTRAP_STATE=running";
