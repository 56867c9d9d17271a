//! What happened to each profile, and the words for it.

use super::error::BootError;
use crate::hermes::Release;
use crate::s6::S6Error;
use crate::spec::ProfileName;
use crate::spec::shard::ShardCount;
use crate::volume::{Broken, Intent};

/// What happened to each profile.
#[derive(Debug, Default)]
pub(crate) struct Reconciled {
    /// Every profile: first those of the manifest in its order, then those registered at run time, then the others by name.
    pub(crate) profiles: Vec<Outcome>,
    /// The gateways that nobody needs and that still exist.
    pub(crate) orphans: Vec<Orphan>,
    /// The profiles that can have no gateway, and why.
    pub(crate) broken: Vec<Broken>,
    /// What went wrong without stopping anything, one sentence each.
    pub(crate) warnings: Vec<String>,
    /// Whether everything was looked at. Otherwise this covers only a part.
    pub(crate) is_whole: bool,
}

/// A gateway that nobody needs.
#[derive(Debug)]
pub(crate) struct Orphan {
    /// Its profile.
    pub(crate) profile: ProfileName,
    /// Why nobody needs it.
    pub(crate) why: Why,
}

/// Why nobody needs a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// Its profile is not on the volume.
    Gone,
    /// The gateway of the root profile serves it. That gateway has this release, and its variable has this value.
    Served(Option<bool>, Option<&'static Release>),
}

/// What happened to one profile.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The profile.
    pub(crate) profile: ProfileName,
    /// What Hermes had recorded.
    pub(crate) intent: Intent,
    /// What was done, or would be done.
    pub(crate) action: Action,
}

/// What a run does for a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Its service directory was made, and it starts.
    Started,
    /// Its service directory was made, and it stays down until somebody starts it.
    Down,
    /// Hermes' own manager had made its service directory, and a new one takes its place.
    Adopted,
    /// Its profile is gone, and its gateway was taken out.
    Removed,
    /// The gateway of the root profile serves it, and its own gateway was taken out.
    Merged,
    /// The gateway of the root profile serves it, or will, so it has no gateway of its own.
    Served,
    /// The same, but that gateway does not report this profile yet. It looks for profiles when it starts.
    ServedNext,
    /// The gateway of the root profile would serve it, but somebody stopped it.
    Parked,
    /// Its service directory existed.
    Unchanged,
    /// s6-rc runs it, by a definition of the image, and alone decides when.
    LeftToS6Rc,
    /// It belongs to another container.
    Elsewhere,
    /// The manifest names it, and it is not on the volume.
    Absent,
    /// The same, but Hermes would make it.
    Made,
    /// It is still on the volume of this shard, of this former number of shards, and has to be moved from there.
    Awaited(u32, ShardCount),
}

impl Action {
    /// The word for it.
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
    /// The most broken profiles that are named one by one. So a user who fills the volume does not fill a log.
    const MOST_TOLD: usize = 50;

    /// Records that a profile has no gateway after all.
    pub(super) fn fail(&mut self, profile: &ProfileName, problem: String) {
        self.profiles.retain(|outcome| outcome.profile != *profile);
        self.broken.push(Broken { name: profile.to_string(), problem });
    }

    /// Records what happened to a gateway that nobody needs.
    pub(super) fn removed(&mut self, Orphan { profile, why }: Orphan, result: Result<(), BootError>) {
        let action = if why == Why::Gone { Action::Removed } else { Action::Merged };
        self.profiles.retain(|outcome| outcome.profile != profile);
        match result {
            Ok(()) => self.profiles.push(Outcome { profile, intent: Intent::Nothing, action }),
            Err(error) => self.broken.push(Broken { name: profile.to_string(), problem: error.to_string() }),
        }
    }

    /// What is wrong, one sentence each. At most fifty of them are about single profiles.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let broken = self.broken.iter().take(Self::MOST_TOLD);
        let broken = broken.map(|Broken { name, problem }| format!("profile {name}: {problem}"));
        let more = self.broken.len().saturating_sub(Self::MOST_TOLD);
        let more =
            (more > 0).then(|| format!("{more} more profiles have no gateway; reconcile --dry-run --json names them"));
        let orphans = self.orphans.iter().take(Self::MOST_TOLD).map(|Orphan { profile, why }| match why {
            Why::Gone => {
                format!("gateway {profile} has no profile on the volume; take it out with reconcile --prune, or keep it with register --save")
            }
            Why::Served(..) => {
                format!("gateway {profile} is not needed, because the gateway of default serves that profile; take it out with reconcile --prune")
            }
        });
        broken.chain(more).chain(orphans).chain(self.warnings.iter().cloned()).collect()
    }

    /// The text for the log of boots: a line for each profile of this container, and for each broken profile.
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
