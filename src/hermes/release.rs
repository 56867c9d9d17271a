//! What a release of Hermes takes and does.

use std::fmt;

use super::version::Version;

/// Releases of Hermes that take and do the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    /// The first of them.
    pub since: Version,
    /// The last of them that was looked at.
    pub until: Version,
    /// How it is known.
    pub read: Read,
    /// The options of `gateway run` that matter to a supervisor.
    pub run: &'static [&'static str],
    /// The options of `gateway start`.
    pub start: &'static [&'static str],
    /// Which profiles a gateway serves.
    pub topology: Topology,
    /// Whether the variable `GATEWAY_MULTIPLEX_PROFILES` decides that, too.
    pub has_variable: bool,
    /// Whether a gateway that serves several records which, in `served_profiles`.
    pub has_record: bool,
    /// What keeps one profile out of the gateway that serves the others.
    pub apart: Apart,
    /// What its gateway ends with.
    pub exits: Exits,
    /// What `gateway_state` is after a TERM that nobody announced.
    pub after_term: &'static str,
    /// What a second gateway is kept away by.
    pub locks: Locks,
    /// What its own service manager writes for s6.
    pub own: OwnScripts,
}

/// How a release is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// It is on `PyPI`, and the container tests run it.
    PyPi,
    /// Its sources were read, of a fork that says it is the same: it is not on `PyPI` under its own name.
    Fork,
}

/// Which profiles a gateway serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topology {
    /// One.
    One,
    /// One, or all of its home if a person asks for it.
    OnRequest,
    /// All of its home.
    All,
}

/// What keeps one profile out of the gateway that serves the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Apart {
    /// Nothing.
    Nothing,
    /// That it is not in `multiplex_profile_allowlist` of the root profile.
    Allowlist,
    /// A file `gateway.parked` in its directory, and then nobody serves it; or `standalone: true` in its `config.yaml`, and then it has its own.
    Markers,
}

/// What a gateway ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exits {
    /// After a TERM that nobody announced.
    pub term: u8,
    /// If it asks to be started again (USR1, `/restart`).
    pub restart: u8,
    /// If trying again cannot help: its settings are wrong; from 0.19 on, also if its port is taken.
    pub fatal: u8,
    /// If the gateway of the root profile serves its profile; `None` if that cannot be.
    pub served: Option<u8>,
}

/// What a second gateway is kept away by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locks {
    /// A lock in its home.
    Home,
    /// That, and one of its user, in `HERMES_GATEWAY_LOCK_DIR`.
    HomeAndUser,
}

/// What Hermes' own service manager writes for s6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnScripts {
    /// Nothing.
    None,
    /// A run script alone.
    Run,
    /// Also a finish script, which leaves it down after 78.
    Fatal,
    /// The same, also after 0.
    FatalAndZero,
}

/// What an exit code of a gateway asks of its supervisor; docs/service-directory.md says what the finish script makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// It ended as it was told to.
    Stopped,
    /// Start it again.
    Again,
    /// Do not try again.
    Never,
    /// It failed.
    Failed,
}

impl Release {
    /// Whether its gateway may serve the profiles of others.
    pub fn multiplexes(&self) -> bool {
        self.topology != Topology::One
    }

    /// Whether its gateway always serves the profiles of others.
    pub fn serves_all(&self) -> bool {
        self.topology == Topology::All
    }

    /// Whether `--replace` of a named profile's gateway may end the gateway of others.
    pub fn replaces_others(&self) -> bool {
        self.locks == Locks::HomeAndUser
    }

    /// What an exit code asks for.
    pub fn meaning(&self, code: u8) -> Meaning {
        match code {
            0 => Meaning::Stopped,
            code if code == self.exits.restart => Meaning::Again,
            code if code == self.exits.fatal => Meaning::Never,
            _ => Meaning::Failed,
        }
    }
}

/// `0.17` if it is all of that, else `0.20.1 to 0.20.5`.
impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.since == self.until { self.since.fmt(f) } else { write!(f, "{} to {}", self.since, self.until) }
    }
}
