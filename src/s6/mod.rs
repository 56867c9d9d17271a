//! s6, through its own programs: where they are, a scandir and its content, publishing into it and leaving it.
//!
//! This module does not know its caller, nor what a profile has on the volume.

mod address;
mod apart;
pub(crate) mod container;
mod death;
mod error;
mod fifo;
mod fit;
mod ghost;
mod gone;
mod leaving;
mod process;
mod programs;
mod publish;
mod room;
mod s6_rc;
mod scandir;
mod script;
mod service;
mod staged;
mod status;
mod supervise;
mod words;

pub(crate) use apart::are_apart;
pub(crate) use death::Death;
pub use error::{S6Error, Unfit};
pub(crate) use gone::STAGING;
pub(crate) use leaving::{Abandoned, Leaving};
pub(crate) use process::Svscan;
pub use programs::Programs;
pub use publish::Published;
pub(crate) use publish::{Done, plan, publish, put_back};
pub(crate) use room::Room;
pub(crate) use s6_rc::{Live, OfS6Rc, To};
pub use scandir::Scandir;
pub(crate) use script::{HermesCommand, RunScript};
pub use service::LiveService;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) use service::count;
pub use staged::{Checked, read_tree};
pub(crate) use staged::{move_out, read_trees};
pub(crate) use status::Phase;
pub use status::{Ended, Status};
pub(crate) use words::variables;

/// The versions of s6 with which all tests have passed, and the origin of each.
pub(crate) const TESTED_WITH: [(&str, &str); 2] = [("2.11.3.2", "Debian 12"), ("2.15.1", "s6-overlay 3.2.3.2")];

/// The directory in which s6-overlay has the programs of s6.
pub const DEFAULT_BIN_DIR: &str = "/command";

/// The directory that the s6-svscan of s6-overlay watches.
pub const DEFAULT_SCANDIR: &str = "/run/service";
