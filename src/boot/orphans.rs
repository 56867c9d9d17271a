//! Gateways that nobody needs: their profile is not on the volume any more, or the gateway of the root profile serves it.

use std::collections::BTreeMap;

use super::error::BootError;
use super::outcome::{Orphan, Reconciled, Why};
use super::served::Served;
use super::wanted::Wanted;
use crate::manager::{S6Manager, ServiceManager as _};
use crate::s6::{LiveService, S6Error};
use crate::spec::ProfileName;
use crate::volume::{Multiplexing, Volume};

/// The gateways of a scandir that nobody needs. A gateway that an operator saved is needed even without a profile, and so is an isolated one, which
/// has none.
///
/// # Errors
/// If the scandir cannot be read.
pub(super) fn orphans(
    manager: &S6Manager<'_>,
    volume: &Volume,
    wanted: &[Wanted],
    served: &Served,
) -> Result<Vec<Orphan>, S6Error> {
    let wanted: BTreeMap<&ProfileName, &Wanted> = wanted.iter().map(|wanted| (&wanted.profile, wanted)).collect();
    let orphan = |(profile, service): (ProfileName, LiveService)| {
        // Only another image can remove a service that s6-rc runs.
        if service.is_of_s6_rc() {
            return None;
        }
        let why = match wanted.get(&profile) {
            Some(wanted) => served.is_too_many(wanted).then_some(Why::Served(served.variable, served.release)),
            None => volume.lacks(&profile).then_some(Why::Gone),
        };
        // An isolated gateway has nothing to do with a profile of its name.
        why.filter(|_| !service.is_isolated()).map(|why| Orphan { profile, why })
    };
    Ok(manager.scandir().gateways()?.into_iter().filter_map(orphan).collect())
}

/// Takes these gateways out, and records the outcome of each. A gateway that is needed again by now stays.
pub(crate) fn remove(manager: &S6Manager<'_>, volume: &Volume, orphans: Vec<Orphan>, done: &mut Reconciled) {
    let is_gone = |orphan: &Orphan| match orphan.why {
        Why::Gone => volume.lacks(&orphan.profile),
        Why::Served(variable, release) => {
            volume.multiplexing(variable, release).as_ref().is_some_and(Multiplexing::is_on)
        }
    };
    let is_isolated =
        |orphan: &Orphan| manager.scandir().gateway(&orphan.profile).is_ok_and(|service| service.is_isolated());
    let gone: Vec<Orphan> = orphans.into_iter().filter(|orphan| is_gone(orphan) && !is_isolated(orphan)).collect();
    let profiles: Vec<&ProfileName> = gone.iter().map(|orphan| &orphan.profile).collect();
    let results = manager.unregister_profile_gateways(&profiles);
    for (orphan, result) in gone.into_iter().zip(results) {
        done.removed(orphan, result.map(drop).map_err(BootError::from));
    }
}
