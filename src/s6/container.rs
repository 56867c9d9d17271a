//! The environment of the container, which s6-overlay keeps for its services and `docker exec` may not have.

#![expect(clippy::disallowed_methods, reason = "a directory of s6-overlay that belongs to root")]

use std::fs;

use camino::Utf8PathBuf;

use crate::spec::environment::{FALLBACK_HOME, FALLBACK_HOMES};

/// A variable of the container, or else of this process; `None` if it is not set, or empty.
pub(crate) fn variable(name: &str) -> Option<String> {
    let kept = fs::read_to_string(format!("/run/s6/container_environment/{name}")).ok();
    // s6-overlay ends each file with a newline, and with-contenv removes one.
    let kept = kept.map(|value| value.strip_suffix('\n').map(str::to_owned).unwrap_or(value));
    kept.or_else(|| std::env::var(name).ok()).filter(|value| !value.is_empty())
}

/// Whether this is a container of s6-overlay that is still booting: its hooks have not ended, or the services of the image are not published.
/// s6-overlay makes the directory of these services when it publishes them (`services-up` of s6-overlay).
pub(crate) fn is_booting() -> bool {
    let is_there = |path: &str| rustix::fs::stat(path).is_ok();
    is_there("/run/s6/container_environment") && !is_there("/run/s6/legacy-services")
}

/// The names of the variables of the container, and of this process.
pub(crate) fn names() -> Vec<String> {
    let kept = fs::read_dir("/run/s6/container_environment").into_iter().flatten().flatten();
    let kept = kept.filter_map(|entry| entry.file_name().into_string().ok());
    kept.chain(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok())).collect()
}

/// The home of Hermes that the gateways of this container have.
pub(crate) fn hermes_home() -> Utf8PathBuf {
    variable("HERMES_HOME").map_or_else(|| Utf8PathBuf::from(FALLBACK_HOME), Utf8PathBuf::from)
}

/// The directory that holds the homes of the isolated gateways of this container.
pub(crate) fn hermes_homes() -> Utf8PathBuf {
    variable("HERMES_HOMES").map_or_else(|| Utf8PathBuf::from(FALLBACK_HOMES), Utf8PathBuf::from)
}
