//! `gatewayctl watch`.

use std::collections::BTreeSet;
use std::time::Duration;

use super::args::Common;
use super::container_args::Which;
use super::reconcile::{Chosen, say};
use crate::boot::{Action, BootError, Looks, Outcome, Reconcile, Reconciled, follow};
use crate::cli::outcome::Outcome as Ended;
use crate::cli::streams::Streams;
use crate::error::Error;
use crate::manager::S6Manager;

/// So many complaints are kept in mind.
const MOST_TOLD: usize = 1_000;

struct Watch<'a> {
    chosen: Chosen,
    common: &'a Common,
}

impl Looks for Watch<'_> {
    fn reconcile(&self) -> Result<Reconcile, BootError> {
        // A boot is what the hook does.
        Ok(Reconcile { bootstrap: false, logs: false, ..self.chosen.reconcile()? })
    }

    fn manager(&self) -> Result<S6Manager<'static>, BootError> {
        let timeout = Duration::from_secs(self.common.timeout);
        let manager = S6Manager::new(&self.common.scandir, &self.common.s6_bin_dir, timeout)?;
        Ok(manager.control_group(self.chosen.control_group.clone()))
    }
}

pub(super) fn run(which: &Which, common: &Common, streams: &mut Streams<'_>) -> Result<Ended, Error> {
    let watch = Watch { chosen: Chosen::new(which)?, common };
    let mut told = BTreeSet::new();
    let mut failure = None;
    follow(&watch, &mut |done| {
        failure = failure.take().or(tell(done, &mut told, common.quiet, streams).err());
    })?;
    failure.map_or(Ok(Ended::Done), Err)
}

/// Says what came, went and was adopted, and each complaint once as long as it holds.
fn tell(done: &Reconciled, told: &mut BTreeSet<String>, quiet: bool, streams: &mut Streams<'_>) -> Result<(), Error> {
    let is_news = |outcome: &&Outcome| {
        matches!(outcome.action, Action::Started | Action::Down | Action::Adopted | Action::Removed | Action::Merged)
    };
    say(done.profiles.iter().filter(is_news), false, quiet, streams)?;
    let complaints = done.complaints();
    for complaint in complaints.iter().filter(|complaint| !told.contains(*complaint)) {
        streams.warning(complaint);
    }
    if done.is_whole {
        // What is no complaint any more may be one again.
        told.clear();
    }
    let room = MOST_TOLD.saturating_sub(told.len());
    told.extend(complaints.into_iter().take(room));
    Ok(())
}
