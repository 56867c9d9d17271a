//! What is known of Hermes itself: what each release accepts and does, and which one is installed. It starts no Python.
//!
//! It does not know what is on a volume, nor what its callers want.

mod installed;
mod release;
mod releases;
mod version;

pub(crate) use installed::installed;
pub use release::{Apart, Exits, Locks, Meaning, OwnScripts, Read, Release, Topology};
pub use releases::{RELEASES, on_pypi};
pub use version::{Version, VersionError};
