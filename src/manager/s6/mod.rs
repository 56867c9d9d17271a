//! s6 as a service manager.

mod core;
mod install;
mod leave;
mod lifecycle;
mod of_s6_rc;

pub use self::core::S6Manager;
pub use install::Installed;
pub(crate) use lifecycle::Restarting;

use super::error::ManagerError;
use super::kind::Kind;
use super::service_manager::ServiceManager;
use crate::spec::{Gateway, ProfileName, ServiceName};

impl ServiceManager for S6Manager<'_> {
    fn kind(&self) -> Kind {
        Kind::S6
    }

    fn start(&self, profile: &ProfileName) -> Result<(), ManagerError> {
        Ok(self.start_service(&profile.clone().into())?)
    }

    fn stop(&self, profile: &ProfileName) -> Result<(), ManagerError> {
        Ok(self.stop_service(&profile.clone().into(), false)?)
    }

    fn restart(&self, profile: &ProfileName) -> Result<(), ManagerError> {
        Ok(self.restart_service(&profile.clone().into())?)
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
        let names: Vec<ServiceName> = profiles.iter().map(|profile| (*profile).clone().into()).collect();
        let names: Vec<&ServiceName> = names.iter().collect();
        self.unregister_services(&names).into_iter().map(|result| result.map_err(ManagerError::from)).collect()
    }

    fn list_profile_gateways(&self) -> Result<Vec<ProfileName>, ManagerError> {
        Ok(self.scandir.gateways()?.into_keys().collect())
    }
}
