//! `gatewayctl`: the installer, and the hand on the live tree.

mod args;
mod doctor;
mod install;
mod lifecycle;
mod reconcile;
mod register;
mod status;

use std::ffi::OsString;
use std::time::Duration;

use clap::Parser as _;

use super::{Outcome, Streams};
use crate::error::{Context as _, Error, Mistake, Place};
use crate::manager::{Host, Kind, S6Manager, ServiceManager, Signs, detect};
use crate::profile::ProfileName;
use crate::signals;
use crate::volume::{LogDir, Volume, owner_of};
use args::{Command, Common, Gatewayctl};

/// Runs `gatewayctl` with these arguments, the program's name first, and returns its exit code: 0 done, 1 failed, 2 wrong usage
/// or invalid input; `status` also 3 some gateway is down, 4 there is no such gateway.
pub fn gatewayctl(arguments: impl IntoIterator<Item = OsString>, mut streams: Streams<'_>) -> u8 {
    let result = match Gatewayctl::try_parse_from(arguments) {
        Ok(arguments) => run(&arguments, &mut streams),
        Err(error) => return streams.clap(&error),
    };
    streams.end(result)
}

fn run(arguments: &Gatewayctl, streams: &mut Streams<'_>) -> Result<Outcome, Error> {
    let common = &arguments.common;
    if arguments.command.changes_something() {
        signals::watch().context("watch for signals as", "gatewayctl")?;
    }
    match &arguments.command {
        Command::Install(install) => install::run(install, common, streams),
        Command::Register(register) => register::register(register, common, streams),
        Command::Unregister { profiles, save, home } => {
            register::unregister(&names(profiles)?, save.then_some(home), common, streams)
        }
        Command::Reconcile(reconcile) => reconcile::run(reconcile, common, streams),
        Command::Doctor { home } => doctor::run(home, common, streams),
        Command::List => list(common, streams),
        Command::Status { profiles } => status::run(&names(profiles)?, common, streams),
        Command::Start { profiles, save, home } => {
            let saved_at = save.then(|| home.path());
            lifecycle::start(&names(profiles)?, saved_at.as_deref(), common, streams)
        }
        Command::Stop { profiles, persist, save, home } => {
            let saved_at = save.then(|| home.path());
            lifecycle::stop(&names(profiles)?, *persist, saved_at.as_deref(), common, streams)
        }
        Command::Restart { profiles } => lifecycle::restart(&names(profiles)?, common, streams),
        Command::Logs { profile, lines, follow } => {
            logs(&names(std::slice::from_ref(profile))?[0], *lines, *follow, common, streams)
        }
        Command::Detect => {
            let kind = kind(common).map_or_else(|| "none".to_owned(), |kind| kind.to_string());
            if common.json {
                streams.json(&serde_json::json!({ "manager": kind }))?;
            } else {
                writeln!(streams.out, "{kind}").map_err(Error::Output)?;
            }
            Ok(Outcome::Done)
        }
    }
}

/// The profiles, or every mistake in their names.
fn names(profiles: &[String]) -> Result<Vec<ProfileName>, Error> {
    let mut mistakes = Vec::new();
    let mut names = Vec::new();
    for profile in profiles {
        match profile.parse::<ProfileName>() {
            Ok(name) => names.push(name),
            Err(error) => mistakes.push(Mistake::at(Place::CommandLine, error)),
        }
    }
    if mistakes.is_empty() { Ok(names) } else { Err(Error::Input(mistakes)) }
}

fn kind(common: &Common) -> Option<Kind> {
    let signs = Signs { root: "/".into(), scandir: common.scandir.clone(), os: std::env::consts::OS };
    common.manager.map(Kind::from).or_else(|| detect(&signs))
}

/// The s6 manager of the common options, telling on standard error what it waits for.
fn s6<'a>(common: &Common, streams: &'a mut Streams<'_>) -> Result<S6Manager<'a>, Error> {
    let timeout = Duration::from_secs(common.timeout);
    Ok(S6Manager::new(&common.scandir, &common.s6_bin_dir, timeout)?.observer(streams.observer(common.quiet)))
}

/// The manager in charge: s6 unless the signs say another.
fn manager<'a>(common: &Common, streams: &'a mut Streams<'_>) -> Result<Box<dyn ServiceManager + 'a>, Error> {
    let uid = rustix::process::getuid().as_raw();
    match kind(common).and_then(|kind| Host::new(kind, uid)) {
        Some(host) => Ok(Box::new(host)),
        None => Ok(Box::new(s6(common, streams)?)),
    }
}

fn list(common: &Common, streams: &mut Streams<'_>) -> Result<Outcome, Error> {
    let profiles = manager(common, streams)?.list_profile_gateways()?;
    if common.json {
        let profiles: Vec<&str> = profiles.iter().map(ProfileName::as_str).collect();
        streams.json(&profiles)?;
    } else {
        for profile in profiles {
            writeln!(streams.out, "{profile}").map_err(Error::Output)?;
        }
    }
    Ok(Outcome::Done)
}

fn logs(
    profile: &ProfileName,
    lines: Option<usize>,
    follow: bool,
    common: &Common,
    streams: &mut Streams<'_>,
) -> Result<Outcome, Error> {
    let volume = Volume::open(&Volume::usual())?;
    let log = {
        let manager = s6(common, streams)?;
        let service = manager.scandir().gateway(profile)?;
        LogDir::open(&volume, profile, owner_of(&service, manager.programs(), &volume))?
    };
    streams.foreign(|out| {
        let shown = log.show(lines, out)?;
        if follow { log.follow(shown, out) } else { Ok(()) }
    })?;
    Ok(Outcome::Done)
}
