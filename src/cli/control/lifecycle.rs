//! `gatewayctl start`, `stop` and `restart`.

use std::collections::BTreeSet;

use camino::Utf8Path;
use serde_json::json;

use super::args::Common;
use super::common::{kind, manager, s6};
use crate::cli::outcome::Outcome;
use crate::cli::streams::{GREEN, Streams, styled};
use crate::error::Error;
use crate::manager::Kind;
use crate::spec::ProfileName;
use crate::volume::{self, Deadline, Volume};

pub(super) fn start(
    profiles: &[ProfileName],
    saved_at: Option<&Utf8Path>,
    common: &Common,
    streams: &mut Streams<'_>,
) -> Result<Outcome, Error> {
    save(profiles, true, saved_at, common, streams)?;
    each(profiles, "started", common, streams, |profile, streams| Ok(manager(common, streams)?.start(profile)?))
}

pub(super) fn stop(
    profiles: &[ProfileName],
    persist: bool,
    saved_at: Option<&Utf8Path>,
    common: &Common,
    streams: &mut Streams<'_>,
) -> Result<Outcome, Error> {
    save(profiles, false, saved_at, common, streams)?;
    let on_host = kind(common).is_some_and(|kind| kind != Kind::S6);
    let told = if on_host { BTreeSet::new() } else { s6(common, streams)?.begin_to_stop(profiles, persist) };
    each(profiles, "stopped", common, streams, |profile, streams| {
        if on_host {
            manager(common, streams)?.stop(profile)?;
        } else if told.contains(profile) {
            s6(common, streams)?.goes_down(profile)?;
        } else {
            s6(common, streams)?.stop_gateway(profile, persist)?;
        }
        Ok(())
    })
}

pub(super) fn restart(profiles: &[ProfileName], common: &Common, streams: &mut Streams<'_>) -> Result<Outcome, Error> {
    each(profiles, "restarted", common, streams, |profile, streams| Ok(manager(common, streams)?.restart(profile)?))
}

/// Records what reconcile is to do with them; before anything is done, so that what cannot be saved is not done either.
fn save(
    profiles: &[ProfileName],
    running: bool,
    saved_at: Option<&Utf8Path>,
    common: &Common,
    streams: &mut Streams<'_>,
) -> Result<(), Error> {
    let Some(home) = saved_at else { return Ok(()) };
    let volume = Volume::open(home)?;
    let manager = s6(common, streams)?;
    // A gateway that is not there has nothing to be recorded of, and is told to who asks for it.
    profiles.iter().try_for_each(|profile| manager.scandir().gateway(profile).map(drop))?;
    let deadline = Deadline::after(manager.timeout());
    Ok(profiles.iter().try_for_each(|profile| volume::record(&manager, &volume, profile, running, deadline))?)
}

/// Does it to each, whether it fails for another or not, and says what came of it.
fn each(
    profiles: &[ProfileName],
    done: &str,
    common: &Common,
    streams: &mut Streams<'_>,
    act: impl Fn(&ProfileName, &mut Streams<'_>) -> Result<(), Error>,
) -> Result<Outcome, Error> {
    let mut failures = Vec::new();
    let mut said = Vec::new();
    for profile in profiles {
        let result = act(profile, streams);
        if common.json {
            let error = result.as_ref().err().map(ToString::to_string);
            said.push(json!({ "profile": profile.as_str(), "done": error.is_none(), "error": error }));
        } else if result.is_ok() && !common.quiet {
            writeln!(streams.out, "{} {profile}", styled(GREEN, done)).map_err(Error::Output)?;
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
    // What is wrong with all of them alike is said once.
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
