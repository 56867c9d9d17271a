//! Which profiles the gateway of the root profile serves, so that they need no gateway of their own.
//!
//! If only the volume says that it serves them, this decides one thing about gateways that root's manifest or root's saved file names: whether they
//! start.

use std::collections::BTreeMap;

use super::outcome::{Action, Reconciled};
use super::serving::{multiplexing_variable, release, said_by};
use super::wanted::Wanted;
use crate::hermes::Release;
use crate::spec::environment::switch;
use crate::spec::options::UserName;
use crate::spec::{Gateway, ProfileName};
use crate::volume::{Kept, MOST_READ, Multiplexing, Volume};

/// The profiles that the gateway of the root profile takes over.
#[derive(Debug)]
pub(super) struct Served {
    multiplexing: Option<Multiplexing>,
    /// The value of the variable for that gateway.
    pub(super) variable: Option<bool>,
    /// Its release.
    pub(super) release: Option<&'static Release>,
    /// The user that runs it.
    user: UserName,
    /// For each profile that it cannot take over, the reason.
    kept: BTreeMap<ProfileName, Kept>,
    /// Whether any of those that it takes over should run.
    runs_for_others: bool,
}

/// The gateway that a profile gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Its own gateway.
    Own,
    /// Its own gateway, which stays down until somebody starts it.
    Down,
    /// No gateway.
    Nothing,
}

impl Served {
    pub(super) fn of(volume: &Volume, wanted: &[Wanted]) -> Self {
        let root = wanted.iter().find(|wanted| wanted.profile.is_default());
        let variable = multiplexing_variable(root.into_iter().flat_map(|root| root.options.environment.values()));
        let user = root.and_then(|root| root.options.user.clone()).unwrap_or_default();
        // If it has its own home, there is no other profile to serve.
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

    /// Whether it takes this profile over. It does not if the gateway of the profile has another user or home, is configured not to be served, or
    /// reports its own gateway.
    fn takes(&self, wanted: &Wanted) -> bool {
        let says_no = said_by(wanted.options.environment.values()).and_then(switch) == Some(false);
        self.multiplexing.is_some()
            && !wanted.profile.is_default()
            && !wanted.options.is_isolated()
            && wanted.options.user.clone().unwrap_or_default() == self.user
            && self.kept.get(&wanted.profile) != Some(&Kept::Apart)
            && (!says_no || self.always())
    }

    /// Whether it takes all over, whatever the settings say.
    fn always(&self) -> bool {
        self.release.is_some_and(Release::serves_all)
    }

    fn is_parked(&self, profile: &ProfileName) -> bool {
        self.kept.get(profile) == Some(&Kept::Parked)
    }

    /// Whether an existing gateway of this profile is superfluous.
    pub(super) fn is_too_many(&self, wanted: &Wanted) -> bool {
        self.is_on() && !wanted.named && self.takes(wanted)
    }

    fn is_on(&self) -> bool {
        self.multiplexing.as_ref().is_some_and(Multiplexing::is_on)
    }

    /// The gateway that a profile should get; `there` says whether it has one now. A profile that a manifest names keeps one, because a person may
    /// start it.
    pub(super) fn place(&self, wanted: &Wanted, there: bool) -> Place {
        if !self.takes(wanted) || there && !self.is_on() {
            Place::Own
        } else if wanted.named {
            Place::Down
        } else {
            Place::Nothing
        }
    }

    /// Whether the record keeps this gateway down. The gateway of the root profile is not down if it should run for others, unless an operator
    /// stopped it.
    pub(super) fn is_down(&self, wanted: &Wanted) -> bool {
        let runs_for_others = self.runs_for_others && wanted.profile.is_default() && !wanted.intent.is_desired();
        !wanted.intent.is_running() && !runs_for_others
    }

    /// How a profile without its own gateway is served.
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

    /// Makes a gateway not replace the one that serves its profile, if that is possible.
    pub(super) fn fit(&self, gateway: &mut Gateway) {
        if self.multiplexing.is_some() || self.release.is_some_and(Release::replaces_others) {
            gateway.stay_beside();
        }
    }
}

/// Warns that nobody serves the profiles that should run. `root_runs` says whether the gateway of the root profile runs, or will run.
pub(super) fn complain(root_runs: bool, done: &mut Reconciled) {
    let is_served = |action| matches!(action, Action::Served | Action::ServedNext);
    if !root_runs && done.profiles.iter().any(|outcome| is_served(outcome.action) && outcome.intent.is_running()) {
        let what = "nobody serves the profiles that the gateway of default should serve, because it is down; gatewayctl start default";
        done.warnings.push(what.to_owned());
    }
}
