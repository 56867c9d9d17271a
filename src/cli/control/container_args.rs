//! The options of `gatewayctl` whose defaults are variables of the container, so that a command does the same in a hook and in `docker exec`.

use camino::Utf8PathBuf;
use clap::{Args, ValueHint};

use crate::boot::shard_here;
use crate::s6::container;
use crate::spec::{SelectionError, selection::Selection};
use crate::volume::{Store, Volume, VolumeError};

#[derive(Debug, Args)]
pub(super) struct ControlGroup {
    /// Let the members of this group start, stop and see the gateways and the dashboard [default: `$GATEWAYS_CONTROL_GROUP`]
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
    /// Home of Hermes, which has the profiles [default: that of the container, or /opt/data]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    hermes_home: Option<Utf8PathBuf>,

    /// Directory that only root may write, for what --save writes [default: `$GATEWAYS_STATE` if it is there, or the home]
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

    /// Remove gateways that nobody needs: the profile is gone from the volume, or the gateway of default serves it. Gateways that a manifest names stay
    #[arg(long)]
    pub(super) prune: bool,

    /// Change nothing. Say what would happen
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// Which profiles are to have a gateway, and of what kind.
#[derive(Debug, Args)]
pub(super) struct Which {
    #[command(flatten)]
    pub(super) home: Home,

    /// Manifest with the settings of the gateways. Its [defaults] are for profiles that it does not name [default: `$GATEWAYS_MANIFEST` if it is there]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    manifest: Option<Utf8PathBuf>,

    /// Use only profiles that match, such as 'team-*'. You may repeat it [default: `$GATEWAYS_ONLY`]
    #[arg(long, value_name = "GLOB")]
    only: Vec<String>,

    /// Leave out profiles that match. You may repeat it [default: `$GATEWAYS_EXCEPT`]
    #[arg(long, value_name = "GLOB")]
    except: Vec<String>,

    /// Use only the profiles of shard I of N, counted from 0. Each profile belongs to one shard [default: `$GATEWAYS_SHARD`]
    #[arg(long, value_name = "I/N")]
    shard: Option<String>,

    /// This container has the volume for itself: Hermes makes profiles of the manifest that are not there, and gateways start that have never run [default: `$GATEWAYS_CREATE`]
    #[arg(long)]
    create: bool,

    /// How many shards there were before. With --create, a profile that another shard had then is not made: this shard waits until you move it [default: `$GATEWAYS_SHARDS_BEFORE`]
    #[arg(long, value_name = "N")]
    shards_before: Option<String>,

    /// Add at most N gateways for profiles that no manifest names [default: what fits into s6-svscan, less a tenth or ten]
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

    /// If the home belongs to another user than root, give the files of that user to the gateways too
    #[arg(long)]
    pub(super) from_owner: bool,

    /// Change nothing. Say what would be given
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

    /// How many there will be
    #[arg(long, value_name = "M")]
    pub(super) to: String,

    /// Manifest that names all gateways [default: `$GATEWAYS_MANIFEST`]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    manifest: Option<Utf8PathBuf>,

    /// Command that runs a command in a replica. {} is the number of the replica, from 0; {slot} is the number from 1
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
