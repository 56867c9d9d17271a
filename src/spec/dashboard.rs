//! Everything that decides the service directory of the dashboard, validated.

use super::environment::{DASHBOARD_ADDRESS, Environment, EnvironmentError};
use super::error::SpecError;
use super::gateway::Gateway;
use super::options::{
    After, CrashBudget, HermesProgram, HostName, LogFiles, LogSize, LogTo, Options, Port, StopTimeout, UserName,
};
use super::ports::PortError;

/// The dashboard of Hermes, with every default filled in. Any value of this type can be rendered.
#[derive(Debug, Clone)]
pub struct Dashboard {
    pub(crate) host: HostName,
    pub(crate) port: Port,
    pub(crate) program: HermesProgram,
    pub(crate) user: UserName,
    pub(crate) environment: Environment,
    pub(crate) down: bool,
    pub(crate) stop_timeout: StopTimeout,
    pub(crate) log_to: LogTo,
    pub(crate) log_files: LogFiles,
    pub(crate) log_size: LogSize,
    pub(crate) crash_budget: CrashBudget,
    pub(crate) after: Vec<After>,
}

impl Dashboard {
    /// Makes the dashboard from these options. `hermes-cli` means nothing to it. It is down until somebody starts it, unless the options
    /// say otherwise, because everybody who reaches it may do all that Hermes may do.
    ///
    /// # Errors
    /// If the environment has one of the variables by which the container sets host and port, because only Hermes would see it.
    pub fn new(options: Options) -> Result<Self, EnvironmentError> {
        if let Some(name) = DASHBOARD_ADDRESS.into_iter().find(|name| options.environment.contains(name)) {
            return Err(EnvironmentError::Address(name));
        }
        Ok(Self {
            host: options.host.unwrap_or_default(),
            port: options.port.unwrap_or(Port::DASHBOARD),
            program: options.hermes.unwrap_or_default(),
            user: options.user.unwrap_or_default(),
            environment: options.environment,
            down: options.down.unwrap_or(true),
            stop_timeout: options.stop_timeout.unwrap_or_default(),
            log_to: options.log_to.unwrap_or_default(),
            log_files: options.log_files.unwrap_or_default(),
            log_size: options.log_size.unwrap_or_default(),
            crash_budget: options.crash_budget.unwrap_or_default(),
            after: options.after.unwrap_or_default(),
        })
    }

    /// Like [`Self::new`], with a port that none of these gateways has.
    ///
    /// # Errors
    /// Like [`Self::new`], and if a gateway has its port.
    pub(crate) fn beside(gateways: &[Gateway], options: Options) -> Result<Self, SpecError> {
        let dashboard = Self::new(options)?;
        match gateways.iter().find(|gateway| gateway.port() == Some(dashboard.port)) {
            Some(gateway) => {
                Err(PortError::OfDashboard { gateway: gateway.profile().clone(), port: dashboard.port }.into())
            }
            None => Ok(dashboard),
        }
    }

    /// The port that it listens on, unless the container sets another.
    pub fn port(&self) -> Port {
        self.port
    }
}
