//! `gatewayctl metrics`.

use std::io::ErrorKind;
use std::thread;
use std::time::Duration;

use super::args::Common;
use super::common::s6;
use crate::base::text::reason;
use crate::base::{interrupted, watch};
use crate::cli::outcome::Outcome;
use crate::cli::streams::Streams;
use crate::disk::Context as _;
use crate::error::Error;
use crate::manager::S6Manager;
use crate::metrics::{Server, measure};
use crate::source::{Mistake, Place};
use crate::spec::options::Listen;

/// Prints the metrics, or serves them at this address until a signal comes.
pub(super) fn run(listen: Option<&str>, common: &Common, streams: &mut Streams<'_>) -> Result<Outcome, Error> {
    let Some(listen) = listen else { return print(common, streams) };
    let listen: Listen = listen.parse().map_err(|error| Error::input(vec![Mistake::at(Place::CommandLine, error)]))?;
    watch().context("watch for signals as", "gatewayctl")?;
    let manager = S6Manager::new(&common.scandir, &common.s6_bin_dir, Duration::from_secs(common.timeout))?;
    let Some(mut server) = bind(listen, streams)? else { return Ok(Outcome::Done) };
    let measured = || measure(manager.scandir(), manager.programs()).map_err(|error| error.to_string());
    server
        .serve(&mut || measured()?.text().map_err(|error| error.to_string()))
        .context("serve metrics at", listen.to_string())?;
    Ok(Outcome::Done)
}

/// A server at this address, as soon as the address is free. `None` if a signal comes first.
fn bind(listen: Listen, streams: &mut Streams<'_>) -> Result<Option<Server>, Error> {
    const AGAIN: Duration = Duration::from_secs(1);
    let mut is_told = false;
    while !interrupted() {
        match Server::bind(listen.socket()) {
            // The other program may end, and an address may appear. An error here would only repeat at each start.
            Err(error) if matches!(error.kind(), ErrorKind::AddrInUse | ErrorKind::AddrNotAvailable) => {
                if !is_told {
                    streams.warning(&format!(
                        "no metrics at {listen} yet: {}; gatewayctl tries again every second",
                        reason(&error)
                    ));
                }
                is_told = true;
                thread::sleep(AGAIN);
            }
            bound => return Ok(Some(bound.context("listen at", listen.to_string())?)),
        }
    }
    Ok(None)
}

fn print(common: &Common, streams: &mut Streams<'_>) -> Result<Outcome, Error> {
    let measured = {
        let manager = s6(common, streams)?;
        measure(manager.scandir(), manager.programs())?
    };
    if common.json {
        streams.json(&measured)?;
    } else {
        let text = measured.text().map_err(std::io::Error::other).map_err(Error::Output)?;
        write!(streams.out, "{text}").map_err(Error::Output)?;
    }
    Ok(Outcome::Done)
}
