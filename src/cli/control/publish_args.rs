//! What the commands take that publish gateways.

use camino::Utf8PathBuf;
use clap::{Args, ValueHint};
use clap_complete::ArgValueCompleter;

use super::container_args::{ControlGroup, Home};
use crate::cli::offered;
use crate::cli::render_args::RenderArgs;

#[derive(Debug, Args)]
pub(super) struct Install {
    /// Staging trees
    #[arg(value_name = "TREE", value_hint = ValueHint::DirPath, required = true)]
    pub(super) trees: Vec<Utf8PathBuf>,

    /// Scandir to publish to [default: that of --scandir]
    #[arg(long, value_name = "SCANDIR", value_hint = ValueHint::DirPath)]
    pub(super) into: Option<Utf8PathBuf>,

    /// Remove each service directory from its tree once it is published
    #[arg(long = "move")]
    pub(super) moves: bool,

    /// Replace the files of what is there and differs
    #[arg(long)]
    pub(super) update: bool,

    /// Check everything and say what would be done, without doing it
    #[arg(long)]
    pub(super) dry_run: bool,

    #[command(flatten)]
    pub(super) control_group: ControlGroup,
}

#[derive(Debug, Args)]
pub(super) struct Register {
    /// Profile of the gateway
    #[arg(value_name = "PROFILE", add = ArgValueCompleter::new(offered::profiles_without_gateway))]
    pub(super) profile: String,

    #[command(flatten)]
    pub(super) control_group: ControlGroup,

    /// Take over what Hermes' own service manager made of that name
    #[arg(long)]
    pub(super) adopt: bool,

    /// Have reconcile register it again at the next boot, with the same options: writes gateways.toml on the volume
    #[arg(long)]
    pub(super) save: bool,

    #[command(flatten)]
    pub(super) home: Home,

    #[command(flatten)]
    pub(super) options: RenderArgs,
}
