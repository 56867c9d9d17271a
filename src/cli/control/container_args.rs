//! The options of `gatewayctl` whose defaults are variables of the container. A command then does the same in a hook and in `docker exec`.

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
    /// The group that was named, or else that of the container if root runs this. Only root may let others in.
    pub(super) fn name(&self) -> Option<String> {
        let usual = || container::variable("GATEWAYS_CONTROL_GROUP").filter(|_| rustix::process::geteuid().is_root());
        self.control_group.clone().or_else(usual)
    }
}

#[derive(Debug, Args)]
pub(super) struct Home {
    /// Home of Hermes, with the profiles [default: that of the container, or /opt/data]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    hermes_home: Option<Utf8PathBuf>,

    /// Directory for what --save writes. Only root may write to it [default: `$GATEWAYS_STATE` if it is there, or the home]
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

    /// The directory that was named, or else that of the container. `None` if the saved manifest is on the volume.
    pub(super) fn state(&self) -> Option<Utf8PathBuf> {
        self.state.clone().or_else(usual_state)
    }
}

/// The directory of the container for what --save writes. The image names one, and it exists if somebody mounts something there.
pub(super) fn usual_state() -> Option<Utf8PathBuf> {
    container::variable("GATEWAYS_STATE").map(Utf8PathBuf::from).filter(|path| path.is_dir())
}

#[derive(Debug, Args)]
pub(super) struct Reconcile {
    #[command(flatten)]
    pub(super) which: Which,

    /// Remove a gateway if its profile is gone from the volume, or if the gateway of default serves it. Gateways that a manifest names stay
    #[arg(long)]
    pub(super) prune: bool,

    /// Change nothing. Say what would happen
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// The profiles that get a gateway, and its settings.
#[derive(Debug, Args)]
pub(super) struct Which {
    #[command(flatten)]
    pub(super) home: Home,

    /// Manifest with the settings of the gateways. Its [defaults] apply to profiles that it does not name [default: `$GATEWAYS_MANIFEST` if it is there]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    manifest: Option<Utf8PathBuf>,

    /// Use only profiles that match, such as 'team-*'. You may repeat it [default: `$GATEWAYS_ONLY`]
    #[arg(long, value_name = "GLOB")]
    only: Vec<String>,

    /// Skip profiles that match. You may repeat it [default: `$GATEWAYS_EXCEPT`]
    #[arg(long, value_name = "GLOB")]
    except: Vec<String>,

    /// Use only the profiles of shard I of N. Shards count from 0. Each profile belongs to one shard [default: `$GATEWAYS_SHARD`]
    #[arg(long, value_name = "I/N")]
    shard: Option<String>,

    /// Let Hermes create the profiles of the manifest that the volume lacks, and start gateways that have never run. Use it only if no other container has this volume [default: `$GATEWAYS_CREATE`]
    #[arg(long)]
    create: bool,

    /// Number of shards before the last change. --create then waits for a profile that another shard had, until you move it [default: `$GATEWAYS_SHARDS_BEFORE`]
    #[arg(long, value_name = "N")]
    shards_before: Option<String>,

    /// Add at most N gateways for profiles that no manifest names [default: the room in s6-svscan, minus a tenth, at most ten]
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

    /// If the home does not belong to root, give the files of its owner to the gateways too
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
    /// Number of replicas now
    #[arg(long, value_name = "N")]
    pub(super) from: String,

    /// Number of replicas after the change
    #[arg(long, value_name = "M")]
    pub(super) to: String,

    /// Manifest that names all gateways [default: `$GATEWAYS_MANIFEST`]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    manifest: Option<Utf8PathBuf>,

    /// Command that runs a command in a replica. {} is the number of the replica from 0, and {slot} from 1
    #[arg(long, value_name = "COMMAND", default_value = "docker exec -i gateways-{}")]
    pub(super) exec: String,
}

impl Shard {
    /// The manifest that was named, or else that of the container.
    pub(super) fn manifest(&self) -> Utf8PathBuf {
        manifest(self.manifest.as_ref()).unwrap_or_else(|| "/etc/gateways.toml".into())
    }
}

impl Which {
    /// The manifest that was named, or else that of the container.
    pub(super) fn manifest(&self) -> Option<Utf8PathBuf> {
        manifest(self.manifest.as_ref())
    }

    /// The patterns of the profiles to use, from the command line or else from the container.
    pub(super) fn only(&self) -> Vec<String> {
        or_variable(&self.only, "GATEWAYS_ONLY")
    }

    /// The patterns of the profiles to skip, from the command line or else from the container.
    pub(super) fn except(&self) -> Vec<String> {
        or_variable(&self.except, "GATEWAYS_EXCEPT")
    }

    /// The number of this shard, whether it has a volume for itself, and how many shards there were before. Each comes from the command
    /// line or else from the container.
    ///
    /// # Errors
    /// The first mistake.
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
