//! The services that gen-service renders.

use super::dashboard::Dashboard;
use super::gateway::Gateway;
use super::metrics::Metrics;
use super::options::{After, Port};
use super::service_name::ServiceName;

/// A service with everything that decides its service directory. Any value of this type can be rendered.
#[derive(Debug, Clone)]
pub enum Service {
    /// A gateway.
    Gateway(Gateway),
    /// The dashboard.
    Dashboard(Dashboard),
    /// `gatewayctl watch`. It has no options.
    Watch,
    /// `gatewayctl watchdog`. It has no options.
    Watchdog,
    /// `gatewayctl metrics`.
    Metrics(Metrics),
}

impl Service {
    /// Its name.
    pub fn name(&self) -> ServiceName {
        match self {
            Self::Gateway(gateway) => ServiceName::Gateway(gateway.profile().clone()),
            Self::Dashboard(_) => ServiceName::Dashboard,
            Self::Watch => ServiceName::Watch,
            Self::Watchdog => ServiceName::Watchdog,
            Self::Metrics(_) => ServiceName::Metrics,
        }
    }

    /// What must be up before it starts, if s6-rc starts it.
    pub fn after(&self) -> &[After] {
        match self {
            Self::Gateway(gateway) => &gateway.after,
            Self::Dashboard(dashboard) => &dashboard.after,
            Self::Watch | Self::Watchdog | Self::Metrics(_) => &[],
        }
    }

    /// Whether it stays down until an operator starts it.
    pub fn is_down(&self) -> bool {
        match self {
            Self::Gateway(gateway) => gateway.down,
            Self::Dashboard(dashboard) => dashboard.down,
            Self::Metrics(metrics) => metrics.down,
            Self::Watch | Self::Watchdog => false,
        }
    }

    /// The service that these services need in addition: the watchdog, if a gateway has one.
    pub(crate) fn and_watchdog(services: &[Self]) -> Option<Self> {
        let has_one =
            |service: &Self| matches!(service, Self::Gateway(gateway) if gateway.watchdog.seconds().is_some());
        services.iter().any(has_one).then_some(Self::Watchdog)
    }

    /// Its port, if it has one.
    pub fn port(&self) -> Option<Port> {
        match self {
            Self::Gateway(gateway) => gateway.port(),
            Self::Dashboard(dashboard) => Some(dashboard.port()),
            Self::Metrics(metrics) => Some(metrics.port()),
            Self::Watch | Self::Watchdog => None,
        }
    }
}

impl From<Gateway> for Service {
    fn from(gateway: Gateway) -> Self {
        Self::Gateway(gateway)
    }
}

impl From<Dashboard> for Service {
    fn from(dashboard: Dashboard) -> Self {
        Self::Dashboard(dashboard)
    }
}

impl From<Metrics> for Service {
    fn from(metrics: Metrics) -> Self {
        Self::Metrics(metrics)
    }
}
