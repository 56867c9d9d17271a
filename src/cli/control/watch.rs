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
use crate::spec::ProfileName;

/// The most complaints that it remembers.
const MOST_TOLD: usize = 1_000;

/// What was printed already, and is not printed again.
#[derive(Default)]
struct Told {
    complaints: BTreeSet<String>,
    /// The profiles that the root profile's gateway serves.
    served: BTreeSet<ProfileName>,
}

struct Watch<'a> {
    chosen: Chosen,
    common: &'a Common,
}

impl Looks for Watch<'_> {
    fn reconcile(&self) -> Result<Reconcile, BootError> {
        // Only the hook at boot creates profiles. A profile that somebody deletes later does not come back at once.
        Ok(Reconcile { bootstrap: false, creates: false, logs: false, ..self.chosen.reconcile()? })
    }

    fn manager(&self) -> Result<S6Manager<'static>, BootError> {
        let timeout = Duration::from_secs(self.common.timeout);
        let manager = S6Manager::new(&self.common.scandir, &self.common.s6_bin_dir, timeout)?;
        Ok(manager.control_group(self.chosen.control_group.clone()))
    }
}

pub(super) fn run(which: &Which, common: &Common, streams: &mut Streams<'_>) -> Result<Ended, Error> {
    let watch = Watch { chosen: Chosen::new(which)?, common };
    let mut told = Told::default();
    let mut failure = None;
    follow(&watch, &mut |done| {
        failure = failure.take().or(tell(done, &mut told, common.quiet, streams).err());
    })?;
    failure.map_or(Ok(Ended::Done), Err)
}

/// Prints each gateway that came, went, was adopted, or is now served by another one. Prints each complaint once while it lasts.
fn tell(done: &Reconciled, told: &mut Told, quiet: bool, streams: &mut Streams<'_>) -> Result<(), Error> {
    let is_served = |outcome: &&Outcome| matches!(outcome.action, Action::Served | Action::ServedNext);
    let is_news = |outcome: &&Outcome| match outcome.action {
        Action::Started | Action::Down | Action::Adopted | Action::Removed | Action::Merged => true,
        Action::Served | Action::ServedNext => !told.served.contains(&outcome.profile),
        Action::Unchanged
        | Action::LeftToS6Rc
        | Action::Elsewhere
        | Action::Absent
        | Action::Made
        | Action::Awaited(..)
        | Action::Parked => false,
    };
    say(done.profiles.iter().filter(is_news), false, quiet, streams)?;
    let complaints = done.complaints();
    for complaint in complaints.iter().filter(|complaint| !told.complaints.contains(*complaint)) {
        streams.warning(complaint);
    }
    if done.is_whole {
        // A complaint that ended may come again.
        told.complaints.clear();
        told.served = done.profiles.iter().filter(is_served).map(|outcome| outcome.profile.clone()).collect();
    }
    let room = MOST_TOLD.saturating_sub(told.complaints.len());
    told.complaints.extend(complaints.into_iter().take(room));
    Ok(())
}
