//! What the commands have in common: names, and the service manager in charge.

use std::time::Duration;

use super::args::Common;
use crate::cli::streams::Streams;
use crate::error::Error;
use crate::manager::{Host, Kind, S6Manager, ServiceManager, Signs, detect};
use crate::source::{Mistake, Place};
use crate::spec::ProfileName;

/// The profiles, or every mistake in their names.
pub(super) fn names(profiles: &[String]) -> Result<Vec<ProfileName>, Error> {
    let mut mistakes = Vec::new();
    let mut names = Vec::new();
    for profile in profiles {
        match profile.parse::<ProfileName>() {
            Ok(name) => names.push(name),
            Err(error) => mistakes.push(Mistake::at(Place::CommandLine, error)),
        }
    }
    if mistakes.is_empty() { Ok(names) } else { Err(Error::input(mistakes)) }
}

pub(super) fn kind(common: &Common) -> Option<Kind> {
    let signs = Signs { root: "/".into(), scandir: common.scandir.clone(), os: std::env::consts::OS };
    common.manager.map(Kind::from).or_else(|| detect(&signs))
}

/// The s6 manager of the common options, telling on standard error what it waits for.
pub(super) fn s6<'a>(common: &Common, streams: &'a mut Streams<'_>) -> Result<S6Manager<'a>, Error> {
    let timeout = Duration::from_secs(common.timeout);
    Ok(S6Manager::new(&common.scandir, &common.s6_bin_dir, timeout)?.observer(streams.observer(common.quiet)))
}

/// The manager in charge: s6 unless the signs say another.
pub(super) fn manager<'a>(
    common: &Common,
    streams: &'a mut Streams<'_>,
) -> Result<Box<dyn ServiceManager + 'a>, Error> {
    let uid = rustix::process::getuid().as_raw();
    match kind(common).and_then(|kind| Host::new(kind, uid)) {
        Some(host) => Ok(Box::new(host)),
        None => Ok(Box::new(s6(common, streams)?)),
    }
}
