//! The options that decide one gateway, each a type that cannot hold a wrong value.
//!
//! [`Key`] is the one table of them: the long options of the command line, the keys of a manifest and the manifest's
//! JSON Schema are all made from it, so they cannot disagree. To add an option: a type here, a line in each `match` of
//! this file, and its use in [`crate::render`].

mod crash_budget;
mod hermes;
mod number;
mod user;

pub use crash_budget::CrashBudget;
pub use hermes::{HermesCli, HermesProgram};
pub use number::{LogFiles, LogSize, Port, StopTimeout};
pub use user::UserName;

use thiserror::Error;

use crate::environment::Environment;
use crate::error::Shown;

/// An option that has one value; `env`, `env-file` and `secret` are the other kind, see [`crate::environment`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// The port that the gateway is told.
    Port,
    /// Which of the two command lines of Hermes.
    HermesCli,
    /// The program that is Hermes.
    Hermes,
    /// Who gateway and logger run as.
    User,
    /// Whether the gateway waits for an operator to start it.
    Down,
    /// How long a stop waits before it kills.
    StopTimeout,
    /// How many rotated log files are kept.
    LogFiles,
    /// How large a log file grows.
    LogSize,
    /// How many deaths in which time leave the gateway down.
    CrashBudget,
}

/// What may be written for an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number between these two, inclusive.
    Integer(u64, u64),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A text that matches this regular expression (ECMA 262, as JSON Schema has it).
    Text(&'static str),
    /// Set or not; `true` or `false` in a manifest.
    Flag,
}

impl Key {
    /// Every key, in the order in which help texts show them.
    pub const ALL: [Self; 9] = [
        Self::Port,
        Self::HermesCli,
        Self::Hermes,
        Self::User,
        Self::Down,
        Self::StopTimeout,
        Self::LogFiles,
        Self::LogSize,
        Self::CrashBudget,
    ];

    /// Its name in a manifest, and after `--`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Port => "port",
            Self::HermesCli => "hermes-cli",
            Self::Hermes => "hermes",
            Self::User => "user",
            Self::Down => "down",
            Self::StopTimeout => "stop-timeout",
            Self::LogFiles => "log-files",
            Self::LogSize => "log-size",
            Self::CrashBudget => "crash-budget",
        }
    }

    /// What stands for its value in a help text.
    pub const fn value_name(self) -> &'static str {
        match self {
            Self::HermesCli => "start|run",
            Self::Hermes => "PROGRAM",
            Self::User => "NAME",
            Self::StopTimeout => "SECONDS",
            Self::LogSize => "BYTES",
            Self::CrashBudget => "N/SECONDS",
            Self::Port | Self::Down | Self::LogFiles => "N",
        }
    }

    /// What it does, in one line or two.
    pub const fn help(self) -> &'static str {
        match self {
            Self::Port => {
                "Port of the gateway [default: with `start` one from 9200 up, from the name; with `run` none]"
            }
            Self::HermesCli => {
                "Command line of Hermes: `start` is `gateway start --foreground --port N`, `run` is `gateway run \
                 --replace`; every Hermes on PyPI from 0.15 to 0.19 takes only `run` [default: start]"
            }
            Self::Hermes => {
                "Hermes itself, a name on PATH or an absolute path such as /opt/venv/bin/hermes [default: hermes]"
            }
            Self::User => "User that gateway and logger run as [default: hermes]",
            Self::Down => "Leave the gateway down until it is started",
            Self::StopTimeout => "Time from TERM to KILL when the gateway is stopped [default: 30]",
            Self::LogFiles => "Rotated log files to keep [default: 10]",
            Self::LogSize => "Size at which a log file is rotated [default: 1000000]",
            Self::CrashBudget => "Leave the gateway down after N deaths within SECONDS, or `off` [default: 10/300]",
        }
    }

    /// What may be written for it.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Port => Port::KIND,
            Self::HermesCli => HermesCli::KIND,
            Self::Hermes => HermesProgram::KIND,
            Self::User => UserName::KIND,
            Self::Down => Kind::Flag,
            Self::StopTimeout => StopTimeout::KIND,
            Self::LogFiles => LogFiles::KIND,
            Self::LogSize => LogSize::KIND,
            Self::CrashBudget => CrashBudget::KIND,
        }
    }
}

