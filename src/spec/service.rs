//! The services that gen-service renders, and what they are called.

use std::fmt;

use super::dashboard::Dashboard;
use super::gateway::Gateway;
use super::options::Port;
use super::profile::ProfileName;

/// The name of the service directory of the dashboard.
const DASHBOARD: &str = "dashboard";

/// The name of the service directory of `gatewayctl watch`.
const WATCH: &str = "watch";

/// Which service it is. In the order in which they are rendered and shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceName {
    /// The gateway of a profile.
    Gateway(ProfileName),
    /// The dashboard of Hermes.
    Dashboard,
    /// `gatewayctl watch`, which root runs.
    Watch,
}

impl ServiceName {
    /// The name of its service directory: `gateway-<profile>`, `dashboard`, `watch`.
    pub fn directory(&self) -> String {
        match self {
            Self::Gateway(profile) => profile.service_name(),
            Self::Dashboard => DASHBOARD.to_owned(),
            Self::Watch => WATCH.to_owned(),
        }
    }

    /// The service whose service directory has this name, if there is one.
    pub fn of_directory(name: &str) -> Option<Self> {
        match name {
            DASHBOARD => Some(Self::Dashboard),
            WATCH => Some(Self::Watch),
            name => ProfileName::of_service(name).map(Self::Gateway),
        }
    }

    /// The profile that it serves, if it is a gateway.
    pub fn profile(&self) -> Option<&ProfileName> {
        match self {
            Self::Gateway(profile) => Some(profile),
            Self::Dashboard | Self::Watch => None,
        }
    }

    /// Of which part of a manifest it is.
    pub fn part(&self) -> Part {
        match self {
            Self::Gateway(_) => Part::Gateways,
            Self::Dashboard => Part::Dashboard,
            Self::Watch => Part::Watch,
        }
    }

    /// Its log directory below `HERMES_HOME`, if it has one: what `watch` says is in the log of the container.
    pub(crate) fn logs(&self) -> Option<String> {
        match self {
            Self::Gateway(profile) => Some(format!("logs/gateways/{profile}")),
            Self::Dashboard => Some("logs/dashboard".to_owned()),
            Self::Watch => None,
        }
    }
}

impl From<ProfileName> for ServiceName {
    fn from(profile: ProfileName) -> Self {
        Self::Gateway(profile)
    }
}

/// For a message: `gateway coder`, `the dashboard`.
impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gateway(profile) => write!(f, "gateway {profile}"),
            Self::Dashboard => f.write_str("the dashboard"),
            Self::Watch => f.write_str("the watch"),
        }
    }
}

/// A part of a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// `[gateways]`.
    Gateways,
    /// `[dashboard]`.
    Dashboard,
    /// `[watch]`.
    Watch,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Gateways, Self::Dashboard, Self::Watch];
}

/// A service with all that decides its service directory. To have one is to know that it can be rendered.
#[derive(Debug, Clone)]
pub enum Service {
    /// A gateway.
    Gateway(Gateway),
    /// The dashboard.
    Dashboard(Dashboard),
    /// `gatewayctl watch`; nothing is to be decided.
    Watch,
}

impl Service {
    /// Which one it is.
    pub fn name(&self) -> ServiceName {
        match self {
            Self::Gateway(gateway) => ServiceName::Gateway(gateway.profile().clone()),
            Self::Dashboard(_) => ServiceName::Dashboard,
            Self::Watch => ServiceName::Watch,
        }
    }

    /// Its port, if it has one.
    pub fn port(&self) -> Option<Port> {
        match self {
            Self::Gateway(gateway) => gateway.port(),
            Self::Dashboard(dashboard) => Some(dashboard.port()),
            Self::Watch => None,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_and_back() {
        let gateway = |profile: &str| ServiceName::Gateway(profile.parse().unwrap());
        for (name, directory) in [
            (gateway("coder"), "gateway-coder"),
            (gateway("dashboard"), "gateway-dashboard"),
            (ServiceName::Dashboard, "dashboard"),
            (ServiceName::Watch, "watch"),
        ] {
            assert_eq!(name.directory(), directory);
            assert_eq!(ServiceName::of_directory(directory), Some(name));
        }
        for other in ["", "coder", "gateway-", "Dashboard", "watch\n", ".watch"] {
            assert_eq!(ServiceName::of_directory(other), None, "{other}");
        }
    }
}
