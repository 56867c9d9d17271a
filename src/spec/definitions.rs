//! What services are called in s6-rc.

use super::options::Layout;
use super::service_name::ServiceName;

/// What stands behind the name of a service in that of its logger.
pub(super) const LOGGER: &str = "-log";

/// What stands behind the name of a service in that of the bundle of it and its logger.
const PIPELINE: &str = "-pipeline";

impl ServiceName {
    /// The name of its logger in s6-rc, if it has one: `gateway-<profile>-log`.
    pub fn logger(&self) -> Option<String> {
        self.logs().is_some().then(|| self.directory() + LOGGER)
    }

    /// The name of the bundle of it and its logger in s6-rc: `gateway-<profile>-pipeline`. Without a logger, its own.
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
    /// The bundle of s6-rc that is started at boot, if there is one.
    ///
    /// s6-overlay starts two, `user` and `user2`. But it has what is in /etc/services.d start after `user`, so that none of that stays up if a
    /// service of `user` is stopped.
    pub(crate) const fn bundle(self) -> Option<&'static str> {
        match self {
            Self::S6 => None,
            Self::S6Rc => Some("user"),
            Self::S6Overlay => Some("user2"),
        }
    }

    /// What of s6-overlay's own has all in it that is started at boot, or is after it.
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
