//! The names of the tables and keys of a manifest that are not options.

/// The names of the tables of a manifest.
pub(crate) const DEFAULTS: &str = "defaults";
/// See [`DEFAULTS`].
pub(crate) const GATEWAYS: &str = "gateways";

/// See [`DEFAULTS`].
pub(crate) const DASHBOARD: &str = "dashboard";
/// See [`DEFAULTS`].
pub(crate) const WATCH: &str = "watch";
/// See [`DEFAULTS`].
pub(crate) const METRICS: &str = "metrics";

/// The keys that are not a [`Key`], because they have several values.
pub(crate) const ENV: &str = "env";
/// See [`ENV`].
pub(crate) const ENV_FILE: &str = "env-file";
/// See [`ENV`].
pub(crate) const SECRET: &str = "secret";
