//! The options of `gatewayctl` whose defaults are variables of the container, so that a command does the same in a hook and in `docker exec`.

use camino::Utf8PathBuf;
use clap::{Args, ValueHint};

use crate::boot::shard_here;
use crate::s6::container;
use crate::spec::{SelectionError, selection::Selection};
use crate::volume::{Store, Volume, VolumeError};

#[derive(Debug, Args)]
pub(super) struct ControlGroup {
    /// Let the members of this group start, stop and see gateways and dashboard, but not change them [default: `$GATEWAYS_CONTROL_GROUP`]
    #[arg(long, value_name = "GROUP")]
    control_group: Option<String>,
}

impl ControlGroup {
    /// The group that was named, or that the container has for root, since nobody else may let others in.
    pub(super) fn name(&self) -> Option<String> {
        let usual = || container::variable("GATEWAYS_CONTROL_GROUP").filter(|_| rustix::process::geteuid().is_root());
        self.control_group.clone().or_else(usual)
    }
}

#[derive(Debug, Args)]
pub(super) struct Home {
    /// Home of Hermes, where the profiles are [default: that of the container, or /opt/data]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    hermes_home: Option<Utf8PathBuf>,

    /// Directory of root's for what --save writes of gateways [default: `$GATEWAYS_STATE` if it is there, or the home]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    state: Option<Utf8PathBuf>,
}

impl Home {
    /// The volume that was named, or the usual one.
    pub(super) fn path(&self) -> Utf8PathBuf {
        self.hermes_home.clone().unwrap_or_else(Volume::usual)
    }

    /// Where the saved manifest is kept.
    pub(super) fn store(&self) -> Result<Store, VolumeError> {
        Store::open(self.state().as_deref(), &self.path())
    }

    /// The directory of root's that was named, or that the container has; `None` if the saved manifest is on the volume.
    pub(super) fn state(&self) -> Option<Utf8PathBuf> {
        self.state.clone().or_else(usual_state)
    }
}

/// The directory of root's that the container has for what --save writes. The image names one for whoever mounts something there.
pub(super) fn usual_state() -> Option<Utf8PathBuf> {
    container::variable("GATEWAYS_STATE").map(Utf8PathBuf::from).filter(|path| path.is_dir())
}

#[derive(Debug, Args)]
pub(super) struct Reconcile {
    #[command(flatten)]
    pub(super) which: Which,

    /// Take out the gateways that nobody needs: their profile is not on the volume any more, or the gateway of default serves it. Those that somebody named stay
    #[arg(long)]
    pub(super) prune: bool,

    /// Say what would be done, without doing it
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// Which profiles are to have a gateway, and of what kind.
#[derive(Debug, Args)]
pub(super) struct Which {
    #[command(flatten)]
    pub(super) home: Home,

    /// Manifest with the settings of the gateways; what it does not name has its [defaults] [default: `$GATEWAYS_MANIFEST` if it is there]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    manifest: Option<Utf8PathBuf>,

    /// Take only profiles that match, such as 'team-*'; may be given several times [default: `$GATEWAYS_ONLY`]
    #[arg(long, value_name = "GLOB")]
    only: Vec<String>,

    /// Take no profile that matches; may be given several times [default: `$GATEWAYS_EXCEPT`]
    #[arg(long, value_name = "GLOB")]
    except: Vec<String>,

    /// Take the profiles of shard I of N, counted from 0: each profile is one shard's [default: `$GATEWAYS_SHARD`]
    #[arg(long, value_name = "I/N")]
    shard: Option<String>,

    /// Take the volume for this container's alone, have Hermes make the profiles of the manifest that it lacks, and start what has never run [default: `$GATEWAYS_CREATE`]
    #[arg(long)]
    create: bool,

    /// How many shards there were before; with --create, what another one had then is not made, but waited for [default: `$GATEWAYS_SHARDS_BEFORE`]
    #[arg(long, value_name = "N")]
    shards_before: Option<String>,

    /// Make at most N gateways for profiles that no manifest names [default: as many as s6-svscan has room for, less a tenth or ten]
    #[arg(long, value_name = "N")]
    pub(super) most: Option<u32>,

    #[command(flatten)]
    pub(super) control_group: ControlGroup,
}

#[derive(Debug, Args)]
pub(super) struct Repair {
    /// User that the gateways run as
    #[arg(long, value_name = "NAME", default_value = "hermes")]
    pub(super) user: String,

    /// If the home belongs to another user, but root: what is that user's there is the gateways', too
    #[arg(long)]
    pub(super) from_owner: bool,

    /// Say what would be given, without giving it
    #[arg(long)]
    pub(super) dry_run: bool,

    #[command(flatten)]
    pub(super) home: Home,
}

#[derive(Debug, Args)]
pub(super) struct Shard {
    /// How many replicas there are
    #[arg(long, value_name = "N")]
    pub(super) from: String,

    /// How many there are to be
    #[arg(long, value_name = "M")]
    pub(super) to: String,

    /// Manifest that names all gateways [default: `$GATEWAYS_MANIFEST`]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    manifest: Option<Utf8PathBuf>,

    /// What runs a command in a replica, for a shell: {} is the number of the replica from 0 on, {slot} that from 1 on
    #[arg(long, value_name = "COMMAND", default_value = "docker exec -i gateways-{}")]
    pub(super) exec: String,
}

impl Shard {
    /// The manifest that was named, or that the container has.
    pub(super) fn manifest(&self) -> Utf8PathBuf {
        manifest(self.manifest.as_ref()).unwrap_or_else(|| "/etc/gateways.toml".into())
    }
}

impl Which {
    /// The manifest that was named, or that the container has.
    pub(super) fn manifest(&self) -> Option<Utf8PathBuf> {
        manifest(self.manifest.as_ref())
    }

    /// The patterns of the profiles to take, as given or as the container has them.
    pub(super) fn only(&self) -> Vec<String> {
        or_variable(&self.only, "GATEWAYS_ONLY")
    }

    /// The patterns of the profiles not to take, as given or as the container has them.
    pub(super) fn except(&self) -> Vec<String> {
        or_variable(&self.except, "GATEWAYS_EXCEPT")
    }

    /// Which shard this is, whether the volume is its own, and how many there were before, as given or as the container has it.
    ///
    /// # Errors
    /// What is wrong with it, the first of it.
    pub(super) fn shard(&self) -> Result<Selection, SelectionError> {
        let mut selection = shard_here()?;
        if let Some(shard) = &self.shard {
            selection.shard = Some(shard.parse()?);
        }
        if self.create {
            selection.own.get_or_insert_default();
        }
        if let (Some(own), Some(before)) = (&mut selection.own, &self.shards_before) {
            own.before = Some(before.parse()?);
        }
        Ok(selection)
    }
}

fn manifest(given: Option<&Utf8PathBuf>) -> Option<Utf8PathBuf> {
    let usual = || container::variable("GATEWAYS_MANIFEST").map(Utf8PathBuf::from).filter(|path| path.exists());
    given.cloned().or_else(usual)
}

fn or_variable(given: &[String], name: &str) -> Vec<String> {
    if given.is_empty() { container::variable(name).into_iter().collect() } else { given.to_vec() }
}
