//! `gatewayctl register` and `unregister`.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Serialize;

use super::args::{Common, Register};
use super::common::{host, profile_on, recorded, s6};
use super::container_args::Home;
use crate::boot::{forget, register_and_save};
use crate::cli::outcome::{About, Outcome};
use crate::cli::render_args::resolve;
use crate::cli::streams::{DIM, GREEN, RED, Streams, styled};
use crate::error::Error;
use crate::manager::{ManagerError, ServiceManager as _};
use crate::s6::Scandir;
use crate::spec::{ProfileName, ServiceName};
use crate::volume::Store;

pub(super) fn register(arguments: &Register, common: &Common, streams: &mut Streams<'_>) -> Result<Outcome, Error> {
    let wanted = arguments.options.wanted(std::slice::from_ref(&arguments.profile))?;
    let gateways = resolve(wanted.clone())?;
    for (gateway, (_, options)) in gateways.iter().zip(wanted) {
        if let Some(host) = host(common) {
            host.register_profile_gateway(gateway)?;
        } else {
            let store = arguments.save.then(|| open(&arguments.home)).transpose()?;
            let manager = s6(common, streams)?.control_group(arguments.control_group.name());
            if arguments.adopt {
                manager.give_way(gateway.profile())?;
            }
            match store {
                Some(store) => register_and_save(&manager, &store, gateway, options)?,
                None => manager.register_profile_gateway(gateway)?,
            }
        }
        if common.json {
            streams.json(&About::new(&gateway.clone().into()))?;
        } else if !common.quiet {
            let path = common.scandir.join(gateway.profile().service_name());
            let port = gateway.port().map(|port| format!("  {}", styled(DIM, format_args!("port {port}"))));
            let word = if arguments.save { "registered and saved" } else { "registered" };
            writeln!(streams.out, "{} {path}{}", styled(GREEN, word), port.unwrap_or_default())
                .map_err(Error::Output)?;
        }
    }
    Ok(Outcome::Done)
}

/// Where the saved manifest is kept.
fn open(home: &Home) -> Result<Store, Error> {
    Ok(Store::open(home.state().as_deref(), &home.path())?)
}

pub(super) fn unregister(
    services: &[ServiceName],
    saved_at: Option<&Home>,
    common: &Common,
    streams: &mut Streams<'_>,
) -> Result<Outcome, Error> {
    if saved_at.is_some() {
        recorded(services)?;
    }
    let mut failures: Vec<Error> = Vec::new();
    let mut removed = Vec::new();
    for (service, result) in services.iter().zip(take_out(services, common, streams)?) {
        match result {
            Ok(was_there) => removed.push((service, was_there)),
            Err(error) => failures.push(error.into()),
        }
    }
    let mut forgotten = BTreeSet::new();
    if let Some(home) = saved_at {
        let (store, scandir) = (open(home)?, Scandir::open(&common.scandir)?);
        for (service, _) in &removed {
            if let Some(profile) = service.profile()
                && forget(&scandir, &store, profile, Duration::from_secs(common.timeout))?
            {
                forgotten.insert(*service);
            }
        }
    }
    if common.json {
        let said = removed.iter().map(|(service, was_there)| Said {
            about: About::named(service),
            was_registered: *was_there,
            was_saved: saved_at.map(|_| forgotten.contains(service)),
        });
        streams.json(&said.collect::<Vec<_>>())?;
    } else if !common.quiet {
        for (service, was_there) in removed {
            let path = common.scandir.join(service.directory());
            let word = match (was_there, forgotten.contains(service)) {
                (true, true) => styled(RED, "unregistered and forgotten"),
                (true, false) => styled(RED, "unregistered"),
                (false, true) => styled(RED, "forgotten   "),
                (false, false) => styled(DIM, "not there   "),
            };
            writeln!(streams.out, "{word} {path}").map_err(Error::Output)?;
        }
    }
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

/// Takes these services out of s6, or has the manager of the host say that it cannot.
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

#[derive(Serialize)]
struct Said {
    #[serde(flatten)]
    about: About,
    was_registered: bool,
    was_saved: Option<bool>,
}
