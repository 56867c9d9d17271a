//! `gatewayctl unregister`.

use std::io::{IsTerminal as _, stdin};
use std::time::Duration;

use super::args::Common;
use super::common::{host, or_near, profile_on, recorded, s6};
use super::container_args::Home;
use crate::boot::forget;
use crate::cli::documents::Unregistered;
use crate::cli::outcome::{About, Outcome};
use crate::cli::streams::{DIM, RED, Streams, styled};
use crate::error::Error;
use crate::manager::{ManagerError, ServiceManager as _};
use crate::s6::{S6Error, Scandir};
use crate::spec::{ProfileName, ServiceName};
use crate::volume::{Homes, Purged, VolumeError};

/// The options of `unregister`.
#[derive(Clone, Copy)]
pub(super) struct How<'a> {
    /// The place of the saved manifest, if that must forget the services.
    pub(super) saved_at: Option<&'a Home>,
    /// Whether to delete its home too.
    pub(super) purge: bool,
    /// Whether to delete it without asking.
    pub(super) is_sure: bool,
    /// Whether an absent service counts as removed.
    pub(super) if_exists: bool,
}

pub(super) fn run(
    services: &[ServiceName],
    how: How<'_>,
    common: &Common,
    streams: &mut Streams<'_>,
) -> Result<Outcome, Error> {
    if how.saved_at.is_some() {
        recorded(services)?;
    }
    let homes = Homes::usual();
    if how.purge {
        ask(services, &homes, how.is_sure, common, streams)?;
    }
    let mut failures: Vec<Error> = Vec::new();
    let mut removed = Vec::new();
    for (service, result) in services.iter().zip(take_out(services, common, streams)?) {
        match result {
            Ok(was_there) => removed.push(Removed { service, was_there, was_saved: None, purged: None }),
            Err(error) => failures.push(error.into()),
        }
    }
    if let Some(home) = how.saved_at {
        let (store, scandir) = (home.store()?, Scandir::open(&common.scandir)?);
        let limit = Duration::from_secs(common.timeout);
        for one in &mut removed {
            one.was_saved = one.service.profile().map(|name| forget(&scandir, &store, name, limit)).transpose()?;
        }
    }
    if how.purge {
        purge(&mut removed, &homes, common, streams, &mut failures)?;
    }
    if !how.if_exists {
        let absent = removed.iter().filter(|one| !one.was()).map(|one| S6Error::absent(one.service, &common.scandir));
        let absent: Vec<Error> = absent.map(|error| or_near(error.into(), common)).collect();
        // Other failures count more, so they come last.
        failures.splice(..0, absent);
    }
    say(&removed, &homes, how.if_exists, common, streams)?;
    match failures.pop() {
        None => Ok(Outcome::Done),
        Some(last) => {
            for failure in &failures {
                streams.error(failure);
            }
            Err(last)
        }
    }
}

/// What happened to one service.
struct Removed<'a> {
    service: &'a ServiceName,
    was_there: bool,
    was_saved: Option<bool>,
    purged: Option<Purged>,
}

impl Removed<'_> {
    /// Whether anything of it was there.
    fn was(&self) -> bool {
        let was_purged = self.purged.is_some_and(|purged| purged != Purged::Missing);
        self.was_there || self.was_saved == Some(true) || was_purged
    }
}

/// Asks whether to delete the homes, before anything is done.
fn ask(
    services: &[ServiceName],
    homes: &Homes,
    is_sure: bool,
    common: &Common,
    streams: &mut Streams<'_>,
) -> Result<(), Error> {
    let scandir = Scandir::open(&common.scandir)?;
    for service in services {
        let Some(profile) = service.profile() else { return Err(VolumeError::Shared(service.clone()).into()) };
        let script = scandir.gateway(profile).ok().and_then(|service| service.run_script());
        if script.is_some_and(|script| !script.owner.is_isolated()) {
            return Err(VolumeError::Shared(service.clone()).into());
        }
        let Some(path) = homes.to_purge(&scandir, profile)? else { continue };
        if is_sure {
            continue;
        }
        if !stdin().is_terminal() {
            return Err(VolumeError::Unasked(path).into());
        }
        write!(streams.err, "delete {path} and everything in it? [y/N] ").map_err(Error::Output)?;
        streams.err.flush().map_err(Error::Output)?;
        let mut answer = String::new();
        stdin().read_line(&mut answer).map_err(Error::Output)?;
        if !matches!(answer.trim(), "y" | "yes") {
            return Err(VolumeError::Refused(path).into());
        }
    }
    Ok(())
}

fn purge(
    removed: &mut [Removed<'_>],
    homes: &Homes,
    common: &Common,
    streams: &mut Streams<'_>,
    failures: &mut Vec<Error>,
) -> Result<(), Error> {
    let manager = s6(common, streams)?;
    let limit = Duration::from_secs(common.timeout);
    for one in removed {
        let Some(profile) = one.service.profile() else { continue };
        match homes.purge(manager.programs(), manager.scandir(), profile, limit) {
            Ok(purged) => one.purged = Some(purged),
            Err(error) => {
                let error = Error::from(error);
                let is_over = error.signal().is_some();
                failures.push(error);
                if is_over {
                    break;
                }
            }
        }
    }
    Ok(())
}

fn say(
    removed: &[Removed<'_>],
    homes: &Homes,
    if_exists: bool,
    common: &Common,
    streams: &mut Streams<'_>,
) -> Result<(), Error> {
    if common.json {
        let said = removed.iter().map(|one| Unregistered {
            about: About::named(one.service),
            was_registered: one.was_there,
            was_saved: one.was_saved,
            was_purged: one.purged.map(|purged| purged != Purged::Missing),
        });
        return streams.json(&said.collect::<Vec<_>>());
    }
    for one in removed.iter().filter(|one| !common.quiet && (if_exists || one.was())) {
        let path = common.scandir.join(one.service.directory());
        let word = match (one.was_there, one.was_saved) {
            (true, Some(true)) => styled(RED, "unregistered and forgotten"),
            (true, _) => styled(RED, "unregistered"),
            (false, Some(true)) => styled(RED, "forgotten   "),
            (false, _) => styled(DIM, "not there   "),
        };
        writeln!(streams.out, "{word} {path}").map_err(Error::Output)?;
        let Some(profile) = one.service.profile() else { continue };
        let home = homes.of_apart(profile);
        let word = match one.purged {
            Some(Purged::Gone) => styled(RED, "purged      "),
            Some(Purged::Emptied) => styled(RED, "emptied     "),
            Some(Purged::Missing) => styled(DIM, "not there   "),
            None => continue,
        };
        writeln!(streams.out, "{word} {home}").map_err(Error::Output)?;
    }
    Ok(())
}

/// Removes these services from s6. The service manager of a host reports that it cannot.
fn take_out(
    services: &[ServiceName],
    common: &Common,
    streams: &mut Streams<'_>,
) -> Result<Vec<Result<bool, ManagerError>>, Error> {
    let names: Vec<&ServiceName> = services.iter().collect();
    let Some(host) = host(common) else {
        let results = s6(common, streams)?.unregister_services(&names);
        return Ok(results.into_iter().map(|result| result.map_err(ManagerError::from)).collect());
    };
    let profiles = names.iter().map(|name| profile_on(&host, name)).collect::<Result<Vec<ProfileName>, Error>>()?;
    Ok(host.unregister_profile_gateways(&profiles.iter().collect::<Vec<_>>()))
}
