//! The arguments of `gatewayctl`.

use camino::Utf8PathBuf;
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::ArgValueCompleter;

use super::container_args::{Home, Reconcile, Repair, Shard, Which};
use super::publish_args::{Install, Register};
use super::show_args::{HowDeep, Logs, SERVICES, Services, Status};
use crate::cli::completions::{Completions, how_to_install};
use crate::cli::{offered, version};
use crate::manager::Kind;
use crate::s6::{DEFAULT_BIN_DIR, DEFAULT_SCANDIR};

/// Install and control the gateways of Hermes profiles
#[derive(Debug, Parser)]
#[command(
    name = "gatewayctl",
    version,
    long_version = version::long(),
    arg_required_else_help = true,
    max_term_width = 100,
    after_help = "\
Examples:
  gatewayctl status                            show all services
  gatewayctl logs writer -n 50 -f              show 50 lines of a log and follow it
  gatewayctl register writer --hermes-cli run  add a gateway and start it
  gatewayctl doctor                            find what is wrong and what to do

Exit codes:
  0  done
  1  failed; doctor or health found something; status may not see a gateway
  2  wrong usage or invalid input; nothing was changed
  3  only status: something is not up
  4  there is no such gateway"
)]
pub(super) struct Gatewayctl {
    #[command(subcommand)]
    pub(super) command: Command,

    #[command(flatten)]
    pub(super) common: Common,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Common options")]
pub(super) struct Common {
    /// Directory that s6-svscan watches
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath, default_value = DEFAULT_SCANDIR)]
    pub(super) scandir: Utf8PathBuf,

    /// Directory of the programs of s6
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath, default_value = DEFAULT_BIN_DIR)]
    pub(super) s6_bin_dir: Utf8PathBuf,

    /// Seconds to wait for a service to change its state
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86400))]
    pub(super) timeout: u64,

    /// Service manager: s6, systemd, launchd or windows [default: the detected one]
    #[arg(long, global = true, value_name = "KIND", hide_possible_values = true)]
    pub(super) manager: Option<Manager>,

    /// Print JSON
    #[arg(long, global = true, conflicts_with = "quiet")]
    pub(super) json: bool,

    /// Print only errors and what you asked for
    #[arg(long, short, global = true)]
    pub(super) quiet: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Manager {
    S6,
    Systemd,
    Launchd,
    Windows,
}

