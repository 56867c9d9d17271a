//! The one table of the options.

use super::after::After;
use super::crash_budget::CrashBudget;
use super::hermes::{HermesCli, HermesProgram};
use super::host::HostName;
use super::kind::Kind;
use super::layout::Layout;
use super::listen::Listen;
use super::log_to::LogTo;
use super::number::{LogFiles, LogSize, Port, StopTimeout};
use super::uid::Uid;
use super::user::UserName;
use super::watchdog::Watchdog;

/// An option with one value. `env`, `env-file` and `secret` are of the other kind: see [`environment`](crate::spec::environment).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// The form in which everything is rendered.
    Layout,
    /// The address that the dashboard listens on.
    Host,
    /// The address that serves the metrics.
    Listen,
    /// The port that the gateway is told to use, or that the dashboard listens on.
    Port,
    /// The command line of Hermes that is used.
    HermesCli,
    /// The program that is Hermes.
    Hermes,
    /// The user that gateway and logger run as.
    User,
    /// Whether the gateway has its own home and its own user.
    Isolated,
    /// The number of that user.
    Uid,
    /// Whether the gateway stays down until an operator starts it.
    Down,
    /// How long a stop waits before it kills.
    StopTimeout,
    /// Where the output of the gateway goes.
    LogTo,
    /// How many rotated log files are kept.
    LogFiles,
    /// How large a log file grows.
    LogSize,
    /// How many deaths in which time make the gateway stay down.
    CrashBudget,
    /// How long the gateway may be up without an answer.
    Watchdog,
    /// What must be up before the gateway starts.
    After,
}

impl Key {
    /// The keys of a gateway, in the order in which help texts show them.
    pub const OF_GATEWAY: [Self; 14] = [
        Self::Port,
        Self::HermesCli,
        Self::Hermes,
        Self::User,
        Self::Isolated,
        Self::Uid,
        Self::Down,
        Self::StopTimeout,
        Self::LogTo,
        Self::LogFiles,
        Self::LogSize,
        Self::CrashBudget,
        Self::Watchdog,
        Self::After,
    ];

    /// The keys that must differ between gateways, so `[defaults]` cannot have them.
    pub(crate) const OF_ONE: [Self; 2] = [Self::Port, Self::Uid];

    /// The keys that are the same for all gateways, so only `[defaults]` can have them.
    pub(crate) const OF_ALL: [Self; 1] = [Self::Layout];

    /// The keys of the dashboard.
    pub const OF_DASHBOARD: [Self; 11] = [
        Self::Host,
        Self::Port,
        Self::Hermes,
        Self::User,
        Self::Down,
        Self::StopTimeout,
        Self::LogTo,
        Self::LogFiles,
        Self::LogSize,
        Self::CrashBudget,
        Self::After,
    ];

    /// The keys of the metrics server.
    pub const OF_METRICS: [Self; 2] = [Self::Listen, Self::Down];

