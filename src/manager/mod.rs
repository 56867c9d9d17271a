//! Who keeps gateways running: s6 in a container; systemd, launchd or Windows on a host.
//!
//! This registers a gateway and reads states:
//!
//! ```
//! use std::time::Duration;
//!
//! use gen_service::manager::{S6Manager, ServiceManager};
//! use gen_service::spec::options::{Key, Options};
//! use gen_service::spec::Gateway;
//!
//! # let directory = tempfile::tempdir()?;
//! # let scandir = camino::Utf8Path::from_path(directory.path()).ok_or("no UTF-8")?;
//! # let mut svscan = std::process::Command::new("/usr/bin/s6-svscan").arg(scandir).spawn()?;
//! // Debian has the programs of s6 in /usr/bin, s6-overlay in /command.
//! let manager = S6Manager::new(scandir, "/usr/bin".as_ref(), Duration::from_secs(60))?;
//! # while !manager.scandir().is_live()? { std::thread::sleep(Duration::from_millis(5)); }
//! let mut options = Options::default();
//! options.set(Key::Down, "true")?;
//! manager.register_profile_gateway(&Gateway::resolve_one("coder".parse()?, options)?)?;
//!
//! for (profile, service) in manager.scandir().gateways()? {
//!     let status = service.status(manager.programs())?;
//!     println!("{profile} is {}, port {:?}", if status.up { "up" } else { "down" }, service.port());
//!     # assert!(!status.up);
//! }
//! assert!(manager.unregister_profile_gateway(&"coder".parse()?)?);
//! # std::process::Command::new("/usr/bin/s6-svscanctl").arg("-t").arg(scandir).status()?;
//! # svscan.wait()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod detect;
mod error;
mod host;
mod kind;
mod s6;
mod service_manager;

pub use detect::{Signs, detect};
pub use error::{HostError, ManagerError, Unsupported};
pub use host::Host;
pub use kind::Kind;
pub(crate) use s6::Restarting;
pub use s6::{Installed, S6Manager};
pub use service_manager::ServiceManager;
