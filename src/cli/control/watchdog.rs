//! `gatewayctl watchdog`.

use std::time::Duration;

use super::args::Common;
use crate::cli::outcome::Outcome;
use crate::cli::streams::Streams;
use crate::error::Error;
use crate::health::{Restart, watchdog};
use crate::manager::S6Manager;

pub(super) fn run(common: &Common, streams: &mut Streams<'_>) -> Result<Outcome, Error> {
    let manager = S6Manager::new(&common.scandir, &common.s6_bin_dir, Duration::from_secs(common.timeout))?;
    watchdog(manager.scandir(), manager.programs(), &mut |Restart { service, why, failure }| {
        streams.warning(&format!("{service}: {why}"));
        if let Some(failure) = failure {
            streams.warning(&format!("{service} is not restarted: {failure}"));
        }
    })?;
    Ok(Outcome::Done)
}
