//! What a release of Hermes accepts and does.

use std::fmt;

use super::version::Version;

/// Releases of Hermes that accept and do the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    /// The first of these releases.
    pub since: Version,
    /// The last of these releases that somebody examined.
    pub until: Version,
    /// How this is known.
    pub read: Read,
    /// The options of `gateway run` that matter to a supervisor.
    pub run: &'static [&'static str],
    /// The options of `gateway start`.
    pub start: &'static [&'static str],
    /// Which profiles a gateway serves.
    pub topology: Topology,
    /// Whether the variable `GATEWAY_MULTIPLEX_PROFILES` decides that, too.
    pub has_variable: bool,
    /// Whether a gateway that serves several profiles records them in `served_profiles`.
    pub has_record: bool,
    /// What keeps one profile out of the gateway that serves the others.
    pub apart: Apart,
    /// The exit codes of its gateway.
    pub exits: Exits,
    /// The value of `gateway_state` after an unannounced TERM.
    pub after_term: &'static str,
    /// What keeps a second gateway away.
    pub locks: Locks,
    /// What its own service manager writes for s6.
    pub own: OwnScripts,
}

/// How a release is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// It is on `PyPI`, and the container tests run it.
    PyPi,
    /// Somebody read its sources in a fork that says it is the same. It is not on `PyPI` under its own name.
    Fork,
}

/// Which profiles a gateway serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topology {
    /// One profile.
    One,
    /// One profile, or all of its home if a person asks for that.
    OnRequest,
    /// All profiles of its home.
    All,
}

/// What keeps one profile out of the gateway that serves the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Apart {
    /// Nothing.
    Nothing,
    /// The profile is not in `multiplex_profile_allowlist` of the root profile.
    Allowlist,
    /// With a file `gateway.parked` in its directory, nobody serves the profile. With `standalone: true` in its `config.yaml`, it has its
    /// own gateway.
    Markers,
}

/// The exit codes of a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exits {
    /// After an unannounced TERM.
    pub term: u8,
    /// If it asks to be started again (USR1, `/restart`).
    pub restart: u8,
    /// If another try cannot help, because its settings are wrong. From 0.19 on, also if its port is taken.
    pub fatal: u8,
    /// If the gateway of the root profile serves its profile. `None` if that cannot happen.
    pub served: Option<u8>,
}

/// What keeps a second gateway away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locks {
    /// A lock in its home.
    Home,
    /// That lock, and a lock of its user in `HERMES_GATEWAY_LOCK_DIR`.
    HomeAndUser,
}

/// What Hermes' own service manager writes for s6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnScripts {
    /// Nothing.
    None,
    /// Only a run script.
    Run,
    /// Also a finish script, which makes the gateway stay down after 78.
    Fatal,
    /// The same, and also after 0.
    FatalAndZero,
}

/// What an exit code of a gateway asks of its supervisor. docs/service-directory.md says what the finish script does with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// It ended as it was told.
    Stopped,
    /// Start it again.
    Again,
    /// Do not start it again.
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

    /// Whether `--replace` for a named profile's gateway may end the gateway of other profiles.
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

/// `0.17` if the row holds one version, else `0.20.1 to 0.20.5`.
impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.since == self.until { self.since.fmt(f) } else { write!(f, "{} to {}", self.since, self.until) }
    }
}
