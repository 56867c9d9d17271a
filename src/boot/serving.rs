//! Whether the root profile's gateway of a scandir serves other profiles now, according to its run script and its record.

use std::cell::Cell;

use crate::hermes::{Apart, Release, installed};
use crate::s6::{LiveService, RunScript, Scandir, container, variables};
use crate::spec::environment::switch;
use crate::spec::options::HermesProgram;
use crate::spec::{Owner, ProfileName, ServiceName};
use crate::volume::{Homes, Kept, MOST_READ, Multiplexing, Volume};

/// A gateway of the root profile that serves other profiles of its home, or should.
#[derive(Debug)]
pub(crate) struct Serving {
    volume: Volume,
    release: Option<&'static Release>,
    multiplexing: Multiplexing,
    owner: Owner,
    /// How many more bytes of the settings of profiles may be read.
    left: Cell<usize>,
}

/// How the gateway of the root profile serves another profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// It serves it now.
    Now,
    /// It will serve it once it has started again.
    Next,
    /// It should serve it, but it does not run, or not in that way.
    Never,
    /// Somebody stopped the profile: `gateway.parked`.
    Parked,
}

impl Serving {
    /// The gateway of this scandir, if there is one.
    pub(crate) fn here(scandir: &Scandir, homes: &Homes) -> Option<Self> {
        let service = scandir.gateway(&ProfileName::default()).ok()?;
        let text = service.script().ok()?;
        let script = RunScript::parse(&text)?;
        // If it has its own home, there is no other profile to serve.
        if script.owner.is_isolated() {
            return None;
        }
        let entries = variables(&text).unwrap_or_default();
        let variable = multiplexing_variable(entries.iter().filter_map(|entry| entry.split_once('=')));
        let release = script.program.parse().ok().and_then(|program| release(&program));
        let volume = homes.of_service(&service).open().ok()?;
        let multiplexing = volume.multiplexing(variable, release)?;
        Some(Self { volume, release, multiplexing, owner: script.owner, left: Cell::new(MOST_READ) })
    }

    /// How it serves the profile of this service, which may exist in the scandir; `None` if it does not.
    pub(crate) fn how_of(&self, name: &ServiceName, service: Option<&LiveService>) -> Option<How> {
        let owner = service.and_then(LiveService::run_script).map(|script| script.owner);
        self.how(name.profile()?, owner.as_ref())
    }

    /// How it serves this profile; `None` if it does not. `owner` is the user of the profile's own gateway, if there is one.
    pub(crate) fn how(&self, profile: &ProfileName, owner: Option<&Owner>) -> Option<How> {
        let is_elses = owner.is_some_and(|owner| *owner != self.owner);
        if profile.is_default() || is_elses || self.volume.lacks(profile) {
            return None;
        }
        let mut left = self.left.get();
        let kept = self.volume.kept(profile, self.release, &mut left);
        self.left.set(left);
        match kept {
            Kept::Apart => None,
            Kept::Parked => Some(How::Parked),
            Kept::Not if !self.multiplexing.is_on() => Some(How::Never),
            Kept::Not if self.multiplexing.leaves_out(profile) => {
                // A profile that is not on its list may have its own gateway.
                let is_listed = self.release.is_none_or(|release| release.apart != Apart::Allowlist);
                is_listed.then_some(How::Next)
            }
            Kept::Not => Some(How::Now),
        }
    }

    /// Whether it serves other profiles now.
    pub(crate) fn is_on(&self) -> bool {
        self.multiplexing.is_on()
    }

    /// Whether no other gateway serves what it does not: it runs in that way, or no other gateway of its home can.
    pub(crate) fn is_settled(&self) -> bool {
        self.is_on() || self.always()
    }

    /// Whether it always serves all profiles of its home, so that no other gateway there can.
    pub(crate) fn always(&self) -> bool {
        self.release.is_some_and(Release::serves_all)
    }

    /// Why it serves only itself, as it reports.
    pub(crate) fn alone(&self) -> Option<&str> {
        self.multiplexing.alone()
    }

    /// The profiles of its home, without the root profile.
    pub(crate) fn profiles(&self) -> impl Iterator<Item = ProfileName> {
        self.volume.names().into_iter()
    }
}

/// The value of the variable for the gateway of the root profile: from its own variables here, or else from the container's.
pub(crate) fn multiplexing_variable<'a>(own: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<bool> {
    match said_by(own) {
        Some(own) => switch(own),
        None => switch(&container::variable(Multiplexing::VARIABLE)?),
    }
}

/// The value of the variable in this list.
pub(super) fn said_by<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<&'a str> {
    variables.into_iter().find(|(name, _)| *name == Multiplexing::VARIABLE).map(|(_, value)| value)
}

/// The release of this Hermes program.
pub(super) fn release(program: &HermesProgram) -> Option<&'static Release> {
    installed(program.as_str()).and_then(Release::of)
}
