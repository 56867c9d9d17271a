//! What every service manager does.

use super::error::{ManagerError, Unsupported};
use super::kind::Kind;
use crate::spec::{Gateway, ProfileName};

/// What a service manager does for gateways. Only s6 registers them at run time. The others get theirs from Hermes' own installer, and start, stop
/// and restart them.
pub trait ServiceManager {
    /// Which kind it is.
    fn kind(&self) -> Kind;

    /// Starts the gateway of this profile, and waits until it runs.
    ///
    /// # Errors
    /// If it does not exist, or does not start.
    fn start(&self, profile: &ProfileName) -> Result<(), ManagerError>;

    /// Stops the gateway of this profile, and waits until it does not run.
    ///
    /// # Errors
    /// If it does not exist, or does not stop.
    fn stop(&self, profile: &ProfileName) -> Result<(), ManagerError>;

    /// Restarts the gateway of this profile if it runs, and starts it if it does not.
    ///
    /// # Errors
    /// If it does not exist, or does not come up.
    fn restart(&self, profile: &ProfileName) -> Result<(), ManagerError>;

    /// Whether the gateway of this profile runs.
    ///
    /// # Errors
    /// If that cannot be found out.
    fn is_running(&self, profile: &ProfileName) -> Result<bool, ManagerError>;

    /// Whether gateways can be registered and unregistered at run time.
    fn supports_runtime_registration(&self) -> bool {
        false
    }

    /// Makes a new gateway known and supervised.
    ///
    /// # Errors
    /// [`Unsupported`] if the manager cannot do this; otherwise if the gateway is registered already or does not come up.
    fn register_profile_gateway(&self, gateway: &Gateway) -> Result<(), ManagerError> {
        let _ = gateway;
        Err(Unsupported { kind: self.kind(), what: "register" }.into())
    }

    /// Takes a gateway out, whether it runs or not; `false` if it did not exist.
    ///
    /// # Errors
    /// [`Unsupported`] if the manager cannot do this; otherwise if the gateway does not go down.
    fn unregister_profile_gateway(&self, profile: &ProfileName) -> Result<bool, ManagerError> {
        let _ = profile;
        Err(Unsupported { kind: self.kind(), what: "unregister" }.into())
    }

    /// Takes several gateways out. If one cannot be taken out, the others still are. `false` for one that does not exist. An error that concerns all
    /// of them is returned once.
    fn unregister_profile_gateways(&self, profiles: &[&ProfileName]) -> Vec<Result<bool, ManagerError>> {
        profiles.iter().map(|profile| self.unregister_profile_gateway(profile)).collect()
    }

    /// The registered gateways, sorted; none if the manager registers none.
    ///
    /// # Errors
    /// If they cannot be listed.
    fn list_profile_gateways(&self) -> Result<Vec<ProfileName>, ManagerError> {
        Ok(Vec::new())
    }
}
