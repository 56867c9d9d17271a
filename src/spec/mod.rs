//! What a person may write. Each thing has a type whose values cannot be wrong. No I/O.
//!
//! [`Options`] of a [`ProfileName`] become a [`Gateway`], which is everything that decides one service directory: every default is filled
//! in, and its port is given out. The options of the [`Dashboard`] and of the [`Metrics`] server do the same. A [`Service`] is one of
//! these, or the watch, or the watchdog.

mod dashboard;
mod definitions;
pub mod environment;
mod error;
mod gateway;
mod layout_error;
mod metrics;
pub mod options;
mod owner;
mod ports;
mod profile;
pub(crate) mod resize;
pub(crate) mod selection;
mod selection_error;
mod service;
mod service_name;
pub(crate) mod shard;
mod together;
mod word;

pub use dashboard::Dashboard;
pub use environment::{EnvName, EnvSource, EnvValue, Environment, EnvironmentError, SecretFile};
pub use error::SpecError;
pub(crate) use gateway::Call;
pub use gateway::Gateway;
pub use layout_error::{LayoutError, Role};
pub use metrics::Metrics;
pub use options::{OptionError, Options};
pub use owner::{Owner, OwnerError};
pub use ports::PortError;
pub use profile::{ProfileName, ProfileNameError};
pub use selection_error::SelectionError;
pub use service::Service;
pub use service_name::{Part, ServiceName};
pub(crate) use word::ServiceWord;
pub use word::ServiceWordError;
