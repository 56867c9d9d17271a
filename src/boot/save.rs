//! Gateways that an operator registers for good, and takes out for good: in the scandir, and in the saved manifest that the next boot reads.

use std::cell::RefCell;
use std::time::Duration;

use super::error::BootError;
use crate::base::{Interrupted, Observer, Patience};
use crate::manager::{ManagerError, S6Manager, ServiceManager as _};
use crate::s6::{S6Error, Scandir};
use crate::spec::options::Options;
use crate::spec::{Gateway, ProfileName};
use crate::volume::{SavedManifest, Store};

/// Registers a gateway and writes it to the saved manifest: both, or neither. One that is registered already, and the same, is saved.
/// `options` are those that the gateway was made of.
///
/// # Errors
/// If it cannot be registered, or not be saved.
pub(crate) fn register_and_save(
    manager: &S6Manager<'_>,
    store: &Store,
    gateway: &Gateway,
    mut options: Options,
) -> Result<(), BootError> {
    // What cannot be saved is found out before anything runs.
    let before = SavedManifest::open(store)?.settings()?;
    let profile = gateway.profile();
    let (scandir, limit) = (manager.scandir(), manager.timeout());
    let registered = match manager.register_profile_gateway(gateway) {
        Ok(()) => true,
        Err(ManagerError::S6(S6Error::Registered { different: false, .. })) => false,
        Err(error) => return Err(error.into()),
    };
    // A port from the name may be another one among other gateways.
    options.port = gateway.port();
    let saved = save(scandir, store, profile, Some(&options), Some(Interrupted::TakenBack), limit);
    if saved.is_err() && registered {
        // It may stand there, and only not be known to be safe on the disk.
        let earlier = before.gateways.iter().find(|(name, _)| name == profile).map(|(_, options)| options);
        let _ = save(scandir, store, profile, earlier, None, limit);
        manager.withdraw(&[&profile.clone().into()])?;
    }
    saved.map(drop)
}

/// Has the saved manifest not name this gateway any more, which has been taken out; whether that changed anything.
///
/// # Errors
/// If the manifest cannot be read or written, or somebody else holds its lock for longer than `limit`.
pub(crate) fn forget(
    scandir: &Scandir,
    store: &Store,
    profile: &ProfileName,
    limit: Duration,
) -> Result<bool, BootError> {
    save(scandir, store, profile, None, Some(Interrupted::Leaving), limit)
}

/// Has the saved manifest name this gateway, or not any more; whether that changed anything.
fn save(
    scandir: &Scandir,
    store: &Store,
    profile: &ProfileName,
    options: Option<&Options>,
    interrupted: Option<Interrupted>,
    limit: Duration,
) -> Result<bool, BootError> {
    // Who reads it to write it anew is alone with it.
    let observer: RefCell<Box<dyn Observer>> = RefCell::new(Box::new(()));
    let patience = Patience { limit, observer: &observer, interrupted };
    let _here = scandir.lock(patience)?;
    let _anywhere = store.lock(patience)?;
    let manifest = SavedManifest::open(store)?;
    let written = match options {
        Some(options) => Some(manifest.with(profile, options)?),
        None => manifest.without(profile)?,
    };
    // The last moment at which nothing has changed.
    patience.heed().map_err(S6Error::from)?;
    match written {
        Some(written) => written.commit().map(|()| true).map_err(BootError::from),
        None => Ok(false),
    }
}
