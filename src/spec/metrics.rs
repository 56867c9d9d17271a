//! Everything that decides the service directory of the metrics, validated.

use super::dashboard::Dashboard;
use super::gateway::Gateway;
use super::options::{Listen, Options, Port};
use super::ports::PortError;
use super::service_name::ServiceName;

/// The server of `gatewayctl metrics`, which reports the states of all gateways. Any value of this type can be rendered.
#[derive(Debug, Clone, Copy)]
pub struct Metrics {
    pub(crate) listen: Listen,
    pub(crate) down: bool,
}

impl Metrics {
    /// Makes it from these options. Only `listen` and `down` mean anything to it.
    pub fn new(options: &Options) -> Self {
        Self { listen: options.listen.unwrap_or_default(), down: options.down.unwrap_or_default() }
    }

    /// Like [`Self::new`], with a port that neither these gateways nor this dashboard have.
    ///
    /// # Errors
    /// If one of them has its port.
    pub(crate) fn beside(
        gateways: &[Gateway],
        dashboard: Option<&Dashboard>,
        options: &Options,
    ) -> Result<Self, PortError> {
        let metrics = Self::new(options);
        let port = metrics.port();
        let gateway = gateways.iter().find(|gateway| gateway.port() == Some(port));
        let gateway = gateway.map(|gateway| ServiceName::from(gateway.profile().clone()));
        let dashboard = dashboard.filter(|dashboard| dashboard.port() == port).map(|_| ServiceName::Dashboard);
        match gateway.or(dashboard) {
            Some(service) => Err(PortError::OfMetrics { service, port }),
            None => Ok(metrics),
        }
    }

    /// The port that it listens on, unless the container sets another.
    pub fn port(&self) -> Port {
        self.listen.port()
    }
}
