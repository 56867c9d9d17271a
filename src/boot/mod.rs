//! What is there after a boot: every profile of a volume gets its service directory, and what an operator registered is not lost.
//!
//! The volume is the service user's, so nothing that lies there is a reason to fail. What a person sees of it, the floors above say.

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
