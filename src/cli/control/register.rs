//! `gatewayctl register` and `unregister`.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use super::args::{Common, Register};
use super::common::{kind, manager, s6};
use super::container_args::Home;
use crate::boot::{forget, register_and_save};
use crate::cli::outcome::{About, Outcome};
use crate::cli::render_args::resolve;
use crate::cli::streams::{DIM, GREEN, RED, Streams, styled};
use crate::error::Error;
use crate::manager::{Host, ServiceManager};
use crate::s6::Scandir;
use crate::spec::ProfileName;
use crate::volume::Store;

pub(super) fn register(arguments: &Register, common: &Common, streams: &mut Streams<'_>) -> Result<Outcome, Error> {
    let wanted = arguments.options.wanted(std::slice::from_ref(&arguments.profile))?;
    let gateways = resolve(wanted.clone())?;
    for (gateway, (_, options)) in gateways.iter().zip(wanted) {
        if let Some(host) = kind(common).and_then(|kind| Host::new(kind, 0)) {
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
    profiles: &[ProfileName],
    saved_at: Option<&Home>,
    common: &Common,
    streams: &mut Streams<'_>,
) -> Result<Outcome, Error> {
    let named: Vec<&ProfileName> = profiles.iter().collect();
    let results = manager(common, streams)?.unregister_profile_gateways(&named);
    let mut failures = Vec::new();
    let mut removed = Vec::new();
    for (profile, result) in profiles.iter().zip(results) {
        match result {
            Ok(was_there) => removed.push((profile, was_there)),
            Err(error) => failures.push(Error::from(error)),
        }
    }
    let mut forgotten = BTreeSet::new();
    if let Some(home) = saved_at {
        let (store, scandir) = (open(home)?, Scandir::open(&common.scandir)?);
        for (profile, _) in &removed {
            if forget(&scandir, &store, profile, Duration::from_secs(common.timeout))? {
                forgotten.insert(*profile);
            }
        }
    }
    if common.json {
        let said = removed.iter().map(|(profile, was_there)| {
            json!({
                "profile": profile.as_str(),
                "was_registered": was_there,
                "was_saved": saved_at.map(|_| forgotten.contains(profile)),
            })
        });
        streams.json(&said.collect::<Vec<_>>())?;
    } else if !common.quiet {
        for (profile, was_there) in removed {
            let path = common.scandir.join(profile.service_name());
            let word = match (was_there, forgotten.contains(profile)) {
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
