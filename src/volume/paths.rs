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
