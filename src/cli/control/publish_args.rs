//! The arguments of the commands that publish gateways.

use camino::Utf8PathBuf;
use clap::{Args, ValueHint};
use clap_complete::ArgValueCompleter;

use super::container_args::{ControlGroup, Home};
use crate::cli::offered;
use crate::cli::render_args::RenderArgs;

#[derive(Debug, Args)]
pub(super) struct Install {
    /// Staging trees to publish
    #[arg(value_name = "TREE", value_hint = ValueHint::DirPath, required = true)]
    pub(super) trees: Vec<Utf8PathBuf>,

    /// Scandir to publish to [default: that of --scandir]
    #[arg(long, value_name = "SCANDIR", value_hint = ValueHint::DirPath)]
    pub(super) into: Option<Utf8PathBuf>,

    /// Remove each service directory from its tree after it is published
    #[arg(long = "move")]
    pub(super) moves: bool,

    /// Replace the files of services that are there and differ
    #[arg(long)]
    pub(super) update: bool,

    /// Change nothing. Check everything and say what would happen
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

    /// Take over a service directory that Hermes itself made
    #[arg(long)]
    pub(super) adopt: bool,

    /// Register it at the next boots too: write it to gateways.toml on the volume, for reconcile
    #[arg(long)]
    pub(super) save: bool,

    #[command(flatten)]
    pub(super) home: Home,

    #[command(flatten)]
    pub(super) options: RenderArgs,
}
