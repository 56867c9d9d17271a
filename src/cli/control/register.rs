//! `gatewayctl register` and `unregister`.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use camino::Utf8Path;
use serde_json::json;

use super::args::{Common, Register};
use super::{kind, s6};
use crate::boot::{SavedManifest, Volume};
use crate::cli::render_args::resolve;
use crate::cli::streams::{DIM, GREEN, RED, styled};
use crate::cli::{About, Outcome, Streams};
use crate::error::Error;
use crate::gateway::Gateway;
use crate::manager::{Host, ServiceManager};
use crate::observer::Observer;
use crate::options::Options;
use crate::profile::ProfileName;
use crate::s6::{Patience, Scandir};

pub(super) fn register(arguments: &Register, common: &Common, streams: &mut Streams<'_>) -> Result<Outcome, Error> {
    let wanted = arguments.options.wanted(std::slice::from_ref(&arguments.profile))?;
    let gateways = resolve(wanted.clone())?;
    for (gateway, (_, options)) in gateways.iter().zip(wanted) {
        match kind(common).and_then(|kind| Host::new(kind, 0)) {
            Some(host) => host.register_profile_gateway(gateway)?,
            None if arguments.save => {
                let volume = Volume::open(&arguments.home.path())?;
                register_and_save(gateway, options, &volume, arguments, common, streams)?;
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

fn live(gateway: &Gateway, arguments: &Register, common: &Common, streams: &mut Streams<'_>) -> Result<(), Error> {
    s6(common, streams)?.control_group(arguments.control_group.clone()).register_profile_gateway(gateway)
}

/// Registers it and writes it to the manifest on the volume: both, or neither. One that is registered already, and the same, is saved.
fn register_and_save(
    gateway: &Gateway,
    mut options: Options,
    volume: &Volume,
    arguments: &Register,
    common: &Common,
    streams: &mut Streams<'_>,
) -> Result<(), Error> {
    // What cannot be saved is found out before anything runs.
    let before = SavedManifest::open(volume)?.settings()?;
    let profile = gateway.profile();
    let scandir = Scandir::open(&common.scandir)?;
    let registered = match live(gateway, arguments, common, streams) {
        Ok(()) => true,
        Err(Error::Registered { different: false, .. }) => false,
        Err(error) => return Err(error),
    };
    // A port from the name may be another one among other gateways.
    options.port = gateway.port();
    let saved = save(&scandir, volume, profile, Some(&options), common);
    if saved.is_err() && registered {
        // It may stand there, and only not be known to be safe on the disk.
        let earlier = before.gateways.iter().find(|(name, _)| name == profile).map(|(_, options)| options);
        let _ = save(&scandir, volume, profile, earlier, common);
        s6(common, streams)?.unregister_profile_gateway(profile)?;
    }
    saved.map(drop)
}

/// Has the manifest on the volume name this gateway, or not any more; whether that changed anything.
fn save(
    scandir: &Scandir,
    volume: &Volume,
    profile: &ProfileName,
    options: Option<&Options>,
    common: &Common,
) -> Result<bool, Error> {
    // Who reads it to write it anew is alone with it.
    let _here = scandir.lock()?;
    let observer: RefCell<Box<dyn Observer>> = RefCell::new(Box::new(()));
    let _anywhere =
        SavedManifest::lock(volume, Patience { limit: Duration::from_secs(common.timeout), observer: &observer })?;
    let manifest = SavedManifest::open(volume)?;
    let written = match options {
        Some(options) => Some(manifest.with(profile, options)?),
        None => manifest.without(profile)?,
    };
    written.map_or(Ok(false), |written| written.commit().map(|()| true))
}

pub(super) fn unregister(
    profiles: &[ProfileName],
    saved_at: Option<&Utf8Path>,
    common: &Common,
    streams: &mut Streams<'_>,
) -> Result<Outcome, Error> {
    let mut removed = Vec::new();
    {
        let manager = super::manager(common, streams)?;
        for profile in profiles {
            removed.push((profile, manager.unregister_profile_gateway(profile)?));
        }
    }
    let mut forgotten = BTreeSet::new();
    if let Some(home) = saved_at {
        let (volume, scandir) = (Volume::open(home)?, Scandir::open(&common.scandir)?);
        for profile in profiles {
            if save(&scandir, &volume, profile, None, common)? {
                forgotten.insert(profile);
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
    Ok(Outcome::Done)
}
