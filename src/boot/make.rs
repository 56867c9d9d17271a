//! What a run does in the scandir: it ends supervisors that nobody needs, removes what Hermes' own manager made, and publishes service directories.

use std::collections::BTreeSet;

use super::error::BootError;
use super::outcome::{Action, Reconciled};
use crate::manager::{S6Manager, ServiceManager as _};
use crate::s6::{Checked, Published, S6Error, plan};
use crate::spec::ProfileName;
use crate::volume::Home;

/// A service directory to make or to check.
pub(super) struct New {
    pub(super) profile: ProfileName,
    pub(super) checked: Checked,
    pub(super) home: Home,
    pub(super) named: bool,
    /// Whether a directory of Hermes' own manager has to go first.
    pub(super) adopted: bool,
}

/// Removes what Hermes' own manager made. If one does not go, it keeps its place, and the others do not wait for it.
pub(super) fn adopt<'a>(
    manager: &S6Manager<'_>,
    new: &'a [New],
    done: &mut Reconciled,
) -> Result<Vec<&'a New>, BootError> {
    let adopted: Vec<&ProfileName> = new.iter().filter(|new| new.adopted).map(|new| &new.profile).collect();
    let mut stays = BTreeSet::new();
    for (profile, result) in adopted.iter().zip(manager.unregister_profile_gateways(&adopted)) {
        match result {
            Err(error) if error.signal().is_some() => return Err(error.into()),
            Err(error) => {
                done.fail(profile, error.to_string());
                stays.insert(*profile);
            }
            Ok(_) => {}
        }
    }
    Ok(new.iter().filter(|new| !stays.contains(&new.profile)).collect())
}

/// Ends the supervisors whose service directory is gone, because they hold the lock of its log.
pub(super) fn lay_ghosts(manager: &S6Manager<'_>, done: &mut Reconciled) -> Result<(), BootError> {
    let laid = manager.lay_ghosts()?.into_iter();
    let said = |name| {
        format!("service directory {name}: somebody removed it while its supervisors ran; gatewayctl ends them now")
    };
    done.warnings.extend(laid.map(said));
    Ok(())
}

/// Publishes what can be published. For the rest, the outcome of the profile says why not. The named profiles are up before the others start:
/// s6-svscan has nothing else to do until then, however many others there are.
pub(super) fn install(manager: &S6Manager<'_>, new: &[&New], done: &mut Reconciled) -> Result<(), S6Error> {
    let (named, rest): (Vec<&New>, Vec<&New>) = new.iter().partition(|new| new.named);
    let none_is_named = named.is_empty();
    let mut created = Vec::new();
    for (those, may_fail) in [(named, false), (rest, !none_is_named)] {
        if those.is_empty() {
            continue;
        }
        let checked: Vec<Checked> = those.iter().map(|new| new.checked.clone()).collect();
        let results = match manager.install_each(&checked) {
            Ok(results) => results,
            Err(error) if error.signal().is_some() => {
                manager.withdraw(&created)?;
                return Err(error);
            }
            Err(error) if may_fail => {
                for New { profile, .. } in those {
                    done.fail(profile, error.to_string());
                }
                break;
            }
            Err(error) => return Err(error),
        };
        for (New { profile, checked, .. }, result) in those.into_iter().zip(results) {
            match result {
                Ok(Published::Created) => created.push(checked.service()),
                Ok(_) => {}
                Err(error) => done.fail(profile, error.to_string()),
            }
        }
    }
    Ok(())
}

/// Whether a gateway that exists is up, or should be.
pub(super) fn runs(manager: &S6Manager<'_>, profile: &ProfileName) -> bool {
    let service = manager.scandir().gateway(profile).ok();
    service
        .and_then(|service| service.status(manager.programs()).ok())
        .is_some_and(|status| status.up || status.wanted_up)
}

/// What to do for a gateway, or why nothing can be done.
pub(super) fn action(
    manager: &S6Manager<'_>,
    profile: &ProfileName,
    checked: &Checked,
    down: bool,
) -> Result<Action, String> {
    match plan(manager.scandir(), std::slice::from_ref(checked), false).as_deref() {
        Ok([Published::Created]) if down => Ok(Action::Down),
        Ok([Published::Created]) => Ok(Action::Started),
        Ok(_) => Ok(Action::Unchanged),
        Err(_) if manager.scandir().gateway(profile).is_ok_and(|service| service.is_hermes_own()) => {
            Ok(Action::Adopted)
        }
        Err(S6Error::Registered { .. }) => {
            Err("is registered here and differs from its settings; unregister it and reconcile again".to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}
