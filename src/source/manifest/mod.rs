//! Turns `gateways.toml` into services. It reports all mistakes at once, each with its place.
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
//!
//! [metrics]
//! listen = "0.0.0.0:9118"
//! ```
//!
//! The keys of a gateway are the long options of `gen-service`. A gateway's own settings override `[defaults]`. Within either, `env` and
//! `secret` override `env-file`. Paths of environment files are relative to the manifest.

mod nesting;
mod pieces;
mod reader;
mod settings;
mod tables;
mod value;

#[cfg(any(test, feature = "fuzz"))]
pub(crate) use nesting::too_deep;
pub use settings::Settings;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) use tables::same_in_pieces;
pub(crate) use tables::{parse, services};

use camino::Utf8Path;

use super::input;
use super::mistake::SourceError;
use crate::spec::options::Layout;
use crate::spec::{Part, Service};

/// Reads a manifest and the environment files that it names. Returns the gateways in the order of the manifest, and the other services, if
/// they belong to these parts. The services are for `layout`, or else for the manifest's own layout. The layout is returned, too.
///
/// # Errors
/// Every mistake in them, in the order of the manifest. Also an empty result, if gateways are among the parts.
pub fn read(path: &Utf8Path, layout: Option<Layout>, parts: &[Part]) -> Result<(Layout, Vec<Service>), SourceError> {
    let (path, text) = input::read(path)?;
    services(path, &text, layout, parts)
}

/// Reads the settings of a manifest and the environment files that it names.
///
/// # Errors
/// Every mistake in them, in the order of the manifest.
pub fn settings(path: &Utf8Path) -> Result<Settings, SourceError> {
    let (path, text) = input::read(path)?;
    parse(path, &text)
}
