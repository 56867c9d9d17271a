//! What is wrong with a set of services in a layout.

use thiserror::Error;

use super::definitions::LOGGER;
use super::profile::{ProfileName, SERVICE_PREFIX};
use super::service_name::ServiceName;

/// The most characters that a profile may have if s6-rc runs its gateway: 231. The pipe to its logger is held under the name
/// `pipe:s6rc-r-gateway-<profile>-log`, which may have 255 (<https://skarnet.org/software/s6/s6-fdholder-daemon.html>).
pub(super) const PROFILE_MAX: usize = 255 - "pipe:s6rc-r-".len() - SERVICE_PREFIX.len() - LOGGER.len();

/// What is wrong with a set of services in a layout.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LayoutError {
    /// The service should start after another, but the layout keeps no order.
    #[error("{0} has to start after {1}, but layout s6 keeps no order; use layout s6-rc or s6-overlay, or omit after")]
    NoOrder(ServiceName, String),
    /// The name is too long for s6-rc.
    #[error(
        "profile {0} has {len} characters; layout s6-rc has a pipe for the logger of at most {PROFILE_MAX}; choose a shorter name",
        len = .0.as_str().len()
    )]
    TooLong(ProfileName),
    /// The name of one service is also the name of something that belongs to another.
    #[error(
        "{first} and {second} cannot be together in layout s6-rc: {name} would be the name of both {}{first} and {}{second}; rename one of them",
        of_first.of(), of_second.of(), name = of_first.name(first).unwrap_or_default()
    )]
    Same {
        /// The first service.
        first: ServiceName,
        /// The second service.
        second: ServiceName,
        /// What has that name for the first service.
        of_first: Role,
        /// What has that name for the second.
        of_second: Role,
    },
    /// Services should start after each other.
    #[error("{} would have to start after itself: {}; remove one of them from an after list", .0.first().map_or("a service", String::as_str), .0.join(" after "))]
    Circle(Vec<String>),
}

/// What a service has a name for in s6-rc.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The service itself.
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
