//! The services that a command is about, and the arguments of the commands that only show something.

use clap::Args;
use clap_complete::ArgValueCompleter;
use regex_lite::Regex;

use super::since::Since;
use crate::cli::offered;
use crate::health::Depth;

/// The help of an argument that names a service.
pub(super) const SERVICES: &str = "A profile, or dashboard, watch, watchdog or metrics. If a profile has one of these names, write profile:NAME or service:NAME";

/// The services that a command acts on.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Services {
    #[arg(value_name = "SERVICE", help = SERVICES, add = ArgValueCompleter::new(offered::services))]
    pub(super) named: Vec<String>,

    /// All gateways in the scandir, but not the dashboard and other services
    #[arg(long)]
    pub(super) all: bool,
}

/// The arguments of `status`.
#[derive(Debug, Args)]
pub(super) struct Status {
    #[arg(value_name = "SERVICE", help = SERVICES, add = ArgValueCompleter::new(offered::services))]
    pub(super) services: Vec<String>,

    /// Show it again every 2 seconds, or every SECONDS, until Ctrl-C
    #[arg(
        short,
        long,
        value_name = "SECONDS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "2",
        value_parser = clap::value_parser!(u64).range(1..=3600),
        conflicts_with = "quiet"
    )]
    pub(super) watch: Option<u64>,
}

/// The arguments of `logs`.
#[derive(Debug, Args)]
pub(super) struct Logs {
    #[command(flatten)]
    pub(super) services: Services,

    /// Show the last N lines, from older files too [default: the current file]
    #[arg(short = 'n', long, value_name = "N", value_parser = number)]
    pub(super) lines: Option<usize>,

    /// Show lines since this time, from older files too: 10m, 2h, 21:00, 2026-11-28, "2026-11-28 21:00"
    #[arg(long, value_name = "TIME", value_parser = Since::parse)]
    pub(super) since: Option<Since>,

    /// Show lines that match this regular expression, from older files too. (?i) in front of it ignores case
    #[arg(long, value_name = "REGEX", value_parser = regex)]
    pub(super) grep: Option<Regex>,

    /// Follow the log
    #[arg(short, long)]
    pub(super) follow: bool,
}

/// How much `health` checks.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(super) struct HowDeep {
    /// Check only that s6-svscan and every supervisor are there. If that fails, restart the container
    #[arg(long)]
    live: bool,

    /// Also check that each service that should be up has run for 5 seconds, does not crash again and again, and answers HTTP if it has a port [the default]
    #[arg(long)]
    ready: bool,
}

impl HowDeep {
    pub(super) fn depth(&self) -> Depth {
        if self.live { Depth::Live } else { Depth::Ready }
    }
}

/// A regular expression.
fn regex(text: &str) -> Result<Regex, String> {
    Regex::new(text).map_err(|error| format!("{error}; put a backslash before a character that stands for itself"))
}

/// A number of lines.
fn number(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "give a whole number, such as 20".to_owned())
}
