//! What every service manager does.

use super::error::{ManagerError, Unsupported};
use super::kind::Kind;
use crate::spec::{Gateway, ProfileName};

/// What a manager of services does for gateways. Only s6 registers them at run time; the others have theirs from Hermes' own
/// installer, and start, stop and restart them.
pub trait ServiceManager {
    /// Which kind it is.
    fn kind(&self) -> Kind;

    /// Starts the gateway of this profile, and waits until it runs.
    ///
    /// # Errors
    /// Where there is none, or it does not start.
    fn start(&self, profile: &ProfileName) -> Result<(), ManagerError>;

    /// Stops the gateway of this profile, and waits until it does not run.
    ///
    /// # Errors
    /// Where there is none, or it does not stop.
    fn stop(&self, profile: &ProfileName) -> Result<(), ManagerError>;

    /// Restarts the gateway of this profile if it runs, and starts it if it does not.
    ///
    /// # Errors
    /// Where there is none, or it does not come up.
    fn restart(&self, profile: &ProfileName) -> Result<(), ManagerError>;

    /// Whether the gateway of this profile runs.
    ///
    /// # Errors
    /// Where that cannot be told.
    fn is_running(&self, profile: &ProfileName) -> Result<bool, ManagerError>;

    /// Whether gateways can be registered and unregistered at run time.
    fn supports_runtime_registration(&self) -> bool {
        false
    }

    /// Makes a new gateway known and supervised.
    ///
    /// # Errors
    /// [`Unsupported`] where the manager cannot; else where it is registered already or does not come up.
    fn register_profile_gateway(&self, gateway: &Gateway) -> Result<(), ManagerError> {
        let _ = gateway;
        Err(Unsupported { kind: self.kind(), what: "register" }.into())
    }

    /// Takes a gateway out, whether it runs or not; `false` where there was none.
    ///
    /// # Errors
    /// [`Unsupported`] where the manager cannot; else where it does not go down.
    fn unregister_profile_gateway(&self, profile: &ProfileName) -> Result<bool, ManagerError> {
        let _ = profile;
        Err(Unsupported { kind: self.kind(), what: "unregister" }.into())
    }

    /// Takes several gateways out, each whether another one can be or not; `false` for one that is not there. What is wrong with all of
    /// them is one error.
    fn unregister_profile_gateways(&self, profiles: &[&ProfileName]) -> Vec<Result<bool, ManagerError>> {
        profiles.iter().map(|profile| self.unregister_profile_gateway(profile)).collect()
    }

    /// The gateways that were registered, sorted; none where the manager registers none.
    ///
    /// # Errors
    /// Where they cannot be listed.
    fn list_profile_gateways(&self) -> Result<Vec<ProfileName>, ManagerError> {
        Ok(Vec::new())
    }
}
