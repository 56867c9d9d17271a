//! Who keeps gateways running: s6 in a container, systemd, launchd or Windows on a host.
//!
//! ```no_run
//! use std::time::Duration;
//! use gen_service::manager::{S6Manager, ServiceManager};
//!
//! let manager = S6Manager::new("/run/service".as_ref(), "/command".as_ref(), Duration::from_secs(10))?;
//! for profile in manager.list_profile_gateways()? {
//!     println!("{profile}: {}", manager.is_running(&profile)?);
//! }
//! # Ok::<(), gen_service::error::Error>(())
//! ```

mod detect;
mod host;
mod s6;

use std::fmt;

use thiserror::Error;

pub use detect::{Signs, detect};
pub use host::{Host, HostError};
pub use s6::{Installed, S6Manager};

use crate::error::Error;
use crate::gateway::Gateway;
use crate::profile::ProfileName;

/// The kinds of service managers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// s6, as in a container with s6-overlay.
    S6,
    /// The user manager of systemd.
    Systemd,
    /// launchd of macOS.
    Launchd,
    /// The task scheduler of Windows.
    Windows,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::S6 => "s6",
            Self::Systemd => "systemd",
            Self::Launchd => "launchd",
            Self::Windows => "windows",
        })
    }
}

/// What a manager of services does for gateways. Only s6 registers them at run time; the others have theirs from Hermes' own
/// installer, and start, stop and restart them.
pub trait ServiceManager {
    /// Which kind it is.
    fn kind(&self) -> Kind;

    /// Starts the gateway of this profile, and waits until it runs.
    ///
    /// # Errors
    /// Where there is none, or it does not start.
    fn start(&self, profile: &ProfileName) -> Result<(), Error>;

    /// Stops the gateway of this profile, and waits until it does not run.
    ///
    /// # Errors
    /// Where there is none, or it does not stop.
    fn stop(&self, profile: &ProfileName) -> Result<(), Error>;

    /// Restarts the gateway of this profile if it runs, and starts it if it does not.
    ///
    /// # Errors
    /// Where there is none, or it does not come up.
    fn restart(&self, profile: &ProfileName) -> Result<(), Error>;

    /// Whether the gateway of this profile runs.
    ///
    /// # Errors
    /// Where that cannot be told.
    fn is_running(&self, profile: &ProfileName) -> Result<bool, Error>;

    /// Whether gateways can be registered and unregistered at run time.
    fn supports_runtime_registration(&self) -> bool {
        false
    }

    /// Makes a new gateway known and supervised.
    ///
    /// # Errors
    /// [`Unsupported`] where the manager cannot; else where it is registered already or does not come up.
    fn register_profile_gateway(&self, gateway: &Gateway) -> Result<(), Error> {
        let _ = gateway;
        Err(Unsupported { kind: self.kind(), what: "register" }.into())
    }

    /// Takes a gateway out, whether it runs or not; `false` where there was none.
    ///
    /// # Errors
    /// [`Unsupported`] where the manager cannot; else where it does not go down.
    fn unregister_profile_gateway(&self, profile: &ProfileName) -> Result<bool, Error> {
        let _ = profile;
        Err(Unsupported { kind: self.kind(), what: "unregister" }.into())
    }

    /// Takes several gateways out, each whether another one can be or not; `false` for one that is not there. What is wrong with all of
    /// them is one error.
    fn unregister_profile_gateways(&self, profiles: &[&ProfileName]) -> Vec<Result<bool, Error>> {
        profiles.iter().map(|profile| self.unregister_profile_gateway(profile)).collect()
    }

    /// The gateways that were registered, sorted; none where the manager registers none.
    ///
    /// # Errors
    /// Where they cannot be listed.
    fn list_profile_gateways(&self) -> Result<Vec<ProfileName>, Error> {
        Ok(Vec::new())
    }
}

/// What a service manager does not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{kind} cannot {what} a gateway at run time, only s6 can; use `hermes gateway` to install one")]
pub struct Unsupported {
    /// The kind of manager.
    pub kind: Kind,
    /// What it was asked for.
    pub what: &'static str,
}
