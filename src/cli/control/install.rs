//! `gatewayctl install`.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

use super::args::Common;
use super::common::s6;
use super::publish_args::Install;
use crate::cli::documents::{Change, Changed, Installed};
use crate::cli::outcome::{About, Outcome};
use crate::cli::streams::{DIM, GREEN, Streams, styled};
use crate::error::Error;
use crate::s6::{Checked, Published, Scandir, are_apart, move_out, plan, read_trees};
use crate::source::{Mistake, Place};
use crate::spec::{ServiceName, SpecError};

pub(super) fn run(arguments: &Install, common: &Common, streams: &mut Streams<'_>) -> Result<Outcome, Error> {
    let scandir = arguments.into.as_ref().unwrap_or(&common.scandir);
    let wanted = read(&arguments.trees, arguments.moves)?;
    let checked: Vec<Checked> = wanted.iter().map(|(_, checked)| checked.clone()).collect();
    let (published, live) = if arguments.dry_run {
        let scandir = Scandir::open(scandir)?;
        are_apart(&scandir, &checked)?;
        (plan(&scandir, &checked, arguments.update)?, scandir.is_live()?)
    } else {
        let common =
            Common { scandir: scandir.clone(), manager: None, s6_bin_dir: common.s6_bin_dir.clone(), ..*common };
        let manager = s6(&common, streams)?.control_group(arguments.control_group.name());
        let installed = manager.install(&checked, arguments.update)?;
        (installed.published, installed.live)
    };
    if arguments.moves && !arguments.dry_run {
        for tree in &arguments.trees {
            let of_tree: Vec<&ServiceName> =
                wanted.iter().filter(|(of, _)| *of == tree).map(|(_, checked)| checked.service()).collect();
            move_out(tree, &of_tree)?;
        }
    }
    let changes = || checked.iter().zip(&published);
    if common.json {
        let directories = changes()
            .map(|(checked, change)| Changed { about: About::named(checked.service()), change: document(*change) });
        streams.json(&Installed {
            scandir: scandir.to_string(),
            live,
            dry_run: arguments.dry_run,
            directories: directories.collect(),
        })?;
    } else if !common.quiet {
        for (checked, change) in changes() {
            let style = if *change == Published::Unchanged { DIM } else { GREEN };
            let path = scandir.join(checked.service().directory());
            let due = if *change == Published::Updated { "  restart it to apply the change" } else { "" };
            let would = if arguments.dry_run { "would be " } else { "" };
            let word = styled(style, format_args!("{would}{:<9}", word(*change)));
            writeln!(streams.out, "{word} {path}{}", styled(DIM, due)).map_err(Error::Output)?;
        }
        if !live {
            streams.out.flush().map_err(Error::Output)?;
            writeln!(streams.err, "no s6-svscan watches {scandir} yet; the gateways start as soon as one does")
                .map_err(Error::Output)?;
        }
    }
    Ok(Outcome::Done)
}

/// The service directories of all trees, each with its tree. Two trees must not have the same one.
fn read(trees: &[Utf8PathBuf], moved: bool) -> Result<Vec<(&Utf8Path, Checked)>, Error> {
    let wanted = read_trees(trees, moved)?;
    let mut seen = BTreeSet::new();
    let twice = wanted.iter().filter(|(_, checked)| !seen.insert(checked.service()));
    let mistakes: Vec<Mistake> = twice
        .map(|(tree, checked)| {
            let problem = match checked.service() {
                ServiceName::Gateway(profile) => SpecError::ProfileTwice(profile.clone()),
                service => SpecError::ServiceTwice(service.clone()),
            };
            Mistake::at(Place::File((*tree).to_owned()), problem)
        })
        .collect();
    if mistakes.is_empty() { Ok(wanted) } else { Err(Error::input(mistakes)) }
}

fn word(change: Published) -> &'static str {
    match change {
        Published::Created => "created",
        Published::Updated => "updated",
        Published::Unchanged => "unchanged",
    }
}

fn document(change: Published) -> Change {
    match change {
        Published::Created => Change::Created,
        Published::Updated => Change::Updated,
        Published::Unchanged => Change::Unchanged,
    }
}