/// The options of one gateway as far as they were given, on a command line or in a manifest.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// `port`.
    pub port: Option<Port>,
    /// `hermes-cli`.
    pub hermes_cli: Option<HermesCli>,
    /// `hermes`.
    pub hermes: Option<HermesProgram>,
    /// `user`.
    pub user: Option<UserName>,
    /// `down`.
    pub down: Option<bool>,
    /// `stop-timeout`.
    pub stop_timeout: Option<StopTimeout>,
    /// `log-files`.
    pub log_files: Option<LogFiles>,
    /// `log-size`.
    pub log_size: Option<LogSize>,
    /// `crash-budget`.
    pub crash_budget: Option<CrashBudget>,
    /// `env`, `env-file` and `secret` together.
    pub environment: Environment,
}

impl Options {
    /// Sets one option from the text that was written for it; a flag's is `true` or `false`.
    ///
    /// # Errors
    /// Where the text is no value of that option.
    pub fn set(&mut self, key: Key, text: &str) -> Result<(), OptionError> {
        match key {
            Key::Port => self.port = Some(text.parse()?),
            Key::HermesCli => self.hermes_cli = Some(text.parse()?),
            Key::Hermes => self.hermes = Some(text.parse()?),
            Key::User => self.user = Some(text.parse()?),
            Key::Down => self.down = Some(text == "true"),
            Key::StopTimeout => self.stop_timeout = Some(text.parse()?),
            Key::LogFiles => self.log_files = Some(text.parse()?),
            Key::LogSize => self.log_size = Some(text.parse()?),
            Key::CrashBudget => self.crash_budget = Some(text.parse()?),
        }
        Ok(())
    }

    /// One option as a person would write it, where it was given.
    pub fn get(&self, key: Key) -> Option<String> {
        match key {
            Key::Port => self.port.as_ref().map(ToString::to_string),
            Key::HermesCli => self.hermes_cli.as_ref().map(ToString::to_string),
            Key::Hermes => self.hermes.as_ref().map(ToString::to_string),
            Key::User => self.user.as_ref().map(ToString::to_string),
            Key::Down => self.down.as_ref().map(ToString::to_string),
            Key::StopTimeout => self.stop_timeout.as_ref().map(ToString::to_string),
            Key::LogFiles => self.log_files.as_ref().map(ToString::to_string),
            Key::LogSize => self.log_size.as_ref().map(ToString::to_string),
            Key::CrashBudget => self.crash_budget.as_ref().map(ToString::to_string),
        }
    }

    /// These options, and those of `defaults` where these say nothing. The environments are joined entry by entry.
    #[must_use]
    pub fn or(self, defaults: &Self) -> Self {
        let mut environment = defaults.environment.clone();
        environment.overlay(self.environment);
        Self {
            port: self.port.or(defaults.port),
            hermes_cli: self.hermes_cli.or(defaults.hermes_cli),
            hermes: self.hermes.or_else(|| defaults.hermes.clone()),
            user: self.user.or_else(|| defaults.user.clone()),
            down: self.down.or(defaults.down),
            stop_timeout: self.stop_timeout.or(defaults.stop_timeout),
            log_files: self.log_files.or(defaults.log_files),
            log_size: self.log_size.or(defaults.log_size),
            crash_budget: self.crash_budget.or(defaults.crash_budget),
            environment,
        }
    }
}

/// A text that is no value of an option.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{} {} {problem}; {remedy}", key.name(), Shown(value))]
pub struct OptionError {
    pub(crate) key: Key,
    pub(crate) value: String,
    /// What is wrong with it: `is out of range`.
    pub(crate) problem: &'static str,
    /// What to write instead.
    pub(crate) remedy: String,
}

impl OptionError {
    fn new(key: Key, value: &str, problem: &'static str, remedy: impl Into<String>) -> Self {
        Self { key, value: value.to_owned(), problem, remedy: remedy.into() }
    }
}
