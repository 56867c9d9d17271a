//! The command line: arguments, output and exit codes of both programs.
//!
//! `args` has only the definitions for clap. Each command has its own file.

mod args;
mod ascii;
mod check;
mod completions;
mod control;
mod documents;
mod offered;
mod outcome;
mod parse;
mod preview;
#[cfg(test)]
mod reference;
mod render_args;
mod streams;
mod version;
mod write;

use std::process::ExitCode;

pub use control::gatewayctl;
use streams::{Streams, with_streams};

use crate::error::Error;
use crate::source;
use crate::spec::options::Layout;
use args::{Command, GenService};
use outcome::Outcome;

/// Runs `gen-service` with the arguments and streams of this process, and returns its exit code: 0 done; 1 failed, or `--check` found a
/// difference; 2 wrong usage or invalid input; 128 plus the number of the signal that ended it.
pub fn gen_service() -> ExitCode {
    with_streams(|mut streams| {
        let arguments = match parse::arguments().and_then(|found| found.map(GenService::checked).transpose()) {
            Ok(Some(arguments)) => arguments,
            Ok(None) => return 0,
            Err(error) => return streams.clap(&error),
        };
        streams.as_json = arguments.json;
        let result = run(&arguments, &mut streams);
        streams.end(result)
    })
}

fn run(arguments: &GenService, streams: &mut Streams<'_>) -> Result<Outcome, Error> {
    if let Some(Command::Completions(completions)) = &arguments.command {
        return completions.run("gen-service", streams);
    }
    if arguments.schema {
        streams.json(&source::schema())?;
        return Ok(Outcome::Done);
    }
    let given = arguments.layout.map(Layout::from);
    let (layout, services) = if let Some(path) = &arguments.manifest {
        source::read(path, given, &arguments.parts())?
    } else {
        let layout = given.unwrap_or_default();
        (layout, arguments.options.clone().services(&arguments.profiles, &arguments.after, layout)?)
    };
    let told = arguments.manifest.is_some() || arguments.quiet || arguments.json;
    if let Some(note) = arguments.options.note().filter(|_| !told) {
        streams.note(&note);
    }
    match &arguments.out {
        None => preview::run(arguments, layout, &services, streams),
        Some(out) if arguments.check => check::run(arguments, (out, layout), &services, streams),
        Some(out) => write::run(arguments, (out, layout), &services, streams),
    }
}
