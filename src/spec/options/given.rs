//! The options that somebody gave for one gateway, for the dashboard or for the metrics server.

use super::after::After;
use super::crash_budget::CrashBudget;
use super::error::OptionError;
use super::hermes::{HermesCli, HermesProgram};
use super::host::HostName;
use super::key::Key;
use super::layout::Layout;
use super::listen::Listen;
use super::log_to::LogTo;
use super::number::{LogFiles, LogSize, Port, StopTimeout};
use super::uid::Uid;
use super::user::UserName;
use super::watchdog::Watchdog;
use crate::spec::environment::Environment;

/// The options of one gateway, of the dashboard or of the metrics server that somebody gave on a command line or in a manifest.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// `layout`, which only `[defaults]` has.
    pub layout: Option<Layout>,
    /// `host`, which only the dashboard has.
    pub host: Option<HostName>,
    /// `listen`, which only the metrics server has.
    pub listen: Option<Listen>,
    /// `port`.
    pub port: Option<Port>,
    /// `hermes-cli`.
    pub hermes_cli: Option<HermesCli>,
    /// `hermes`.
    pub hermes: Option<HermesProgram>,
    /// `user`.
    pub user: Option<UserName>,
    /// `isolated`.
    pub isolated: Option<bool>,
    /// `uid`.
    pub uid: Option<Uid>,
    /// `down`.
    pub down: Option<bool>,
    /// `stop-timeout`.
    pub stop_timeout: Option<StopTimeout>,
    /// `log-to`.
    pub log_to: Option<LogTo>,
    /// `log-files`.
    pub log_files: Option<LogFiles>,
    /// `log-size`.
    pub log_size: Option<LogSize>,
    /// `crash-budget`.
    pub crash_budget: Option<CrashBudget>,
    /// `watchdog`.
    pub watchdog: Option<Watchdog>,
    /// `after`.
    pub after: Option<Vec<After>>,
    /// `env`, `env-file` and `secret` together.
    pub environment: Environment,
}

impl Options {
    /// Sets one option from the text that was written for it. The text of a flag is `true` or `false`. A list gets the text as another
    /// entry.
    ///
    /// # Errors
    /// If the text is not a value of that option.
    pub fn set(&mut self, key: Key, text: &str) -> Result<(), OptionError> {
        match key {
            Key::Layout => self.layout = Some(text.parse()?),
            Key::Host => self.host = Some(text.parse()?),
            Key::Listen => self.listen = Some(text.parse()?),
            Key::Port => self.port = Some(text.parse()?),
            Key::HermesCli => self.hermes_cli = Some(text.parse()?),
            Key::Hermes => self.hermes = Some(text.parse()?),
            Key::User => self.user = Some(text.parse()?),
            Key::Isolated => self.isolated = Some(text == "true"),
            Key::Uid => self.uid = Some(text.parse()?),
            Key::Down => self.down = Some(text == "true"),
            Key::StopTimeout => self.stop_timeout = Some(text.parse()?),
            Key::LogTo => self.log_to = Some(text.parse()?),
            Key::LogFiles => self.log_files = Some(text.parse()?),
            Key::LogSize => self.log_size = Some(text.parse()?),
            Key::CrashBudget => self.crash_budget = Some(text.parse()?),
            Key::Watchdog => self.watchdog = Some(text.parse()?),
            Key::After => self.after.get_or_insert_default().push(text.parse()?),
        }
        Ok(())
    }

    /// Makes a list empty. That is different from a list that was not given.
    pub(crate) fn clear(&mut self, key: Key) {
        if key == Key::After {
            self.after = Some(Vec::new());
        }
    }

    /// One option as a person would write it, if it was given. The entries of a list are joined with commas.
    pub fn get(&self, key: Key) -> Option<String> {
        match key {
            Key::Layout => self.layout.as_ref().map(ToString::to_string),
            Key::Host => self.host.as_ref().map(ToString::to_string),
            Key::Listen => self.listen.as_ref().map(ToString::to_string),
            Key::Port => self.port.as_ref().map(ToString::to_string),
            Key::HermesCli => self.hermes_cli.as_ref().map(ToString::to_string),
            Key::Hermes => self.hermes.as_ref().map(ToString::to_string),
            Key::User => self.user.as_ref().map(ToString::to_string),
            Key::Isolated => self.isolated.as_ref().map(ToString::to_string),
            Key::Uid => self.uid.as_ref().map(ToString::to_string),
            Key::Down => self.down.as_ref().map(ToString::to_string),
            Key::StopTimeout => self.stop_timeout.as_ref().map(ToString::to_string),
            Key::LogTo => self.log_to.as_ref().map(ToString::to_string),
            Key::LogFiles => self.log_files.as_ref().map(ToString::to_string),
            Key::LogSize => self.log_size.as_ref().map(ToString::to_string),
            Key::CrashBudget => self.crash_budget.as_ref().map(ToString::to_string),
            Key::Watchdog => self.watchdog.as_ref().map(ToString::to_string),
            Key::After => {
                self.after.as_ref().map(|names| names.iter().map(After::as_str).collect::<Vec<_>>().join(","))
            }
        }
    }

    /// Whether these are the options of an isolated gateway.
    pub fn is_isolated(&self) -> bool {
        self.isolated.unwrap_or_default()
    }

    /// Whether the gateway with these options answers on a port.
    pub(crate) fn has_api_server(&self) -> bool {
        self.hermes_cli.unwrap_or_default() == HermesCli::Start || self.environment.has_api_server()
    }

    /// These options, and those of `defaults` for what is missing. The environments are joined entry by entry. An isolated gateway does not
    /// take the user of `defaults`. A gateway does not take the watchdog of `defaults` if it has no API server that a watchdog could ask.
    #[must_use]
    pub fn or(self, defaults: &Self) -> Self {
        let isolated = self.isolated.or(defaults.isolated);
        let user = if isolated == Some(true) { None } else { defaults.user.clone() };
        let mut environment = defaults.environment.clone();
        environment.overlay(self.environment);
        let mut all = Self {
            layout: self.layout,
            host: self.host.or_else(|| defaults.host.clone()),
            listen: self.listen.or(defaults.listen),
            port: self.port.or(defaults.port),
            hermes_cli: self.hermes_cli.or(defaults.hermes_cli),
            hermes: self.hermes.or_else(|| defaults.hermes.clone()),
            user: self.user.or(user),
            isolated,
            uid: self.uid.or(defaults.uid),
            down: self.down.or(defaults.down),
            stop_timeout: self.stop_timeout.or(defaults.stop_timeout),
            log_to: self.log_to.or(defaults.log_to),
            log_files: self.log_files.or(defaults.log_files),
            log_size: self.log_size.or(defaults.log_size),
            crash_budget: self.crash_budget.or(defaults.crash_budget),
            watchdog: self.watchdog,
            after: self.after.or_else(|| defaults.after.clone()),
            environment,
        };
        if all.has_api_server() {
            all.watchdog = all.watchdog.or(defaults.watchdog);
        }
        all
    }
}
