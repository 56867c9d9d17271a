//! `gateways.toml` to services: all mistakes at once, each with its place.
//!
//! ```toml
//! [defaults]
//! hermes-cli = "run"
//! env-file = "common.env"
//!
//! [defaults.env]
//! TZ = "UTC"
//!
//! [gateways.coder]
//! port = 9150
//! secret = { API_KEY = "/run/secrets/coder" }
//!
//! [gateways.default]
//!
//! [dashboard]
//! port = 9120
//!
//! [watch]
//! ```
//!
//! The keys of a gateway are the long options of `gen-service`. A gateway's own settings win over `[defaults]`; within either,
//! `env` and `secret` win over `env-file`. Paths of environment files are relative to the manifest.

mod nesting;
mod pieces;
mod reader;
mod settings;
mod tables;

#[cfg(any(test, feature = "fuzz"))]
pub(crate) use nesting::too_deep;
pub use settings::Settings;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) use tables::same_in_pieces;
pub(crate) use tables::{all, parse, services};

use camino::Utf8Path;

use super::input;
use super::mistake::SourceError;
use crate::spec::Service;

/// Reads a manifest and the environment files that it names: the gateways in its order, the dashboard, the watch.
///
/// # Errors
/// Every mistake in them, in the order of the manifest.
pub fn read(path: &Utf8Path) -> Result<Vec<Service>, SourceError> {
    services(path, &input::read(path)?)
}

/// As [`read`], of a manifest that may name nothing: `reconcile` takes settings alone.
///
/// # Errors
/// As of [`read`].
pub(crate) fn read_all(path: &Utf8Path) -> Result<Vec<Service>, SourceError> {
    all(path, &input::read(path)?)
}

/// Reads the settings of a manifest and the environment files that it names.
///
/// # Errors
/// Every mistake in them, in the order of the manifest.
pub fn settings(path: &Utf8Path) -> Result<Settings, SourceError> {
    parse(path, &input::read(path)?)
}
