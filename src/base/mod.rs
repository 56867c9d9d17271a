//! What every floor stands on, and nothing of the field: text as a person may see it, who hears of a long run, the signals that end it,
//! waiting with patience, and programs that are called.

pub(crate) mod child;
mod observer;
pub(crate) mod parallel;
mod signals;
pub(crate) mod text;
mod wait;

pub use observer::Observer;
pub use signals::Signal;
pub(crate) use signals::{interrupted, seen, watch};
pub(crate) use wait::Patience;
pub use wait::{Interrupted, WaitError};
