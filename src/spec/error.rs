//! What is wrong with something that a person wrote, whatever it is.

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
    /// A profile that is named twice.
    #[error("profile {0} is named twice; name it once")]
    ProfileTwice(ProfileName),
    /// A service that is to be installed twice.
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
    /// Nobody can run a gateway.
    #[error(transparent)]
    Owner(#[from] OwnerError),
    /// Two gateways on one port.
    #[error(transparent)]
    Port(#[from] PortError),
    /// Services that cannot be together in a layout.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// Which profiles a container takes.
    #[error(transparent)]
    Selection(#[from] SelectionError),
}