    /// Its name in a manifest, and after `--`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Layout => Layout::NAME,
            Self::Host => HostName::NAME,
            Self::Listen => Listen::NAME,
            Self::Port => Port::NAME,
            Self::HermesCli => HermesCli::NAME,
            Self::Hermes => HermesProgram::NAME,
            Self::User => UserName::NAME,
            Self::Isolated => "isolated",
            Self::Uid => Uid::NAME,
            Self::Down => "down",
            Self::StopTimeout => StopTimeout::NAME,
            Self::LogTo => LogTo::NAME,
            Self::LogFiles => LogFiles::NAME,
            Self::LogSize => LogSize::NAME,
            Self::CrashBudget => CrashBudget::NAME,
            Self::Watchdog => Watchdog::NAME,
            Self::After => After::NAME,
        }
    }

    /// The placeholder of its value in a help text.
    pub const fn value_name(self) -> &'static str {
        match self {
            Self::Layout => "s6|s6-rc|s6-overlay",
            Self::Host => "HOST",
            Self::Listen => "[IP:]PORT",
            Self::HermesCli => "CLI",
            Self::LogTo => "file|both",
            Self::Hermes => "PROGRAM",
            Self::User | Self::After => "NAME",
            Self::StopTimeout | Self::Watchdog => "SECONDS",
            Self::LogSize => "BYTES",
            Self::CrashBudget => "N/SECONDS",
            Self::Port | Self::Isolated | Self::Uid | Self::Down | Self::LogFiles => "N",
        }
    }

    /// What it does for a gateway, in a line of `--help`. [`help`](Self::help) says everything.
    pub const fn summary(self) -> &'static str {
        match self {
            Self::Port => "Port of the gateway [default: comes from the name, or none]",
            Self::HermesCli => {
                "Hermes' command line: start, run or run-beside. Hermes 0.13 and later takes only the last two [default: start]"
            }
            Self::Hermes => "Program: a name on PATH, or an absolute path [default: hermes]",
            Self::Isolated => "Give the gateway its own user and its own home",
            Self::Uid => "Number of that user [default: one from 20000 up, by the name]",
            Self::StopTimeout => "Seconds from TERM to KILL at a stop [default: 30]",
            Self::LogTo => "Log to a file, or to both file and container [default: file]",
            Self::LogSize => "Bytes at which a log file is rotated [default: 1000000]",
            Self::CrashBudget => "Stay down after N deaths within SECONDS, or off [default: 10/300]",
            Self::Watchdog => "Restart it after this long without an answer [default: 0, never]",
            Self::After => "Start after this service or bundle of s6-rc. You may repeat it",
            other => other.help(),
        }
    }

    /// What it does for a gateway, as man pages, the reference and the schema say it.
    pub const fn help(self) -> &'static str {
        match self {
            Self::Layout => {
                "Form of the rendered files: `s6` is service directories for a scandir or /etc/services.d; `s6-rc` is source \
                 definitions of s6-rc; `s6-overlay` is these definitions below /etc/s6-overlay [default: s6]"
            }
            Self::Host => "Address that the dashboard listens on: an IP address or a host name [default: 127.0.0.1]",
            Self::Listen => {
                "Address that serves the metrics: an IP address and a port, or only a port of loopback [default: 127.0.0.1:9118]"
            }
            Self::Port => {
                "Port of the gateway [default: with `start` or `isolated`, a port from 9200 up that comes from the name; else none]"
            }
            Self::HermesCli => {
                "Command line of Hermes: `start` is `gateway start --foreground --port N`; `run` is `gateway run \
                 --replace`; `run-beside` is the same, but without --replace for named profiles, because that would end a \
                 gateway that serves all profiles. Hermes 0.13 and later takes only the last two [default: start]"
            }
            Self::Hermes => {
                "Program that is Hermes: a name on PATH, or an absolute path such as /opt/venv/bin/hermes [default: hermes]"
            }
            Self::User => "User that gateway and logger run as [default: hermes]",
            Self::Isolated => "Give the gateway its own user, and its own home, `${HERMES_HOMES}/<profile>`",
            Self::Uid => {
                "Number of the user of an isolated gateway [default: a number from 20000 up that comes from the name]"
            }
            Self::Down => "Keep the gateway down until somebody starts it",
            Self::StopTimeout => "Seconds from TERM to KILL when the gateway is stopped [default: 30]",
            Self::LogTo => {
                "Where the output of the gateway goes: to its own log `file`, or to `both` that file and the container's log [default: file]"
            }
            Self::LogFiles => "Rotated log files to keep [default: 10]",
            Self::LogSize => "Size in bytes at which a log file is rotated [default: 1000000]",
            Self::CrashBudget => {
                "Keep the gateway down after N deaths within SECONDS; `off` means never [default: 10/300]"
            }
            Self::Watchdog => {
                "Restart the gateway if it is up and its port has not answered for this many seconds; 0 means never [default: 0]"
            }
            Self::After => {
                "Start the gateway after this service or bundle of s6-rc. Works only with layout s6-rc or s6-overlay. May be given several times"
            }
        }
    }

    /// What it does for the dashboard.
    pub const fn help_of_dashboard(self) -> &'static str {
        match self {
            Self::Port => "Port that the dashboard listens on [default: 9119]",
            Self::User => "User that dashboard and logger run as [default: hermes]",
            Self::Down => "Keep the dashboard down until somebody starts it [default: true]",
            Self::StopTimeout => "Seconds from TERM to KILL when the dashboard is stopped [default: 30]",
            Self::CrashBudget => {
                "Keep the dashboard down after N deaths within SECONDS; `off` means never [default: 10/300]"
            }
            Self::After => "Start the dashboard after these services or bundles of s6-rc",
            other => other.help(),
        }
    }

    /// What it does for the metrics server.
    pub const fn help_of_metrics(self) -> &'static str {
        match self {
            Self::Down => "Keep the metrics server down until somebody starts it",
            other => other.help(),
        }
    }

    /// What may be written for it.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Layout => Layout::KIND,
            Self::Host => HostName::KIND,
            Self::Listen => Listen::KIND,
            Self::Port => Port::KIND,
            Self::HermesCli => HermesCli::KIND,
            Self::Hermes => HermesProgram::KIND,
            Self::User => UserName::KIND,
            Self::Uid => Uid::KIND,
            Self::Isolated | Self::Down => Kind::Flag,
            Self::StopTimeout => StopTimeout::KIND,
            Self::LogTo => LogTo::KIND,
            Self::LogFiles => LogFiles::KIND,
            Self::LogSize => LogSize::KIND,
            Self::CrashBudget => CrashBudget::KIND,
            Self::Watchdog => Watchdog::KIND,
            Self::After => After::KIND,
        }
    }
}
