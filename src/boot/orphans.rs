//! Gateways that nobody needs: their profile is not on the volume any more, or the root profile's gateway serves it.

use std::collections::BTreeSet;

use super::error::BootError;
use super::outcome::{Orphan, Reconciled};
use super::wanted::Wanted;
use crate::manager::{S6Manager, ServiceManager as _};
use crate::s6::{S6Error, container};
use crate::spec::ProfileName;
use crate::volume::{Multiplexing, Volume};

/// Who serves the named profiles of this volume, if the root profile's gateway gets these variables beside the container's.
pub(crate) fn multiplexing<'a>(volume: &Volume, own: impl IntoIterator<Item = (&'a str, &'a str)>) -> Multiplexing {
    let own = own.into_iter().find(|(name, _)| *name == Multiplexing::VARIABLE).map(|(_, value)| value.to_owned());
    let value = own.or_else(|| container::variable(Multiplexing::VARIABLE));
    volume.multiplexing(value.and_then(|value| Multiplexing::switch(&value)))
}

/// The gateways of a scandir that nobody needs. One that an operator saved is wanted without a profile, too.
///
/// # Errors
/// If the scandir cannot be read.
pub(super) fn orphans(
    manager: &S6Manager<'_>,
    volume: &Volume,
    wanted: &[Wanted],
    multiplexing: Multiplexing,
) -> Result<Vec<Orphan>, S6Error> {
    let wanted: BTreeSet<&ProfileName> = wanted.iter().map(|wanted| &wanted.profile).collect();
    let orphan = |profile: ProfileName| {
        let is_served = multiplexing == Multiplexing::On && !profile.is_default() && wanted.contains(&profile);
        let is_orphan = is_served || !wanted.contains(&profile) && volume.lacks(&profile);
        is_orphan.then_some(Orphan { profile, is_served })
    };
    Ok(manager.scandir().gateways()?.into_keys().filter_map(orphan).collect())
}

/// Takes these gateways out, and tells what came of each. One whose profile has come back meanwhile stays.
pub(crate) fn remove(manager: &S6Manager<'_>, volume: &Volume, orphans: Vec<Orphan>, done: &mut Reconciled) {
    let is_gone = |orphan: &Orphan| orphan.is_served || volume.lacks(&orphan.profile);
    let gone: Vec<Orphan> = orphans.into_iter().filter(is_gone).collect();
    let profiles: Vec<&ProfileName> = gone.iter().map(|orphan| &orphan.profile).collect();
    let results = manager.unregister_profile_gateways(&profiles);
    for (orphan, result) in gone.into_iter().zip(results) {
        done.removed(orphan, result.map(drop).map_err(BootError::from));
    }
}