impl From<Manager> for Kind {
    fn from(manager: Manager) -> Self {
        match manager {
            Manager::S6 => Self::S6,
            Manager::Systemd => Self::Systemd,
            Manager::Launchd => Self::Launchd,
            Manager::Windows => Self::Windows,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Publish the staging trees of gen-service --out into a scandir
    #[command(after_help = "\
Examples:
  gatewayctl install /opt/gateways                     publish new services
  gatewayctl install /opt/gateways --update            replace old ones too
  gatewayctl install /opt/gateways --update --dry-run  say what would happen")]
    Install(Install),
    /// Render one gateway and start it
    #[command(after_help = "\
Examples:
  gatewayctl register writer --hermes-cli run         add it now
  gatewayctl register writer --hermes-cli run --save  at the next boots too
  gatewayctl register writer --hermes-cli run --secret API_KEY=/run/secrets/key")]
    Register(Register),
    /// Stop services and remove them from the scandir
    #[command(after_help = "\
Examples:
  gatewayctl unregister writer         remove it now
  gatewayctl unregister writer --save  at the next boots too")]
    Unregister {
        #[command(flatten)]
        services: Services,

        /// Remove them for the next boots too: forget what register --save wrote
        #[arg(long)]
        save: bool,

        /// Delete the homes of isolated gateways too, with everything in them. It asks first
        #[arg(long)]
        purge: bool,

        /// Do not fail if a gateway is not there
        #[arg(long)]
        if_exists: bool,

        /// Do not ask before --purge
        #[arg(long, requires = "purge")]
        yes: bool,

        #[command(flatten)]
        home: Home,
    },
    /// Give each profile on the volume its gateway. A hook runs this at boot
    #[command(after_help = "\
Examples:
  gatewayctl reconcile --dry-run
  gatewayctl reconcile --only 'team-*' --prune")]
    Reconcile(Reconcile),
    /// Watch the volume: add the gateway of a new profile, remove that of a deleted one
    Watch(Which),
    /// Restart gateways whose port does not answer for longer than their --watchdog
    Watchdog,
    /// Give files that root left on the volume to the user of the gateways, if that is safe
    Repair(Repair),
    /// Check everything, change nothing, and say what to do
    Doctor {
        #[command(flatten)]
        home: Home,
    },
    /// Print a line for each thing that is unhealthy, for health checks of containers
    #[command(after_help = "Exit codes: 0 everything is healthy; 1 something is not; 2 wrong usage")]
    Health {
        #[arg(value_name = "SERVICE", help = SERVICES, add = ArgValueCompleter::new(offered::services))]
        services: Vec<String>,

        #[command(flatten)]
        depth: HowDeep,
    },
    /// Print the state of all gateways in the format of Prometheus
    #[command(after_help = "\
Examples:
  gatewayctl metrics
  gatewayctl metrics --listen 9118  serve http://127.0.0.1:9118/metrics")]
    Metrics {
        /// Serve it over HTTP at this address, at /metrics, until a signal ends it. A port alone is one of loopback
        #[arg(long, value_name = "[IP:]PORT")]
        listen: Option<String>,
    },
    /// Print a script that moves gateways when the number of replicas changes
    #[command(after_help = "\
Examples:
  gatewayctl shard --from 3 --to 4 >move.sh")]
    Shard(Shard),
    /// List the profiles that have a gateway
    List,
    /// Show the state of all services, or of those that you name
    #[command(after_help = "\
Examples:
  gatewayctl status
  gatewayctl status coder writer
  gatewayctl status --watch=5  every 5 seconds

Exit codes:
  0  everything is up, or does not have to be
  1  you may not see a gateway; everything that you may see is up
  2  wrong usage
  3  something is not up
  4  there is no such gateway")]
    Status(Status),
    /// Start services. They also start again if their supervisor restarts
    #[command(after_help = "\
Examples:
  gatewayctl start coder
  gatewayctl start --all")]
    Start {
        #[command(flatten)]
        services: Services,

        /// Start them at the next boot too: write it to their `gateway_state.json`, for reconcile
        #[arg(long)]
        save: bool,

        #[command(flatten)]
        home: Home,
    },
    /// Stop services
    #[command(after_help = "\
Examples:
  gatewayctl stop coder         stop it now
  gatewayctl stop coder --save  keep it down at the next boot too")]
    Stop {
        #[command(flatten)]
        services: Services,

        /// Keep them down if their supervisor restarts
        #[arg(long)]
        persist: bool,

        /// Keep them down at the next boot too: write it to their `gateway_state.json`, for reconcile
        #[arg(long)]
        save: bool,

        #[command(flatten)]
        home: Home,
    },
    /// Restart services, all at once. A service that is down starts
    #[command(after_help = "\
Examples:
  gatewayctl restart coder
  gatewayctl restart --all --rolling  one after the other")]
    Restart {
        #[command(flatten)]
        services: Services,

        /// Restart one after the other. Each waits until the one before it is up
        #[arg(long)]
        rolling: bool,
    },
    /// Show logs. Several logs are shown as one, in the order of their times
    #[command(after_help = "\
Examples:
  gatewayctl logs coder -n 50 -f
  gatewayctl logs coder writer --since 10m
  gatewayctl logs --all --since 21:00 --grep '(?i)error'")]
    Logs(Logs),
    #[command(after_help = how_to_install!("gatewayctl"))]
    Completions(Completions),
    /// Print which service manager is in charge: s6, systemd, launchd, windows or none
    Detect,
}

impl Command {
    /// Whether the command changes something. If a signal comes, such a command takes back what it did.
    pub(super) fn changes_something(&self) -> bool {
        match self {
            Self::Install(_)
            | Self::Register(_)
            | Self::Unregister { .. }
            | Self::Reconcile(_)
            | Self::Repair(_)
            | Self::Watch(_)
            | Self::Watchdog
            | Self::Start { .. }
            | Self::Stop { .. }
            | Self::Restart { .. } => true,
            Self::Doctor { .. }
            | Self::Health { .. }
            | Self::Metrics { .. }
            | Self::Shard(_)
            | Self::List
            | Self::Status(_)
            | Self::Logs(_)
            | Self::Completions(_)
            | Self::Detect => false,
        }
    }
}
