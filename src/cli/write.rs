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
use crate::spec::options::Layout;
use crate::spec::{Service, ServiceName};
use crate::tree::{self, Change, Permit};

pub(super) fn run(
    arguments: &GenService,
    (out, layout): (&Utf8Path, Layout),
    services: &[Service],
    streams: &mut Streams<'_>,
) -> Result<Outcome, Error> {
    let parts = arguments.parts();
    let permit = Permit { prune: if arguments.prune { &parts } else { &[] }, force: arguments.force };
    // From here on a signal has the run take back what it did.
    watch().context("watch for signals as", "gen-service")?;
    let report = tree::write(out, layout, services, permit, &mut streams.observer(arguments.quiet))?;
    let path = |service: &ServiceName| Layout::path(layout.services(), &service.directory());
    let changes = || services.iter().zip(&report.changes).map(|(service, change)| (service, *change));
    if arguments.json {
        let written =
            changes().map(|(service, change)| Said::new(About::new(service).at(&path(&service.name())), change));
        let removed =
            report.removed.iter().map(|service| Said::new(About::named(service).at(&path(service)), Change::Removed));
        let said = Document { out: out.as_str(), directories: written.chain(removed).collect() };
        streams.json(&said)?;
    } else if !arguments.quiet {
        let mut say = |change, service: &ServiceName, note: String| {
            let (word, style) = word(change);
            let path = out.join(path(service));
            writeln!(streams.out, "{} {path}{note}", styled(style, format_args!("{word:<9}"))).map_err(Error::Output)
        };
        for (service, change) in changes() {
            let port = service.port().map(|port| format!("  {}", styled(DIM, format_args!("port {port}"))));
            say(change, &service.name(), port.unwrap_or_default())?;
        }
        for service in &report.removed {
            say(Change::Removed, service, String::new())?;
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
