//! Gateways that an operator registers or takes out permanently: in the scandir, and in the saved manifest that the next boot reads.

use std::cell::RefCell;
use std::time::Duration;

use super::error::BootError;
use crate::base::{Interrupted, Observer, Patience};
use crate::manager::{ManagerError, S6Manager, ServiceManager as _};
use crate::s6::{S6Error, Scandir};
use crate::spec::options::Options;
use crate::spec::{Gateway, ProfileName};
use crate::volume::{SavedManifest, Store};

/// Registers a gateway and writes it to the saved manifest: both, or neither. A gateway that is already registered without a difference is saved.
/// `options` are those from which the gateway was made.
///
/// # Errors
/// If it cannot be registered or cannot be saved.
pub(crate) fn register_and_save(
    manager: &S6Manager<'_>,
    store: &Store,
    gateway: &Gateway,
    mut options: Options,
) -> Result<(), BootError> {
    // A gateway that cannot be saved is refused before anything runs.
    let before = SavedManifest::open(store)?.settings()?;
    let profile = gateway.profile();
    let (scandir, limit) = (manager.scandir(), manager.timeout());
    let registered = match manager.register_profile_gateway(gateway) {
        Ok(()) => true,
        Err(ManagerError::S6(S6Error::Registered { different: false, .. })) => false,
        Err(error) => return Err(error.into()),
    };
    // Among other gateways, a port from the name may be another number.
    options.port = gateway.port();
    let saved = save(scandir, store, profile, Some(&options), Some(Interrupted::TakenBack), limit);
    if saved.is_err() && registered {
        // The entry may stand there without being known to be safe on the disk.
        let earlier = before.gateways.iter().find(|(name, _)| name == profile).map(|(_, options)| options);
        let _ = save(scandir, store, profile, earlier, None, limit);
        manager.withdraw(&[&profile.clone().into()])?;
    }
    saved.map(drop)
}

/// Removes this gateway, which has been taken out, from the saved manifest. Returns whether that changed anything.
///
/// # Errors
/// If the manifest cannot be read or written, or if another run holds its lock for longer than `limit`.
pub(crate) fn forget(
    scandir: &Scandir,
    store: &Store,
    profile: &ProfileName,
    limit: Duration,
) -> Result<bool, BootError> {
    save(scandir, store, profile, None, Some(Interrupted::Leaving), limit)
}

/// Adds this gateway to the saved manifest, or removes it. Returns whether that changed anything.
fn save(
    scandir: &Scandir,
    store: &Store,
    profile: &ProfileName,
    options: Option<&Options>,
    interrupted: Option<Interrupted>,
    limit: Duration,
) -> Result<bool, BootError> {
    // Between reading the file and writing the new one, no other run may change it.
    let observer: RefCell<Box<dyn Observer>> = RefCell::new(Box::new(()));
    let patience = Patience { limit, observer: &observer, interrupted };
    let _here = scandir.lock(patience)?;
    let _anywhere = store.lock(patience)?;
    let manifest = SavedManifest::open(store)?;
    let written = match options {
        Some(options) => Some(manifest.with(profile, options)?),
        None => manifest.without(profile)?,
    };
    // The last moment at which nothing has changed yet.
    patience.heed().map_err(S6Error::from)?;
    match written {
        Some(written) => written.commit().map(|()| true).map_err(BootError::from),
        None => Ok(false),
    }
}
