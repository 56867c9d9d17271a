//! The options that decide one gateway or the dashboard. Each has a type that cannot hold a wrong value.
//!
//! [`Key`] is the one table of them. The long options of the command line, the keys of a manifest and the manifest's JSON Schema are made
//! from it, so they cannot disagree. To add an option, add a type here, a line in each `match` of `key.rs` and `given.rs`, and its use in
//! [`crate::render`].

mod after;
mod crash_budget;
mod error;
mod given;
mod hermes;
mod host;
mod key;
mod kind;
mod layout;
mod listen;
mod log_to;
mod number;
mod uid;
mod user;
mod watchdog;

pub use after::After;
pub use crash_budget::CrashBudget;
pub use error::OptionError;
pub use given::Options;
pub use hermes::{HermesCli, HermesProgram};
pub use host::HostName;
pub use key::Key;
pub use kind::Kind;
pub use layout::Layout;
pub use listen::Listen;
pub use log_to::LogTo;
pub use number::{LogFiles, LogSize, Port, StopTimeout};
pub use uid::Uid;
pub use user::UserName;
pub use watchdog::Watchdog;
