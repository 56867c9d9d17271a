//! The ground that every floor stands on. It knows nothing of gateways: safe text for terminals, the observer of a long run, signals,
//! waiting with a limit, child programs, and work in parallel.

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
