//! `gen-service … --out DIR`: writes, and says what it did.

use anstyle::Style;
use camino::Utf8Path;
use serde::Serialize;

use super::args::GenService;
use super::outcome::{About, Outcome};
use super::streams::{DIM, GREEN, RED, Streams, styled};
use crate::base::watch;
use crate::disk::Context as _;
use crate::error::Error;
use crate::spec::Gateway;
use crate::spec::ProfileName;
use crate::tree::{self, Change, Permit};

pub(super) fn run(
    arguments: &GenService,
    out: &Utf8Path,
    gateways: &[Gateway],
    streams: &mut Streams<'_>,
) -> Result<Outcome, Error> {
    let permit = Permit { prune: arguments.prune, force: arguments.force };
    // From here on a signal has the run take back what it did.
    watch().context("watch for signals as", "gen-service")?;
    let report = tree::write(out, gateways, permit, &mut streams.observer(arguments.quiet))?;
    let changes = || gateways.iter().zip(&report.changes).map(|(gateway, change)| (gateway, *change));
    if arguments.json {
        let written = changes().map(|(gateway, change)| Said::new(About::new(gateway), change));
        let removed = report.removed.iter().map(|profile| Said::new(about_removed(profile), Change::Removed));
        let said = Document { out: out.as_str(), directories: written.chain(removed).collect() };
        streams.json(&said)?;
    } else if !arguments.quiet {
        let mut say = |change, profile: &ProfileName, note: String| {
            let (word, style) = word(change);
            let path = out.join(profile.service_name());
            writeln!(streams.out, "{} {path}{note}", styled(style, format_args!("{word:<9}"))).map_err(Error::Output)
        };
        for (gateway, change) in changes() {
            let port = gateway.port().map(|port| format!("  {}", styled(DIM, format_args!("port {port}"))));
            say(change, gateway.profile(), port.unwrap_or_default())?;
        }
        for profile in &report.removed {
            say(Change::Removed, profile, String::new())?;
        }
    }
    Ok(Outcome::Done)
}

fn word(change: Change) -> (&'static str, Style) {
    match change {
        Change::Created => ("created", GREEN),
        Change::Updated => ("updated", GREEN),
        Change::Unchanged => ("unchanged", DIM),
        Change::Removed => ("removed", RED),
    }
}

#[derive(Serialize)]
struct Document<'a> {
    out: &'a str,
    directories: Vec<Said>,
}

#[derive(Serialize)]
struct Said {
    #[serde(flatten)]
    about: About,
    change: &'static str,
}

impl Said {
    fn new(about: About, change: Change) -> Self {
        Self { about, change: word(change).0 }
    }
}

fn about_removed(profile: &ProfileName) -> About {
    About { profile: profile.to_string(), name: profile.service_name(), port: None }
}
