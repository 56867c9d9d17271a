//! The paths of things below the home.

use crate::spec::ProfileName;

/// The file in which Hermes keeps what it did last, and what an operator wishes.
pub(super) const STATE: &str = "gateway_state.json";

/// The path of a profile below the home. The root profile is the home itself.
pub(super) fn directory_of(profile: &ProfileName) -> String {
    if profile.is_default() { ".".to_owned() } else { format!("profiles/{profile}") }
}

/// The path of a file of a profile below the home.
pub(super) fn below(profile: &ProfileName, file: &str) -> String {
    if profile.is_default() { file.to_owned() } else { format!("profiles/{profile}/{file}") }
}

/// The files of Hermes in the home itself. Other files there are no concern of Hermes, because a person may have mounted some directory there.
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

/// The directories of Hermes in the home. Those on which a gateway depends most come first.
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
