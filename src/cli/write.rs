//! `gen-service … --out DIR`: writes the files and reports each change.

use anstyle::Style;
use camino::Utf8Path;

use super::args::GenService;
use super::documents::{self, Changed, Written};
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
    // If a signal comes from now on, the run takes back what it did.
    watch().context("watch for signals as", "gen-service")?;
    let report = tree::write(out, layout, services, permit, &mut streams.observer(arguments.quiet))?;
    let path = |service: &ServiceName| Layout::path(layout.services(), &service.directory());
    let changes = || services.iter().zip(&report.changes).map(|(service, change)| (service, *change));
    if arguments.json {
        let written = changes().map(|(service, change)| Changed {
            about: About::new(service).at(&path(&service.name())),
            change: document(change),
        });
        let removed = report.removed.iter().map(|service| Changed {
            about: About::named(service).at(&path(service)),
            change: document(Change::Removed),
        });
        streams.json(&Written { out: out.to_string(), directories: written.chain(removed).collect() })?;
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

fn document(change: Change) -> documents::Change {
    match change {
        Change::Created => documents::Change::Created,
        Change::Updated => documents::Change::Updated,
        Change::Unchanged => documents::Change::Unchanged,
        Change::Removed => documents::Change::Removed,
    }
}
