//! The names of services in s6-rc.

use super::options::Layout;
use super::service_name::ServiceName;

/// The end of the name of a service's logger.
pub(super) const LOGGER: &str = "-log";

/// The end of the name of the bundle of a service and its logger.
const PIPELINE: &str = "-pipeline";

impl ServiceName {
    /// The name of its logger in s6-rc, if it has one: `gateway-<profile>-log`.
    pub fn logger(&self) -> Option<String> {
        self.logs().is_some().then(|| self.directory() + LOGGER)
    }

    /// The name in s6-rc of the bundle of it and its logger: `gateway-<profile>-pipeline`. The name of the service itself if it has no
    /// logger.
    pub fn pipeline(&self) -> String {
        if self.logs().is_some() { self.directory() + PIPELINE } else { self.directory() }
    }

    /// The service whose logger has this name in s6-rc, if there is one.
    pub(crate) fn of_logger(name: &str) -> Option<Self> {
        Self::of_directory(name.strip_suffix(LOGGER)?).filter(|service| service.logs().is_some())
    }

    /// The service whose bundle has this name in s6-rc, if there is one.
    pub(crate) fn of_pipeline(name: &str) -> Option<Self> {
        Self::of_directory(name.strip_suffix(PIPELINE).unwrap_or(name)).filter(|service| service.pipeline() == name)
    }
}

impl Layout {
    /// The bundle of s6-rc that is started at boot, if the layout has one.
    ///
    /// s6-overlay starts two bundles, `user` and `user2`. It starts what is in /etc/services.d after `user`, so none of that would stay up
    /// if a service of `user` were stopped.
    pub(crate) const fn bundle(self) -> Option<&'static str> {
        match self {
            Self::S6 => None,
            Self::S6Rc => Some("user"),
            Self::S6Overlay => Some("user2"),
        }
    }

    /// The services and bundles of s6-overlay that hold, or come after, everything that is started at boot.
    pub(super) const fn has_all(self) -> &'static [&'static str] {
        match self {
            Self::S6 => &[],
            Self::S6Rc => &["user", "legacy-services", "top"],
            Self::S6Overlay => &["user2", "top"],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_back() {
        let gateways = ["coder", "x-log"].map(|profile| ServiceName::Gateway(profile.parse().unwrap()));
        for name in gateways.into_iter().chain([
            ServiceName::Dashboard,
            ServiceName::Watch,
            ServiceName::Watchdog,
            ServiceName::Metrics,
        ]) {
            assert_eq!(ServiceName::of_pipeline(&name.pipeline()), Some(name.clone()));
            assert_eq!(name.logger().and_then(|logger| ServiceName::of_logger(&logger)), name.logger().map(|_| name));
        }
        for other in ["watch-log", "watch-pipeline", "gateway--log", "log", ""] {
            assert_eq!((ServiceName::of_logger(other), ServiceName::of_pipeline(other)), (None, None), "{other}");
        }
        assert_eq!(ServiceName::of_pipeline("gateway-coder"), None, "one with a logger has a pipeline");
    }
}
