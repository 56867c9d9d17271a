//! All that can be wrong with what a person wrote.

use thiserror::Error;

use super::environment::EnvironmentError;
use super::layout_error::LayoutError;
use super::options::OptionError;
use super::owner::OwnerError;
use super::ports::PortError;
use super::profile::{ProfileName, ProfileNameError};
use super::selection_error::SelectionError;
use super::service_name::ServiceName;
use super::word::ServiceWordError;

/// What is wrong with something that a person wrote.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SpecError {
    /// A profile name.
    #[error(transparent)]
    Profile(#[from] ProfileNameError),
    /// A profile is named twice.
    #[error("profile {0} is named twice; name it once")]
    ProfileTwice(ProfileName),
    /// A service would be installed twice.
    #[error("{0} is named twice; name it once")]
    ServiceTwice(ServiceName),
    /// A word for a service.
    #[error(transparent)]
    Word(#[from] ServiceWordError),
    /// The value of an option.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// An environment entry or a secret.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// A user who cannot run the gateway.
    #[error(transparent)]
    Owner(#[from] OwnerError),
    /// Two gateways on one port.
    #[error(transparent)]
    Port(#[from] PortError),
    /// Services that cannot be in one layout.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The choice of a container's profiles.
    #[error(transparent)]
    Selection(#[from] SelectionError),
}
