//! Reads manifests and environment files. It reports all mistakes at once, each with its place.
//!
//! It does not know what its callers do with a [`Service`](crate::spec::Service), nor what a service directory is.

mod env_file;
mod input;
mod manifest;
mod mistake;
mod schema;
mod words;

#[cfg(any(test, feature = "fuzz"))]
pub(crate) use env_file::parse as parse_env_file;
pub(crate) use input::env_file;
pub(crate) use manifest::parse;
pub use manifest::{Settings, read, settings};
#[cfg(any(test, feature = "fuzz"))]
pub(crate) use manifest::{same_in_pieces, services, too_deep};
pub use mistake::{EnvFileError, ManifestError, Mistake, Place, Problem, SourceError};
pub use schema::schema;
pub(crate) use words::{DASHBOARD, DEFAULTS, ENV, GATEWAYS, SECRET, WATCH};
