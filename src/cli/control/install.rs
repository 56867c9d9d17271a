//! `gatewayctl install`.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::json;

use super::args::{Common, Install};
use super::common::s6;
use crate::cli::outcome::Outcome;
use crate::cli::streams::{DIM, GREEN, Streams, styled};
use crate::error::Error;
use crate::s6::{Checked, Published, Scandir, move_out, plan, read_trees};
use crate::source::{Mistake, Place};
use crate::spec::ProfileName;
use crate::spec::SpecError;

pub(super) fn run(arguments: &Install, common: &Common, streams: &mut Streams<'_>) -> Result<Outcome, Error> {
    let scandir = arguments.into.as_ref().unwrap_or(&common.scandir);
    let wanted = read(&arguments.trees, arguments.moves)?;
    let checked: Vec<Checked> = wanted.iter().map(|(_, checked)| checked.clone()).collect();
    let (published, live) = if arguments.dry_run {
        let scandir = Scandir::open(scandir)?;
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
            let of_tree: Vec<&ProfileName> =
                wanted.iter().filter(|(of, _)| *of == tree).map(|(_, checked)| checked.profile()).collect();
            move_out(tree, &of_tree)?;
        }
    }
    let changes = || checked.iter().zip(&published);
    if common.json {
        let directories: Vec<_> = changes()
            .map(|(checked, change)| {
                let profile = checked.profile();
                json!({ "profile": profile.as_str(), "name": profile.service_name(), "change": word(*change) })
            })
            .collect();
        let said = json!({
            "scandir": scandir.as_str(), "live": live, "dry_run": arguments.dry_run, "directories": directories,
        });
        streams.json(&said)?;
    } else if !common.quiet {
        for (checked, change) in changes() {
            let style = if *change == Published::Unchanged { DIM } else { GREEN };
            let path = scandir.join(checked.profile().service_name());
            let due = if *change == Published::Updated { "  restart it to take effect" } else { "" };
            let would = if arguments.dry_run { "would be " } else { "" };
            let word = styled(style, format_args!("{would}{:<9}", word(*change)));
            writeln!(streams.out, "{word} {path}{}", styled(DIM, due)).map_err(Error::Output)?;
        }
        if !live {
            streams.out.flush().map_err(Error::Output)?;
            writeln!(streams.err, "no s6-svscan watches {scandir} yet: the gateways start when one does")
                .map_err(Error::Output)?;
        }
    }
    Ok(Outcome::Done)
}

/// The service directories of all trees, each with its tree; one profile may stand in one tree only.
fn read(trees: &[Utf8PathBuf], moved: bool) -> Result<Vec<(&Utf8Path, Checked)>, Error> {
    let wanted = read_trees(trees, moved)?;
    let mut seen = BTreeSet::new();
    let twice = wanted.iter().filter(|(_, checked)| !seen.insert(checked.profile()));
    let mistakes: Vec<Mistake> = twice
        .map(|(tree, checked)| {
            Mistake::at(Place::File((*tree).to_owned()), SpecError::ProfileTwice(checked.profile().clone()))
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
