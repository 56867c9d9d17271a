//! What became of each profile, and how it is told.

use super::error::BootError;
use crate::hermes::Release;
use crate::s6::S6Error;
use crate::spec::ProfileName;
use crate::spec::shard::ShardCount;
use crate::volume::{Broken, Intent};

/// What became of each profile.
#[derive(Debug, Default)]
pub(crate) struct Reconciled {
    /// Every profile, in the order of the manifest, then of what was registered at run time, then by name.
    pub(crate) profiles: Vec<Outcome>,
    /// The gateways that nobody needs, and that are still there.
    pub(crate) orphans: Vec<Orphan>,
    /// What can have no gateway, and why.
    pub(crate) broken: Vec<Broken>,
    /// What went wrong without stopping anything, one sentence each.
    pub(crate) warnings: Vec<String>,
    /// Whether all was looked at. Else this is only what came of some.
    pub(crate) is_whole: bool,
}

/// A gateway that nobody needs.
#[derive(Debug)]
pub(crate) struct Orphan {
    /// Whose it is.
    pub(crate) profile: ProfileName,
    /// Why not.
    pub(crate) why: Why,
}

/// Why nobody needs a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// Its profile is not on the volume.
    Gone,
    /// The root profile's gateway serves it, which is of this release, and to which the variable says this.
    Served(Option<bool>, Option<&'static Release>),
}

/// What became of one profile.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The profile.
    pub(crate) profile: ProfileName,
    /// What Hermes had recorded.
    pub(crate) intent: Intent,
    /// What was done, or would be.
    pub(crate) action: Action,
}

/// What is done for a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Its service directory was made, and it starts.
    Started,
    /// Its service directory was made, and it is down until somebody starts it.
    Down,
    /// Its service directory was there, of Hermes' own manager's making, and is made anew.
    Adopted,
    /// Its profile is gone, and its gateway was taken out.
    Removed,
    /// The root profile's gateway serves it, and its own was taken out.
    Merged,
    /// The root profile's gateway serves it, or will, so it has none of its own.
    Served,
    /// The same, but by its own word it does not do so yet: it looks for profiles when it starts.
    ServedNext,
    /// The root profile's gateway would serve it, but somebody stopped it.
    Parked,
    /// Its service directory was there.
    Unchanged,
    /// s6-rc runs it, by a definition of the image, and decides alone when.
    LeftToS6Rc,
    /// It is another container's.
    Elsewhere,
    /// The manifest names it, and it is not on the volume.
    Absent,
    /// The same, and Hermes would make it.
    Made,
    /// It is on the volume of this shard, of so many that there were, and is to be brought from there.
    Awaited(u32, ShardCount),
}

impl Action {
    /// One word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Down => "down",
            Self::Adopted => "adopted",
            Self::Removed | Self::Merged => "removed",
            Self::Served | Self::ServedNext => "served",
            Self::Parked => "parked",
            Self::Unchanged => "unchanged",
            Self::LeftToS6Rc => "left",
            Self::Elsewhere => "elsewhere",
            Self::Absent => "absent",
            Self::Made => "made",
            Self::Awaited(..) => "awaited",
        }
    }
}

impl Reconciled {
    /// The most broken profiles that are told of one by one: whoever fills the volume fills no log.
    const MOST_TOLD: usize = 50;

    /// Says that a profile has no gateway after all.
    pub(super) fn fail(&mut self, profile: &ProfileName, problem: String) {
        self.profiles.retain(|outcome| outcome.profile != *profile);
        self.broken.push(Broken { name: profile.to_string(), problem });
    }

    /// Says what came of a gateway that nobody needs.
    pub(super) fn removed(&mut self, Orphan { profile, why }: Orphan, result: Result<(), BootError>) {
        let action = if why == Why::Gone { Action::Removed } else { Action::Merged };
        self.profiles.retain(|outcome| outcome.profile != profile);
        match result {
            Ok(()) => self.profiles.push(Outcome { profile, intent: Intent::Nothing, action }),
            Err(error) => self.broken.push(Broken { name: profile.to_string(), problem: error.to_string() }),
        }
    }

    /// What is wrong, a sentence each, with no more than fifty about single profiles.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let broken = self.broken.iter().take(Self::MOST_TOLD);
        let broken = broken.map(|Broken { name, problem }| format!("profile {name}: {problem}"));
        let more = self.broken.len().saturating_sub(Self::MOST_TOLD);
        let more = (more > 0)
            .then(|| format!("and {more} more profiles that have no gateway; reconcile --dry-run --json names them"));
        let orphans = self.orphans.iter().take(Self::MOST_TOLD).map(|Orphan { profile, why }| match why {
            Why::Gone => {
                format!("gateway {profile} has no profile on the volume; reconcile --prune takes it out, register --save keeps it")
            }
            Why::Served(..) => {
                format!("gateway {profile} is not needed, since the gateway of default serves that profile; reconcile --prune takes it out")
            }
        });
        broken.chain(more).chain(orphans).chain(self.warnings.iter().cloned()).collect()
    }

    /// What stands in the log of boots: a line for each profile that is this container's, and for each that is broken.
    pub(super) fn lines(&self, failure: Option<&S6Error>) -> String {
        let here = self.profiles.iter().filter(|outcome| outcome.action != Action::Elsewhere);
        let profiles = here.map(|Outcome { profile, intent, action }| {
            let made = matches!(action, Action::Started | Action::Down | Action::Adopted);
            let action = if failure.is_some() && made { "failed" } else { action.word() };
            format!("profile={profile} prior_state={intent} action={action}\n")
        });
        let broken = self.broken.iter().take(Self::MOST_TOLD).map(|Broken { name, problem }| {
            format!("profile={name:?} prior_state=unknown action=skipped reason={problem:?}\n")
        });
        let failure = failure.map(|failure| format!("error={:?}\n", failure.to_string()));
        profiles.chain(broken).chain(failure).collect()
    }
}
