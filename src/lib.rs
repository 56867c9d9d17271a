//! Renders s6 service directories for the gateways of Hermes profiles, publishes them, and tells how they are.
//!
//! Data flows one way: arguments or manifest -> [`Gateway`](spec::Gateway) -> [`ServiceDir`](render::ServiceDir) -> disk -> scandir -> s6. The code
//! stands on floors, each of which imports only what is below it, and this is the order in which to read them; docs/architecture.md says of
//! each what it does not know.
//!
//! - `base` is what every floor stands on: an [`Observer`] hears of a long run, a [`Signal`] ends it.
//! - [`spec`] is what a person may write, each a type that cannot be wrong.
//! - `disk` is a service directory on a disk: one snapshot, one reader, one writer, one staging directory with its journal, one lock.
//! - [`render`] turns a gateway into a service directory, through the templates. No I/O.
//! - [`source`] reads manifests and environment files, and has the mistakes in them with their places.
//! - [`tree`] makes many service directories appear in the directory of `--out`, all or none.
//! - [`s6`] is s6, through its own programs: a scandir, what is in it, publishing into it and leaving it.
//! - [`manager`] is one trait for s6 and the service managers of hosts.
//! - `health` tells whether what s6 runs is well, and restarts what is not.
//! - [`hermes`] is what is known of Hermes itself: a table of its releases, and which one is installed.
//! - `volume` is all that is touched below the home of Hermes, and all that runs as the service user.
//! - `boot` gives the profiles of a volume their service directories at each boot; `metrics` tells how they are in numbers;
//!   `doctor` looks for what is wrong.
//! - `error` joins the errors of all floors into exit codes; `cli` is the command line.
//!
//! On top, with the feature `fuzz` only, `fuzz` has what is asserted of each reader, whatever it is given.
//!
//! To render:
//!
//! ```
//! use gen_service::render::render;
//! use gen_service::spec::{Gateway, Options};
//!
//! let gateway = Gateway::resolve_one("coder".parse()?, Options::default())?;
//! let directory = render(&gateway);
//! let run = &directory.files()[1];
//! assert_eq!(run.path, "run");
//! assert!(run.content.ends_with(
//!     "\nexec s6-setuidgid hermes hermes -p coder gateway start --foreground --port 9570\n"
//! ));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! To publish, see [`s6::read_tree`]; to register and to read states, see [`manager`]. `examples/` has a program for each, and docs/library.md
//! explains them.

mod base;
mod boot;
mod cli;
mod disk;
mod doctor;
mod error;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod health;
pub mod hermes;
pub mod manager;
mod metrics;
pub mod render;
pub mod s6;
pub mod source;
pub mod spec;
pub mod tree;
mod volume;

pub use base::{Interrupted, Observer, Signal, WaitError};
/// A path here is UTF-8: it stands in scripts and in messages.
pub use camino::{Utf8Path, Utf8PathBuf};
pub use disk::{DiskError, SystemError};

/// The two programs, as their `main` calls them.
pub mod programs {
    pub use crate::cli::{gatewayctl, gen_service};
}
