//! s6 as a service manager.

mod core;
mod install;
mod leave;
mod lifecycle;

pub use self::core::S6Manager;
pub use install::Installed;

use super::error::ManagerError;
use super::kind::Kind;
use super::service_manager::ServiceManager;
use crate::spec::{Gateway, ProfileName};

impl ServiceManager for S6Manager<'_> {
    fn kind(&self) -> Kind {
        Kind::S6
    }

    fn start(&self, profile: &ProfileName) -> Result<(), ManagerError> {
        Ok(self.start_gateway(profile)?)
    }

    fn stop(&self, profile: &ProfileName) -> Result<(), ManagerError> {
        Ok(self.stop_gateway(profile, false)?)
    }

    fn restart(&self, profile: &ProfileName) -> Result<(), ManagerError> {
        Ok(self.restart_gateway(profile)?)
    }

    fn is_running(&self, profile: &ProfileName) -> Result<bool, ManagerError> {
        Ok(self.scandir.gateway(profile)?.status(&self.programs)?.up)
    }

    fn supports_runtime_registration(&self) -> bool {
        true
    }

    fn register_profile_gateway(&self, gateway: &Gateway) -> Result<(), ManagerError> {
        Ok(self.register_gateway(gateway)?)
    }

    fn unregister_profile_gateway(&self, profile: &ProfileName) -> Result<bool, ManagerError> {
        self.unregister_profile_gateways(&[profile]).pop().unwrap_or(Ok(false))
    }

    fn unregister_profile_gateways(&self, profiles: &[&ProfileName]) -> Vec<Result<bool, ManagerError>> {
        self.unregister_all(profiles).into_iter().map(|result| result.map_err(ManagerError::from)).collect()
    }

    fn list_profile_gateways(&self) -> Result<Vec<ProfileName>, ManagerError> {
        Ok(self.scandir.gateways()?.into_keys().collect())
    }
}
