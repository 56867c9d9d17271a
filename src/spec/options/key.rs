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

/// An option that has one value; `env`, `env-file` and `secret` are the other kind, see [`environment`](crate::spec::environment).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// In which form all is rendered.
    Layout,
    /// The address that the dashboard listens on.
    Host,
    /// Where metrics are served.
    Listen,
    /// The port that the gateway is told, or that the dashboard listens on.
    Port,
    /// Which of the two command lines of Hermes.
    HermesCli,
    /// The program that is Hermes.
    Hermes,
    /// Who gateway and logger run as.
    User,
    /// Whether the gateway is an instance of its own: its own home, its own user.
    Isolated,
    /// The number of that user.
    Uid,
    /// Whether the gateway waits for an operator to start it.
    Down,
    /// How long a stop waits before it kills.
    StopTimeout,
    /// Where what the gateway says goes.
    LogTo,
    /// How many rotated log files are kept.
    LogFiles,
    /// How large a log file grows.
    LogSize,
    /// How many deaths in which time leave the gateway down.
    CrashBudget,
    /// How long the gateway may be up and not answer.
    Watchdog,
    /// What has to be up before the gateway starts.
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

    /// Those that no two gateways have alike, so that `[defaults]` cannot have them.
    pub(crate) const OF_ONE: [Self; 2] = [Self::Port, Self::Uid];

    /// Those that all gateways have alike, so that only `[defaults]` can have them.
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

    /// What stands for its value in a help text.
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

    /// What it does for a gateway, in one line or two.
    pub const fn help(self) -> &'static str {
        match self {
            Self::Layout => {
                "Form of all that is rendered: `s6` is service directories for a scandir or /etc/services.d; `s6-rc` is source \
                 definitions of s6-rc; `s6-overlay` is those at their places below /etc/s6-overlay [default: s6]"
            }
            Self::Host => "Address that the dashboard listens on, an IP address or a host name [default: 127.0.0.1]",
            Self::Listen => {
                "Address to serve metrics at, an IP address and a port, or a port of loopback [default: 127.0.0.1:9118]"
            }
            Self::Port => {
                "Port of the gateway [default: with `start`, or isolated, one from 9200 up, from the name; else none]"
            }
            Self::HermesCli => {
                "Command line of Hermes: `start` is `gateway start --foreground --port N`; `run` is `gateway run \
                 --replace`; `run-beside` is the same, but named profiles do not say --replace, which would end a gateway \
                 that serves them all. Every Hermes from 0.13 on takes only the last two [default: start]"
            }
            Self::Hermes => {
                "Hermes itself, a name on PATH or an absolute path such as /opt/venv/bin/hermes [default: hermes]"
            }
            Self::User => "User that gateway and logger run as [default: hermes]",
            Self::Isolated => {
                "Make the gateway an instance of its own: in a home of its own, `${HERMES_HOMES}/<profile>`, as a user of its own"
            }
            Self::Uid => "Number of the user of an isolated gateway [default: one from 20000 up, from the name]",
            Self::Down => "Leave the gateway down until it is started",
            Self::StopTimeout => "Time from TERM to KILL when the gateway is stopped [default: 30]",
            Self::LogTo => {
                "Where what the gateway says goes: to its `file`, or to `both` that and the container's log [default: file]"
            }
            Self::LogFiles => "Rotated log files to keep [default: 10]",
            Self::LogSize => "Size at which a log file is rotated [default: 1000000]",
            Self::CrashBudget => "Leave the gateway down after N deaths within SECONDS, or `off` [default: 10/300]",
            Self::Watchdog => {
                "Restart the gateway if it is up and its port has not answered for so long; 0 is never [default: 0]"
            }
            Self::After => {
                "Start the gateway after this service or bundle of s6-rc; only with layout s6-rc or s6-overlay; may be given several times"
            }
        }
    }

    /// What it does for the dashboard.
    pub const fn help_of_dashboard(self) -> &'static str {
        match self {
            Self::Port => "Port that the dashboard listens on [default: 9119]",
            Self::User => "User that dashboard and logger run as [default: hermes]",
            Self::Down => "Leave the dashboard down until it is started [default: true]",
            Self::StopTimeout => "Time from TERM to KILL when the dashboard is stopped [default: 30]",
            Self::CrashBudget => "Leave the dashboard down after N deaths within SECONDS, or `off` [default: 10/300]",
            Self::After => "Start the dashboard after these services or bundles of s6-rc",
            other => other.help(),
        }
    }

    /// What it does for the metrics server.
    pub const fn help_of_metrics(self) -> &'static str {
        match self {
            Self::Down => "Leave the metrics server down until it is started",
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
