//! The command line: what the programs take, what they say, and which exit code they end with.
//!
//! `args` holds the definitions for clap and nothing else. Every command has a file of its own.

mod args;
mod check;
mod control;
mod preview;
mod render_args;
mod streams;
mod write;

use std::ffi::OsString;

use clap::Parser as _;

pub use control::gatewayctl;
pub use streams::{Streams, with_streams};

use crate::error::Error;
use crate::gateway::Gateway;
use crate::{manifest, schema};
use args::GenService;

/// How a command ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Exit code 0.
    Done,
    /// `--check` found a difference, `doctor` an error, or some of several things failed and were reported: exit code 1.
    Differs,
    /// Some gateways are down: exit code 3 of `status`.
    SomeDown,
    /// There is no such gateway: exit code 4 of `status`.
    NoSuch,
}

impl Outcome {
    fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Differs => 1,
            Self::SomeDown => 3,
            Self::NoSuch => 4,
        }
    }
}

/// Runs `gen-service` with these arguments, the program's name first, and returns its exit code: 0 done, 1 failed or
/// `--check` found a difference, 2 wrong usage or invalid input.
pub fn gen_service(arguments: impl IntoIterator<Item = OsString>, mut streams: Streams<'_>) -> u8 {
    let result = match GenService::try_parse_from(arguments) {
        Ok(arguments) => run(&arguments, &mut streams),
        Err(error) => return streams.clap(&error),
    };
    streams.end(result)
}

fn run(arguments: &GenService, streams: &mut Streams<'_>) -> Result<Outcome, Error> {
    if arguments.schema {
        streams.json(&schema::schema())?;
        return Ok(Outcome::Done);
    }
    let gateways = match &arguments.manifest {
        Some(path) => manifest::read(path)?,
        None => arguments.options.gateways(&arguments.profiles)?,
    };
    match &arguments.out {
        None => preview::run(arguments, &gateways, streams),
        Some(out) if arguments.check => check::run(arguments, out, &gateways, streams),
        Some(out) => write::run(arguments, out, &gateways, streams),
    }
}

/// What `--json` says of a gateway, whatever else it says.
#[derive(serde::Serialize)]
struct About {
    profile: String,
    /// The name of the service directory.
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
}

impl About {
    fn new(gateway: &Gateway) -> Self {
        Self {
            profile: gateway.profile().to_string(),
            name: gateway.profile().service_name(),
            port: gateway.port().map(crate::options::Port::get),
        }
    }
}
