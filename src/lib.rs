//! Renders s6 service directories for the gateways of Hermes profiles.
//!
//! Data flows one way, and this is the order in which to read the modules:
//!
//! - [`profile`], [`options`] and [`environment`] hold what a person may write, each as a type that cannot be wrong;
//!   [`env_file`] and [`manifest`] read it from files, [`schema`] describes a manifest to editors.
//! - [`gateway`] joins them: a [`Gateway`](gateway::Gateway) is everything that decides one service directory, with the
//!   port that [`ports`] gave it.
//! - [`render`] turns it into a [`ServiceDir`](service_dir::ServiceDir), through the templates and [`quote`]. No I/O.
//! - [`service_dir`] is the only code that writes or reads a service directory; [`tree`] makes many of them appear in a
//!   directory, all or none.
//! - [`publish`] moves service directories into a scandir and out of it; [`s6`] calls the programs of s6; [`manager`] puts
//!   both behind one trait with the service managers of hosts.
//! - [`volume`] is all that is touched below the home of Hermes, and all that runs as the service user.
//! - [`boot`] gives the profiles of a volume their service directories at each boot; [`doctor`] looks for what is wrong.
//! - [`cli`] is the command line of the programs, [`error`] what can go wrong, [`observer`] who hears of a long run.
//!
//! ```
//! use gen_service::{gateway::Gateway, options::Options, render::render};
//!
//! let gateways = Gateway::resolve(vec![("coder".parse()?, Options::default())]).map_err(|_| "a port is taken")?;
//! let directory = render(&gateways[0]);
//! let run = &directory.files()[1];
//! assert_eq!(run.path, "run");
//! assert!(run.content.ends_with(
//!     "\nexec s6-setuidgid hermes hermes -p coder gateway start --foreground --port 9570\n"
//! ));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod boot;
mod child;
pub mod cli;
mod container;
mod diff;
mod dir;
mod disk;
pub mod doctor;
pub mod env_file;
pub mod environment;
pub mod error;
pub mod gateway;
mod input;
mod leaving;
mod lock;
pub mod manager;
pub mod manifest;
pub mod observer;
pub mod options;
pub mod ports;
pub mod profile;
pub mod publish;
pub mod quote;
pub mod render;
pub mod s6;
pub mod schema;
pub mod service_dir;
pub mod signals;
mod text;
pub mod tree;
mod update;
pub mod volume;
