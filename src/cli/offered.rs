//! The names that a shell offers when it completes a word. They are the names of this moment.
//!
//! The service user can put any name on its volume. Only names of profiles are offered, and their characters have no meaning in any shell.

use std::ffi::OsStr;

use camino::Utf8PathBuf;
use clap_complete::engine::CompletionCandidate;

use super::completions::{beginning_with, given};
use crate::s6::{DEFAULT_SCANDIR, Scandir};
use crate::spec::{ProfileName, ServiceName};
use crate::volume::Volume;

/// The services in the scandir.
pub(super) fn services(word: &OsStr) -> Vec<CompletionCandidate> {
    beginning_with(word, in_scandir().iter().map(ServiceName::word))
}

/// The profiles on the volume, and the root profile.
pub(super) fn profiles(word: &OsStr) -> Vec<CompletionCandidate> {
    beginning_with(word, on_volume().iter().map(ToString::to_string))
}

/// The profiles that have no gateway yet.
pub(super) fn profiles_without_gateway(word: &OsStr) -> Vec<CompletionCandidate> {
    let there = in_scandir();
    let has_none = |profile: &&ProfileName| !there.iter().any(|service| service.profile() == Some(*profile));
    beginning_with(word, on_volume().iter().filter(has_none).map(ToString::to_string))
}

fn in_scandir() -> Vec<ServiceName> {
    let path = given("--scandir").unwrap_or_else(|| DEFAULT_SCANDIR.to_owned());
    let services = Scandir::open(&Utf8PathBuf::from(path)).and_then(|scandir| scandir.services());
    services.map(|services| services.into_keys().collect()).unwrap_or_default()
}

fn on_volume() -> Vec<ProfileName> {
    let home = given("--hermes-home").map_or_else(Volume::usual, Utf8PathBuf::from);
    let Ok(volume) = Volume::open(&home) else { return Vec::new() };
    let named = volume.profiles().found.into_iter().map(|found| found.profile);
    std::iter::once(ProfileName::default()).chain(named).collect()
}
