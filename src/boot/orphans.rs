//! Gateways whose profile is not on the volume any more.

use std::collections::BTreeSet;

use super::error::BootError;
use super::wanted::Wanted;
use crate::manager::{S6Manager, ServiceManager as _};
use crate::s6::S6Error;
use crate::spec::ProfileName;
use crate::volume::Volume;

/// The gateways of a scandir whose profile is not on the volume, and that are not wanted without one, as those that an operator saved are.
///
/// # Errors
/// If the scandir cannot be read.
pub(super) fn orphans(
    manager: &S6Manager<'_>,
    volume: &Volume,
    wanted: &[Wanted],
) -> Result<Vec<ProfileName>, S6Error> {
    let wanted: BTreeSet<&ProfileName> = wanted.iter().map(|wanted| &wanted.profile).collect();
    let there = manager.scandir().gateways()?.into_keys();
    Ok(there.filter(|profile| !wanted.contains(profile) && volume.lacks(profile)).collect())
}

/// Takes these gateways out, if their profile has not come back meanwhile; each with what came of it.
pub(crate) fn remove(
    manager: &S6Manager<'_>,
    volume: &Volume,
    orphans: Vec<ProfileName>,
) -> Vec<(ProfileName, Result<(), BootError>)> {
    let gone: Vec<ProfileName> = orphans.into_iter().filter(|profile| volume.lacks(profile)).collect();
    let results = manager.unregister_profile_gateways(&gone.iter().collect::<Vec<_>>());
    let results = results.into_iter().map(|result| result.map(drop).map_err(BootError::from)).collect::<Vec<_>>();
    gone.into_iter().zip(results).collect()
}
