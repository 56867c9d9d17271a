//! Which profiles the root profile's gateway serves, so that they need none of their own.
//!
//! Where it does so by the volume's word, that decides nothing about what root's manifest or root's saved file names but whether it starts.

use std::collections::BTreeMap;

use super::outcome::{Action, Reconciled};
use super::serving::{multiplexing_variable, release, said_by};
use super::wanted::Wanted;
use crate::hermes::Release;
use crate::spec::environment::switch;
use crate::spec::options::UserName;
use crate::spec::{Gateway, ProfileName};
use crate::volume::{Kept, MOST_READ, Multiplexing, Volume};

/// What the root profile's gateway takes over.
#[derive(Debug)]
pub(super) struct Served {
    multiplexing: Option<Multiplexing>,
    /// What the variable says to that gateway.
    pub(super) variable: Option<bool>,
    /// Of which release it is.
    pub(super) release: Option<&'static Release>,
    /// Who runs it.
    user: UserName,
    /// What keeps those from it that something keeps.
    kept: BTreeMap<ProfileName, Kept>,
    /// Whether any of those that it takes over was to run.
    runs_for_others: bool,
}

/// What there is for a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A gateway of its own.
    Own,
    /// One that is down until somebody starts it.
    Down,
    /// None.
    Nothing,
}

impl Served {
    pub(super) fn of(volume: &Volume, wanted: &[Wanted]) -> Self {
        let root = wanted.iter().find(|wanted| wanted.profile.is_default());
        let variable = multiplexing_variable(root.into_iter().flat_map(|root| root.options.environment.values()));
        let user = root.and_then(|root| root.options.user.clone()).unwrap_or_default();
        // In a home of its own, it has nobody else to serve.
        let root = root.filter(|root| !root.options.is_isolated());
        let program = root.and_then(|root| root.options.hermes.clone()).unwrap_or_default();
        let release = release(&program);
        let multiplexing = root.and_then(|_| volume.multiplexing(variable, release));
        let mut served = Self { multiplexing, variable, release, user, kept: BTreeMap::new(), runs_for_others: false };
        if served.multiplexing.is_some() {
            let mut left = MOST_READ;
            let all =
                wanted.iter().map(|wanted| (wanted.profile.clone(), volume.kept(&wanted.profile, release, &mut left)));
            served.kept = all.filter(|(_, kept)| *kept != Kept::Not).collect();
        }
        served.runs_for_others = wanted
            .iter()
            .any(|wanted| served.takes(wanted) && !served.is_parked(&wanted.profile) && wanted.intent.is_running());
        served
    }

    /// Whether it takes this one over: not one of another user, or home, nor one that is told that it does not, or has its own by its own word.
    fn takes(&self, wanted: &Wanted) -> bool {
        let says_no = said_by(wanted.options.environment.values()).and_then(switch) == Some(false);
        self.multiplexing.is_some()
            && !wanted.profile.is_default()
            && !wanted.options.is_isolated()
            && wanted.options.user.clone().unwrap_or_default() == self.user
            && self.kept.get(&wanted.profile) != Some(&Kept::Apart)
            && (!says_no || self.always())
    }

    /// Whether it does so whatever anybody says.
    fn always(&self) -> bool {
        self.release.is_some_and(Release::serves_all)
    }

    fn is_parked(&self, profile: &ProfileName) -> bool {
        self.kept.get(profile) == Some(&Kept::Parked)
    }

    /// Whether a gateway that is there for this profile is one too many.
    pub(super) fn is_too_many(&self, wanted: &Wanted) -> bool {
        self.is_on() && !wanted.named && self.takes(wanted)
    }

    fn is_on(&self) -> bool {
        self.multiplexing.as_ref().is_some_and(Multiplexing::is_on)
    }

    /// What there is to be for a profile; `there` says whether it has a gateway now. One that somebody named has one, as a person may start it.
    pub(super) fn place(&self, wanted: &Wanted, there: bool) -> Place {
        if !self.takes(wanted) || there && !self.is_on() {
            Place::Own
        } else if wanted.named {
            Place::Down
        } else {
            Place::Nothing
        }
    }

    /// Whether this gateway is down for what is recorded: the root profile's is not if it is to run for others, unless an operator said so.
    pub(super) fn is_down(&self, wanted: &Wanted) -> bool {
        let runs_for_others = self.runs_for_others && wanted.profile.is_default() && !wanted.intent.is_desired();
        !wanted.intent.is_running() && !runs_for_others
    }

    /// How a profile is served that has no gateway of its own.
    pub(super) fn action(&self, profile: &ProfileName) -> Action {
        let is_next = self.multiplexing.as_ref().is_some_and(|multiplexing| multiplexing.leaves_out(profile));
        if self.is_parked(profile) {
            Action::Parked
        } else if is_next {
            Action::ServedNext
        } else {
            Action::Served
        }
    }

    /// Has a gateway not replace the one that serves its profile, where that can be.
    pub(super) fn fit(&self, gateway: &mut Gateway) {
        if self.multiplexing.is_some() || self.release.is_some_and(Release::replaces_others) {
            gateway.stay_beside();
        }
    }
}

/// Says that nobody serves the profiles that were to run; `root_runs` says whether the root profile's gateway runs, or will.
pub(super) fn complain(root_runs: bool, done: &mut Reconciled) {
    let is_served = |action| matches!(action, Action::Served | Action::ServedNext);
    if !root_runs && done.profiles.iter().any(|outcome| is_served(outcome.action) && outcome.intent.is_running()) {
        let what = "nobody serves the profiles that the gateway of default is to serve, since it is down; gatewayctl start default";
        done.warnings.push(what.to_owned());
    }
}
