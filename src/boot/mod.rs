//! What a boot does: every profile of a volume gets its service directory, and the gateways that an operator registered are not lost.
//!
//! The service user owns the volume, so nothing on it makes a boot fail. The floors above say what a person sees of it.

mod create;
mod error;
mod make;
mod next;
mod orphans;
mod outcome;
mod reconcile;
mod save;
mod served;
mod serving;
mod shard;
mod unwell;
mod wanted;
mod watch;

pub(crate) use error::BootError;
pub(crate) use next::{Next, NextBoot};
pub(crate) use outcome::{Action, Outcome, Reconciled, Why};
pub(crate) use reconcile::Reconcile;
pub(crate) use save::{forget, register_and_save};
pub(crate) use serving::{How, Serving};
pub(crate) use shard::shard_here;
pub(crate) use unwell::unwell;
pub(crate) use watch::{Looks, follow};
