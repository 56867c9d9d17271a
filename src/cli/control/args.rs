//! What `gatewayctl` takes.

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

/// Install, supervise and control the gateways of Hermes profiles, the dashboard and the watch
#[derive(Debug, Parser)]
#[command(
    name = "gatewayctl",
    version,
    long_version = version::long(),
    arg_required_else_help = true,
    max_term_width = 100,
    after_help = "Exit codes: 0 done; 1 failed, or doctor found an error; 2 wrong usage or invalid input; \
                  4 there is no such gateway; of status: 3 some gateway is down",
    after_long_help = "\
Examples:
  gatewayctl install /opt/gateways --into /run/service   publish what gen-service --out wrote
  gatewayctl register writer --hermes-cli run --save     a new gateway, also after the next boot
  gatewayctl status                                      all gateways
  gatewayctl restart --all --rolling                     one after the other
  gatewayctl logs writer -n 50 -f                        its last lines, and what comes
  gatewayctl unregister writer --save                    take it out for good
  gatewayctl doctor                                      what is wrong, and what to do

Exit codes:
  0  done
  1  failed, or doctor found an error, or health somebody who is not well, or status cannot see a gateway
  2  wrong usage or invalid input; nothing was changed
  3  of status: some gateway is down
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

    /// Directory of the programs of s6; each is called by its absolute path
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath, default_value = DEFAULT_BIN_DIR)]
    pub(super) s6_bin_dir: Utf8PathBuf,

    /// How long to wait for a state, in seconds
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86400))]
    pub(super) timeout: u64,

    /// Service manager to talk to, where it is not to be detected
    #[arg(long, global = true, value_name = "KIND")]
    pub(super) manager: Option<Manager>,

    /// Say it in JSON
    #[arg(long, global = true, conflicts_with = "quiet")]
    pub(super) json: bool,

    /// Say nothing but errors and what was asked for
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
    /// Publish the service directories of staging trees, as gen-service --out wrote them
    Install(Install),
    /// Render one gateway and have it supervised at once
    Register(Register),
    /// Stop gateways, dashboard or watch and take them out, whether they run or not
    Unregister {
        #[command(flatten)]
        services: Services,

        /// Have reconcile forget, too, what register --save wrote of them
        #[arg(long)]
        save: bool,

        /// Remove the homes of isolated gateways, too, with all that is in them, after asking
        #[arg(long)]
        purge: bool,

        /// Take a gateway that is not there for one that has been taken out
        #[arg(long)]
        if_exists: bool,

        /// Purge without asking
        #[arg(long, requires = "purge")]
        yes: bool,

        #[command(flatten)]
        home: Home,
    },
    /// Give every profile on the volume its gateway: for a hook at boot, when the scandir is empty
    Reconcile(Reconcile),
    /// Follow the profiles on the volume: each new one gets its gateway, and that of one that is gone is taken out
    Watch(Which),
    /// Restart each gateway that is up and has not answered on its port for as long as its --watchdog says
    Watchdog,
    /// Give the user of the gateways what a command of root's left on the volume, as far as that is safe
    Repair(Repair),
    /// Check s6, the scandir, the volume and every gateway, and say what to do
    Doctor {
        #[command(flatten)]
        home: Home,
    },
    /// Say what is not well, a line each: for health checks of containers
    #[command(after_help = "Exit codes: 0 all is well; 1 something is not; 2 wrong usage")]
    Health {
        #[arg(value_name = "SERVICE", help = SERVICES, add = ArgValueCompleter::new(offered::services))]
        services: Vec<String>,

        #[command(flatten)]
        depth: HowDeep,
    },
    /// Print how all gateways are, in numbers, as Prometheus reads them
    Metrics {
        /// Serve them over HTTP at this address instead, at /metrics, until a signal comes; a port alone is one of loopback
        #[arg(long, value_name = "[IP:]PORT")]
        listen: Option<String>,
    },
    /// Print a script that moves gateways if the number of replicas changes, each with a volume of its own
    Shard(Shard),
    /// List the profiles that have a gateway, one per line
    List,
    /// Show the state of gateways, dashboard and watch, all or these
    Status(Status),
    /// Start gateways, or the dashboard, and have them up again after a restart of their supervisor
    Start {
        #[command(flatten)]
        services: Services,

        /// Have reconcile start them, too, at the next boot: writes it to their `gateway_state.json`
        #[arg(long)]
        save: bool,

        #[command(flatten)]
        home: Home,
    },
    /// Stop gateways, or the dashboard
    Stop {
        #[command(flatten)]
        services: Services,

        /// Have them down, too, after a restart of their supervisor
        #[arg(long)]
        persist: bool,

        /// Have reconcile leave them down, too, at the next boot: writes it to their `gateway_state.json`
        #[arg(long)]
        save: bool,

        #[command(flatten)]
        home: Home,
    },
    /// Restart what is up, and start what is down, all at once
    Restart {
        #[command(flatten)]
        services: Services,

        /// Restart one after the other: the next one only once the one before is up
        #[arg(long)]
        rolling: bool,
    },
    /// Show the logs of gateways, or of the dashboard: of several, in the order of their times, after their names
    Logs(Logs),
    #[command(after_help = how_to_install!("gatewayctl"))]
    Completions(Completions),
    /// Print the service manager in charge: s6, systemd, launchd, windows or none
    Detect,
}

impl Command {
    /// Whether it changes something, which a signal has it take back.
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
