//! A service directory on a disk: one snapshot with one reader, one comparison and one diff; one writer; one staging directory with a
//! journal; one lock. It does not know what s6 or a template is, nor whose directories these are.
//!
//! - [`Dir`] is a directory by descriptor. It follows no symlink and never blocks.
//! - [`Snapshot`] is what a service directory holds, or should hold.
//! - [`Staging`] makes whole directories appear, change and go in a [`Place`]: all of them or none, even if the run is killed.
//! - [`Lock`] is a lock that nobody else can hold.

pub(crate) mod diff;
mod dir;
mod error;
mod files;
mod journal;
mod live;
mod lock;
mod place;
mod snapshot;
mod staging;
mod undo;
mod who;
mod write;

pub(crate) use diff::{Difference, differences};
pub(crate) use dir::{Dir, is_distrusted, is_mounted};
pub(crate) use error::Context;
pub use error::{DiskError, SystemError};
pub(crate) use files::{names, read_bytes, read_small, remove, write_small};
pub(crate) use journal::{Plan, Step};
pub(crate) use live::{SUPERVISORS, WHY};
pub(crate) use lock::Lock;
pub(crate) use place::{Place, rename_new};
pub(crate) use snapshot::{Entry, Snapshot};
pub(crate) use staging::Staging;
pub(crate) use undo::{read_plan, remove_all, take_back};
pub(crate) use who::named;
