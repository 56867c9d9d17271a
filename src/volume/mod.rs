//! The home of Hermes, and everything that this program touches below it. The service user owns the home, and may put anything there at any time.
//!
//! Only this code opens, lists or names a path below `HERMES_HOME`, and only this code starts a process as the service user. `clippy.toml` enforces
//! this. Root opens files without following a symlink and without waiting, and believes a file only if root wrote it ([`SavedManifest`]). The service
//! user's own process makes every change there. A path from this module is only for showing: no other code can open it.

mod ahead;
mod create;
mod desire;
mod error;
mod eyes;
mod home;
mod homes;
mod identity;
mod intent;
mod json;
mod log_file;
mod logs;
mod paths;
mod profiles;
mod purge;
mod repair;
mod saved;
mod servant;
mod serving;
mod shown;
mod tail;

pub(crate) use desire::record;
pub(crate) use error::VolumeError;
pub(crate) use eyes::Eyes;
pub(crate) use home::{Unusable, Volume, owner_of};
pub(crate) use homes::{Home, Homes};
pub(crate) use identity::Identity;
pub(crate) use intent::Intent;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) use json::Object;
pub(crate) use logs::{LogDir, Past};
pub(crate) use profiles::{Broken, FoundProfile, MOST_READ};
pub(crate) use purge::Purged;
pub(crate) use repair::{Left, Repair, Rules};
pub(crate) use saved::{SavedManifest, Store};
pub(crate) use servant::{Deadline, Master, Said, Servant, ServantError};
pub(crate) use serving::{Kept, Multiplexing};
pub(crate) use tail::Tail;
