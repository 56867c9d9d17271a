//! `gatewayctl repair`.

use super::args::Common;
use super::container_args::Repair as Arguments;
use crate::base::text::Plain;
use crate::cli::documents::{LeftAlone, Repaired};
use crate::cli::outcome::Outcome;
use crate::cli::streams::{GREEN, Streams, styled};
use crate::error::Error;
use crate::s6::Programs;
use crate::source::{Mistake, Place};
use crate::spec::options::UserName;
use crate::volume::{Identity, Left, Repair, Rules, Volume, VolumeError};

/// The most paths that are listed one by one.
const MOST_TOLD: usize = 20;

pub(super) fn run(arguments: &Arguments, common: &Common, streams: &mut Streams<'_>) -> Result<Outcome, Error> {
    let user: UserName =
        arguments.user.parse().map_err(|error| Error::input(vec![Mistake::at(Place::CommandLine, error)]))?;
    let programs = Programs::new(&common.s6_bin_dir)?;
    let to = Identity::of(user.as_str(), &programs).ok_or(VolumeError::NoUser(user))?;
    let volume = Volume::open(&arguments.home.path())?;
    let done = volume.repair(Rules { to, from_owner: arguments.from_owner, dry_run: arguments.dry_run })?;
    if common.json {
        let left = done
            .left
            .iter()
            .map(|Left { what, problem }| LeftAlone { path: what.to_string(), problem: problem.clone() });
        streams.json(&Repaired {
            dry_run: arguments.dry_run,
            given: done.given.iter().map(ToString::to_string).collect(),
            more_given: done.more_given,
            left: left.collect(),
        })?;
    } else {
        say(&done, arguments.dry_run, common.quiet, streams)?;
    }
    Ok(Outcome::Done)
}

fn say(done: &Repair, dry_run: bool, quiet: bool, streams: &mut Streams<'_>) -> Result<(), Error> {
    let word = styled(GREEN, if dry_run { "would give" } else { "gave" });
    for what in done.given.iter().take(MOST_TOLD).filter(|_| !quiet) {
        writeln!(streams.out, "{word} {}", Plain(&what.to_string())).map_err(Error::Output)?;
    }
    let more = done.given.len().saturating_sub(MOST_TOLD) + done.more_given;
    if more > 0 && !quiet {
        writeln!(streams.out, "{word} {more} more").map_err(Error::Output)?;
    }
    streams.out.flush().map_err(Error::Output)?;
    for Left { what, problem } in done.left.iter().take(MOST_TOLD) {
        streams.warning(&format!("{what}: {problem}"));
    }
    let more = done.left.len().saturating_sub(MOST_TOLD);
    if more > 0 {
        streams.warning(&format!("and {more} more; repair --dry-run --json names them"));
    }
    Ok(())
}
