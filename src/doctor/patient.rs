//! What doctor looks at.

use std::collections::BTreeMap;

use camino::Utf8Path;

use crate::s6::{LiveService, Programs, RunScript, Scandir, Svscan};
use crate::spec::options::UserName;
use crate::spec::{Owner, ServiceName};
use crate::volume::{Deadline, Home, Homes, Master, Servant, Store, VolumeError};

/// What is looked at.
pub(super) struct Patient<'a> {
    pub(super) scandir: Scandir,
    /// The owner of the scandir, user and group, who supervises in it. The names of processes prove nothing.
    pub(super) supervisor: (u32, u32),
    pub(super) programs: Option<Programs>,
    pub(super) home: &'a Utf8Path,
    /// Where each gateway lives: in the shared home, or in its own.
    pub(super) homes: Homes,
    /// The place of the saved manifest, if it is not on the volume.
    pub(super) state: Option<&'a Utf8Path>,
    /// How long all processes of the service user may take to answer.
    pub(super) deadline: Deadline,
    /// The same for the users of all isolated gateways together. They cannot use up the time of the others.
    pub(super) apart: Deadline,
    pub(super) svscan: Option<Svscan>,
    pub(super) services: BTreeMap<ServiceName, LiveService>,
    /// The content of those run scripts that gen-service rendered.
    pub(super) scripts: BTreeMap<ServiceName, RunScript>,
}

impl Patient<'_> {
    /// Whether an ordinary user supervises, so that no service drops from root.
    pub(super) fn is_unprivileged(&self) -> bool {
        self.supervisor.0 != 0
    }

    /// Whether this user can act as the users of the gateways.
    pub(super) fn can_ask(&self) -> bool {
        let own = rustix::process::geteuid();
        own.is_root() || own.as_raw() == self.supervisor.0
    }

    /// Acts as a user of the gateways, never as root.
    pub(super) fn servant<'b>(&'b self, programs: &'b Programs, user: &UserName) -> Servant<'b> {
        let master = match self.supervisor {
            (0, _) => Master::of(user),
            (uid, gid) if rustix::process::geteuid().is_root() => Master::Ids(uid, gid),
            _ => Master::Itself,
        };
        Servant::new(programs, master, self.home, self.deadline)
    }

    /// Acts as the user of this home, never as root.
    pub(super) fn servant_at<'b>(&'b self, programs: &'b Programs, home: &'b Home) -> Servant<'b> {
        match &home.owner {
            Owner::Shared(user) => self.servant(programs, user),
            Owner::Isolated(_) => Servant::new(programs, home.master(), &home.path, self.apart),
        }
    }

    /// The services that share a home, each with its user.
    pub(super) fn sharing(&self) -> impl Iterator<Item = (&ServiceName, &UserName)> {
        self.scripts.iter().filter_map(|(name, script)| match &script.owner {
            Owner::Shared(user) => Some((name, user)),
            Owner::Isolated(_) => None,
        })
    }

    /// The place of the saved manifest.
    pub(super) fn store(&self) -> Result<Store, VolumeError> {
        Store::open(self.state, self.home)
    }
}
