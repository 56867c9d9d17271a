//! The names of the services that gen-service renders.

use std::fmt;

use super::profile::ProfileName;

/// The name of the service directory of the dashboard.
const DASHBOARD: &str = "dashboard";

/// The name of the service directory of `gatewayctl watch`.
const WATCH: &str = "watch";

/// The name of the service directory of `gatewayctl watchdog`.
const WATCHDOG: &str = "watchdog";

/// The name of the service directory of `gatewayctl metrics`.
const METRICS: &str = "metrics";

/// The name of a service. Services are rendered and shown in this order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceName {
    /// The gateway of a profile.
    Gateway(ProfileName),
    /// The dashboard of Hermes.
    Dashboard,
    /// `gatewayctl watch`, which root runs.
    Watch,
    /// `gatewayctl watchdog`, which root runs.
    Watchdog,
    /// `gatewayctl metrics`, which root runs.
    Metrics,
}

impl ServiceName {
    /// The name of its service directory: `gateway-<profile>`, `dashboard`, `watch`, `watchdog`, `metrics`.
    pub fn directory(&self) -> String {
        match self {
            Self::Gateway(profile) => profile.service_name(),
            Self::Dashboard => DASHBOARD.to_owned(),
            Self::Watch => WATCH.to_owned(),
            Self::Watchdog => WATCHDOG.to_owned(),
            Self::Metrics => METRICS.to_owned(),
        }
    }

    /// The service whose service directory has this name, if there is one.
    pub fn of_directory(name: &str) -> Option<Self> {
        match name {
            DASHBOARD => Some(Self::Dashboard),
            WATCH => Some(Self::Watch),
            WATCHDOG => Some(Self::Watchdog),
            METRICS => Some(Self::Metrics),
            name => ProfileName::of_service(name).map(Self::Gateway),
        }
    }

    /// The profile that it serves, if it is a gateway.
    pub fn profile(&self) -> Option<&ProfileName> {
        match self {
            Self::Gateway(profile) => Some(profile),
            Self::Dashboard | Self::Watch | Self::Watchdog | Self::Metrics => None,
        }
    }

    /// The part of a manifest that it comes from.
    pub fn part(&self) -> Part {
        match self {
            Self::Gateway(_) => Part::Gateways,
            Self::Dashboard => Part::Dashboard,
            Self::Watch => Part::Watch,
            Self::Watchdog => Part::Watchdog,
            Self::Metrics => Part::Metrics,
        }
    }

    /// Its log directory below `HERMES_HOME`, if it has one. Services that run as root write to the log of the container instead.
    pub(crate) fn logs(&self) -> Option<String> {
        match self {
            Self::Gateway(profile) => Some(format!("logs/gateways/{profile}")),
            Self::Dashboard => Some("logs/dashboard".to_owned()),
            Self::Watch | Self::Watchdog | Self::Metrics => None,
        }
    }

    /// Whether it runs as root. Anyone who controls such a service controls what root does with gateways.
    pub(crate) fn is_roots(&self) -> bool {
        matches!(self, Self::Watch | Self::Watchdog | Self::Metrics)
    }

    /// The word for it on the command line of gatewayctl: `coder`, `dashboard`. If a profile has the name of another service, the word is
    /// `profile:dashboard`.
    pub fn word(&self) -> String {
        match self {
            Self::Gateway(profile) if Self::of_directory(profile.as_str()).is_some() => format!("profile:{profile}"),
            Self::Gateway(profile) => profile.to_string(),
            other => other.directory(),
        }
    }

    /// The command that shows its log.
    pub(crate) fn see_log(&self) -> String {
        match self {
            Self::Watch | Self::Watchdog | Self::Metrics => "docker logs".to_owned(),
            other => format!("gatewayctl logs {}", other.word()),
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
            Self::Watchdog => f.write_str("the watchdog"),
            Self::Metrics => f.write_str("the metrics server"),
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
    /// The watchdog, which a gateway with `watchdog` needs.
    Watchdog,
    /// `[metrics]`.
    Metrics,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Gateways, Self::Dashboard, Self::Watch, Self::Watchdog, Self::Metrics];
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
            (ServiceName::Watchdog, "watchdog"),
            (ServiceName::Metrics, "metrics"),
        ] {
            assert_eq!(name.directory(), directory);
            assert_eq!(ServiceName::of_directory(directory), Some(name));
        }
        for other in ["", "coder", "gateway-", "Dashboard", "watch\n", ".watch", "watchdog-log", "metrics-log"] {
            assert_eq!(ServiceName::of_directory(other), None, "{other}");
        }
    }
}
