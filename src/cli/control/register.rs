//! `gatewayctl register` and `unregister`.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use super::args::{Common, Home, Register};
use super::{kind, s6};
use crate::cli::render_args::resolve;
use crate::cli::streams::{DIM, GREEN, RED, styled};
use crate::cli::{About, Outcome, Streams};
use crate::error::Error;
use crate::gateway::Gateway;
use crate::manager::{Host, ServiceManager};
use crate::observer::Observer;
use crate::options::Options;
use crate::profile::ProfileName;
use crate::s6::{Interrupted, Patience, Scandir};
use crate::volume::{SavedManifest, Store};

pub(super) fn register(arguments: &Register, common: &Common, streams: &mut Streams<'_>) -> Result<Outcome, Error> {
    let wanted = arguments.options.wanted(std::slice::from_ref(&arguments.profile))?;
    let gateways = resolve(wanted.clone())?;
    for (gateway, (_, options)) in gateways.iter().zip(wanted) {
        match kind(common).and_then(|kind| Host::new(kind, 0)) {
            Some(host) => host.register_profile_gateway(gateway)?,
            None if arguments.save => {
                let store = open(&arguments.home)?;
                register_and_save(gateway, options, &store, arguments, common, streams)?;
            }
            None => live(gateway, arguments, common, streams)?,
        }
        if common.json {
            streams.json(&About::new(gateway))?;
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
    Store::open(home.state().as_deref(), &home.path())
}

fn live(gateway: &Gateway, arguments: &Register, common: &Common, streams: &mut Streams<'_>) -> Result<(), Error> {
    s6(common, streams)?.control_group(arguments.control_group.clone()).register_profile_gateway(gateway)
}

/// Registers it and writes it to the manifest on the volume: both, or neither. One that is registered already, and the same, is saved.
fn register_and_save(
    gateway: &Gateway,
    mut options: Options,
    store: &Store,
    arguments: &Register,
    common: &Common,
    streams: &mut Streams<'_>,
) -> Result<(), Error> {
    // What cannot be saved is found out before anything runs.
    let before = SavedManifest::open(store)?.settings()?;
    let profile = gateway.profile();
    let scandir = Scandir::open(&common.scandir)?;
    let registered = match live(gateway, arguments, common, streams) {
        Ok(()) => true,
        Err(Error::Registered { different: false, .. }) => false,
        Err(error) => return Err(error),
    };
    // A port from the name may be another one among other gateways.
    options.port = gateway.port();
    let saved = save(&scandir, store, profile, Some(&options), Some(Interrupted::TakenBack), common);
    if saved.is_err() && registered {
        // It may stand there, and only not be known to be safe on the disk.
        let earlier = before.gateways.iter().find(|(name, _)| name == profile).map(|(_, options)| options);
        let _ = save(&scandir, store, profile, earlier, None, common);
        s6(common, streams)?.withdraw(&[profile])?;
    }
    saved.map(drop)
}

/// Has the manifest on the volume name this gateway, or not any more; whether that changed anything.
fn save(
    scandir: &Scandir,
    store: &Store,
    profile: &ProfileName,
    options: Option<&Options>,
    interrupted: Option<Interrupted>,
    common: &Common,
) -> Result<bool, Error> {
    // Who reads it to write it anew is alone with it.
    let observer: RefCell<Box<dyn Observer>> = RefCell::new(Box::new(()));
    let limit = Duration::from_secs(common.timeout);
    let patience = Patience { limit, observer: &observer, interrupted };
    let _here = scandir.lock(patience)?;
    let _anywhere = store.lock(patience)?;
    let manifest = SavedManifest::open(store)?;
    let written = match options {
        Some(options) => Some(manifest.with(profile, options)?),
        None => manifest.without(profile)?,
    };
    // The last moment at which nothing has changed.
    patience.heed()?;
    written.map_or(Ok(false), |written| written.commit().map(|()| true))
}

pub(super) fn unregister(
    profiles: &[ProfileName],
    saved_at: Option<&Home>,
    common: &Common,
    streams: &mut Streams<'_>,
) -> Result<Outcome, Error> {
    let named: Vec<&ProfileName> = profiles.iter().collect();
    let results = super::manager(common, streams)?.unregister_profile_gateways(&named);
    let mut failures = Vec::new();
    let mut removed = Vec::new();
    for (profile, result) in profiles.iter().zip(results) {
        match result {
            Ok(was_there) => removed.push((profile, was_there)),
            Err(error) => failures.push(error),
        }
    }
    let mut forgotten = BTreeSet::new();
    if let Some(home) = saved_at {
        let (store, scandir) = (open(home)?, Scandir::open(&common.scandir)?);
        for (profile, _) in &removed {
            if save(&scandir, &store, profile, None, Some(Interrupted::Leaving), common)? {
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
