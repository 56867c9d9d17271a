//! `gatewayctl`: installs gateways, and controls those that run.

mod args;
mod common;
mod container_args;
mod doctor;
mod health;
mod install;
mod lifecycle;
mod logs;
mod metrics;
mod publish_args;
mod reconcile;
mod register;
mod repair;
mod shard;
mod show_args;
mod since;
mod status;
mod unregister;
mod watch;
mod watchdog;

use std::process::ExitCode;
use std::time::Duration;

use super::documents::Detected;
use super::outcome::Outcome;
use super::parse;
use super::streams::{Streams, with_streams};
use crate::base::watch;
use crate::disk::Context as _;
use crate::error::Error;
use crate::manager::ServiceManager as _;
use crate::spec::ProfileName;
use args::{Command, Common, Gatewayctl};
use common::{chosen, host, kind, or_near, s6, services};

/// Runs `gatewayctl` with the arguments and streams of this process, and returns its exit code: 0 done; 1 failed; 2 wrong usage or invalid
/// input; 4 there is no such gateway; 128 plus the number of the signal that ended it. `status` also returns 3: something is not up.
pub fn gatewayctl() -> ExitCode {
    with_streams(|mut streams| {
        let arguments: Gatewayctl = match parse::arguments() {
            Ok(Some(arguments)) => arguments,
            Ok(None) => return 0,
            Err(error) => return streams.clap(&error),
        };
        streams.as_json = arguments.common.json;
        let result = run(&arguments, &mut streams).map_err(|error| or_near(error, &arguments.common));
        streams.end(result)
    })
}

/// The arguments of `gatewayctl`, for the reference.
#[cfg(test)]
pub(super) fn command() -> clap::Command {
    <Gatewayctl as clap::CommandFactory>::command()
}

fn run(arguments: &Gatewayctl, streams: &mut Streams<'_>) -> Result<Outcome, Error> {
    let common = &arguments.common;
    if arguments.command.changes_something() {
        watch().context("watch for signals as", "gatewayctl")?;
    }
    match &arguments.command {
        Command::Install(install) => install::run(install, common, streams),
        Command::Register(register) => register::run(register, common, streams),
        Command::Unregister { services, save, purge, if_exists, yes, home } => {
            let saved_at = save.then_some(home);
            let how = unregister::How { saved_at, purge: *purge, is_sure: *yes, if_exists: *if_exists };
            unregister::run(&chosen(services, common, streams)?, how, common, streams)
        }
        Command::Reconcile(reconcile) => reconcile::run(reconcile, common, streams),
        Command::Watch(which) => watch::run(which, common, streams),
        Command::Repair(repair) => repair::run(repair, common, streams),
        Command::Watchdog => watchdog::run(common, streams),
        Command::Doctor { home } => doctor::run(home, common, streams),
        Command::Health { services: words, depth } => {
            health::run(&services(words, common)?, depth.depth(), common, streams)
        }
        Command::Metrics { listen } => metrics::run(listen.as_deref(), common, streams),
        Command::Shard(shard) => shard::run(shard, common, streams),
        Command::List => list(common, streams),
        Command::Status(status) => {
            let every = status.watch.map(Duration::from_secs);
            status::run(&services(&status.services, common)?, every, common, streams)
        }
        Command::Start { services, save, home } => {
            let saved_at = save.then(|| home.path());
            lifecycle::start(&chosen(services, common, streams)?, saved_at.as_deref(), common, streams)
        }
        Command::Stop { services, persist, save, home } => {
            let saved_at = save.then(|| home.path());
            lifecycle::stop(&chosen(services, common, streams)?, *persist, saved_at.as_deref(), common, streams)
        }
        Command::Restart { services, rolling } => {
            lifecycle::restart(&chosen(services, common, streams)?, *rolling, common, streams)
        }
        Command::Logs(logs) => logs::run(logs, common, streams),
        Command::Completions(completions) => completions.run("gatewayctl", streams),
        Command::Detect => {
            let kind = kind(common).map_or_else(|| "none".to_owned(), |kind| kind.to_string());
            if common.json {
                streams.json(&Detected { manager: kind })?;
            } else {
                writeln!(streams.out, "{kind}").map_err(Error::Output)?;
            }
            Ok(Outcome::Done)
        }
    }
}

fn list(common: &Common, streams: &mut Streams<'_>) -> Result<Outcome, Error> {
    let profiles = match host(common) {
        Some(host) => host.list_profile_gateways()?,
        None => s6(common, streams)?.list_profile_gateways()?,
    };
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
