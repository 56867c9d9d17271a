//! Renders s6 service directories for the gateways of Hermes profiles, publishes them, and reports their states.
//!
//! Data flows one way: arguments or manifest -> [`Gateway`](spec::Gateway) -> [`ServiceDir`](render::ServiceDir) -> disk -> scandir -> s6.
//! The code is built in floors. Each floor imports only from those below it. Read them in this order; docs/architecture.md also says what
//! each floor does not know.
//!
//! - `base` is the ground of every floor: an [`Observer`] hears of a long run, and a [`Signal`] ends it.
//! - [`spec`] has a type for each thing that a person may write. No value of these types is wrong.
//! - `disk` is a service directory on a disk: one snapshot, one reader, one writer, one staging directory with its journal, one lock.
//! - [`render`] turns a gateway into a service directory, through the templates. No I/O.
//! - [`source`] reads manifests and environment files. It reports each mistake with its place.
//! - [`tree`] writes many service directories into the directory of `--out`, all or none.
//! - [`s6`] calls the programs of s6: it reads a scandir, publishes into it, and takes services out.
//! - [`manager`] is one trait for s6 and the service managers of hosts.
//! - `health` tells whether what s6 runs is well, and restarts a gateway that is not.
//! - [`hermes`] knows the releases of Hermes: a table of them, and which one is installed.
//! - `volume` touches what is below the home of Hermes, and runs programs as the service user.
//! - `boot` gives the profiles of a volume their service directories at each boot. `metrics` reports their states in numbers. `doctor`
//!   looks for what is wrong.
//! - `error` joins the errors of all floors into exit codes; `cli` is the command line.
//!
//! At the top, `fuzz` asserts what must hold for each reader, whatever it reads. It exists only with the feature `fuzz`.
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
//! To publish, see [`s6::read_tree`]. To register and to read states, see [`manager`]. `examples/` has a program for each, and docs/library.md
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
/// Paths are UTF-8 here, because they are written into scripts and messages.
pub use camino::{Utf8Path, Utf8PathBuf};
pub use disk::{DiskError, SystemError};

/// The two programs, as their `main` functions call them.
pub mod programs {
    pub use crate::cli::{gatewayctl, gen_service};
}

// The Rust code of that page is compiled as a test.
#[cfg(doctest)]
#[doc = include_str!("../docs/gatewayctl.md")]
struct Gatewayctl;
