//! Where things are below the home.

use crate::spec::ProfileName;

/// The file in which Hermes keeps what it did last, and what an operator wants.
pub(super) const STATE: &str = "gateway_state.json";

/// Where a profile is below the home; the root profile is the home itself.
pub(super) fn directory_of(profile: &ProfileName) -> String {
    if profile.is_default() { ".".to_owned() } else { format!("profiles/{profile}") }
}

/// Where a file of a profile is below the home.
pub(super) fn below(profile: &ProfileName, file: &str) -> String {
    if profile.is_default() { file.to_owned() } else { format!("profiles/{profile}/{file}") }
}

/// The files of Hermes that stand in the home itself. Others there are none of its business, since a person may have mounted a directory of
/// his own there.
pub(super) const FILES: [&str; 17] = [
    ".env",
    "SOUL.md",
    "active_profile",
    "auth.json",
    "auth.lock",
    "channel_directory.json",
    "config.yaml",
    "gateway.lock",
    "gateway.pid",
    "gateway_state.json",
    "hermes_state.db",
    "processes.json",
    "response_store.db",
    "state.db",
    "state.db-shm",
    "state.db-wal",
    "tasks.json",
];

/// The directories of Hermes in the home, in the order of how much a gateway depends on them.
pub(super) const TREES: [&str; 13] = [
    "profiles",
    "cron",
    "logs",
    "platforms",
    "pairing",
    "sessions",
    "hooks",
    "memories",
    "skills",
    "skins",
    "plans",
    "lazy-packages",
    "lazy_packages",
];
