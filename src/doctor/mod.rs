//! Looks for what is wrong, or soon will be, and says what to do.
//!
//! Each check reports at least one [`Finding`], unless it is silent when all is well. Doctor changes nothing. It looks at everything below the home
//! of Hermes as the service user, because that user has to use it.

#![expect(clippy::disallowed_methods, reason = "the scandir")]

#[cfg(test)]
mod checks;
mod error;
mod finding;
mod gateways;
mod hermes;
mod isolated;
mod neighbours;
mod patient;
mod programs;
mod s6_rc;
mod said;
mod security;
mod shard;
mod tree;
mod watchdog;

#[cfg(test)]
pub(crate) use checks::CHECKS;
pub(crate) use error::DoctorError;
pub(crate) use finding::{Finding, Level};

use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use camino::Utf8Path;

use crate::disk::Context as _;
use crate::s6::{Scandir, Svscan};
use crate::volume::{Deadline, Homes};
use patient::Patient;

/// All findings about the services of this scandir. It uses the programs of s6 in this directory, this home of Hermes, and the saved manifest in the
/// directory `state` or on the volume. All processes that run as the service user may take `timeout` together.
///
/// # Errors
/// If the scandir exists and cannot be read.
pub(crate) fn examine(
    scandir: &Utf8Path,
    programs: &Utf8Path,
    home: &Utf8Path,
    state: Option<&Utf8Path>,
    timeout: Duration,
) -> Result<Vec<Finding>, DoctorError> {
    let mut findings = Vec::new();
    let found = programs::check(programs, &mut findings);
    let scandir = match Scandir::open(scandir) {
        Ok(scandir) => scandir,
        Err(error) => {
            findings.push(Finding::said("scandir", &error));
            return Ok(findings);
        }
    };
    let svscan = Svscan::of(scandir.path());
    let metadata = std::fs::metadata(scandir.path()).context("read", scandir.path())?;
    let supervisor = (metadata.uid(), metadata.gid());
    let deadline = Deadline::after(timeout);
    let services = scandir.services()?;
    let scripts = services.iter().filter_map(|(name, service)| Some((name.clone(), service.run_script()?))).collect();
    let homes = Homes::sharing(home);
    let mut patient = Patient {
        scandir,
        supervisor,
        programs: found,
        home,
        homes,
        state,
        deadline,
        apart: deadline,
        svscan,
        services,
        scripts,
    };
    tree::check(&patient, &mut findings)?;
    s6_rc::check(&patient, &mut findings);
    security::check(&patient, &mut findings)?;
    gateways::check(&patient, &mut findings);
    watchdog::check(&patient, &mut findings);
    shard::check(&patient, &mut findings);
    // The time that the users of isolated gateways use up is not taken from the others.
    let left = deadline.left();
    patient.apart = Deadline::after(timeout);
    isolated::check(&patient, &mut findings);
    patient.deadline = deadline.resumed(left);
    neighbours::check(&patient, &mut findings);
    hermes::check(&patient, &mut findings);
    neighbours::in_the_way(&patient, timeout, &mut findings);
    Ok(findings)
}
