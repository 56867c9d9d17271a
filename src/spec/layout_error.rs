//! What is wrong with a set of services in a layout.

use thiserror::Error;

use super::definitions::LOGGER;
use super::profile::{ProfileName, SERVICE_PREFIX};
use super::service_name::ServiceName;

/// The most characters of a profile whose gateway s6-rc runs: 231. The pipe to the logger is held for it under the name
/// `pipe:s6rc-r-gateway-<profile>-log`, which may have 255 (<https://skarnet.org/software/s6/s6-fdholder-daemon.html>).
pub(super) const PROFILE_MAX: usize = 255 - "pipe:s6rc-r-".len() - SERVICE_PREFIX.len() - LOGGER.len();

/// What is wrong with a set of services in a layout.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LayoutError {
    /// The service is to start after another, and nothing would see to it.
    #[error("{0} is to start after {1}, and s6 keeps no order; give layout s6-rc or s6-overlay, or omit after")]
    NoOrder(ServiceName, String),
    /// The name is too long for s6-rc.
    #[error(
        "profile {0} has {len} characters; use at most {PROFILE_MAX} with layout s6-rc, or its logger gets no pipe",
        len = .0.as_str().len()
    )]
    TooLong(ProfileName),
    /// A service is called as something that belongs to another one.
    #[error(
        "{first} and {second} cannot be together in layout s6-rc: {name} would be both {}{first} and {}{second}; give one another name",
        of_first.of(), of_second.of(), name = of_first.name(first).unwrap_or_default()
    )]
    Same {
        /// The service that stands first.
        first: ServiceName,
        /// The other one.
        second: ServiceName,
        /// What of the first has that name.
        of_first: Role,
        /// What of the second.
        of_second: Role,
    },
    /// Services are to start after each other.
    #[error("{} is to start after itself: {}; take one of them out of after", .0.first().map_or("a service", String::as_str), .0.join(" after "))]
    Circle(Vec<String>),
}

/// What a service has a name for in s6-rc.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Itself.
    Service,
    /// Its logger.
    Logger,
    /// The bundle of both.
    Pipeline,
}

impl Role {
    pub(super) const ALL: [Self; 3] = [Self::Service, Self::Logger, Self::Pipeline];

    pub(super) fn name(self, service: &ServiceName) -> Option<String> {
        match self {
            Self::Service => Some(service.directory()),
            Self::Logger => service.logger(),
            Self::Pipeline => Some(service.pipeline()),
        }
    }

    fn of(self) -> &'static str {
        match self {
            Self::Service => "",
            Self::Logger => "the logger of ",
            Self::Pipeline => "the pipeline of ",
        }
    }
}
