//! The states of the services that s6-rc runs, as s6-rc believes them.

use std::collections::BTreeSet;

use super::finding::{Finding, or_ok};
use super::patient::Patient;
use super::said::counted;
use crate::disk;
use crate::s6::{LiveService, OfS6Rc, Programs};
use crate::spec::ServiceName;

const CHECK: &str = "s6-rc";

/// Adds nothing if s6-rc runs no service here.
pub(super) fn check(patient: &Patient<'_>, findings: &mut Vec<Finding>) {
    let of_s6_rc: Vec<(&ServiceName, &LiveService, &OfS6Rc)> =
        patient.services.iter().filter_map(|(name, service)| Some((name, service, service.of_s6_rc()?))).collect();
    let mut found = unlinked(patient);
    if of_s6_rc.is_empty() && found.is_empty() {
        return;
    }
    if let Some(programs) = &patient.programs {
        found.extend(of_s6_rc.iter().filter_map(|(name, service, _)| differs(name, service, programs)));
    }
    let names: Vec<&ServiceName> = of_s6_rc.iter().map(|(name, ..)| *name).collect();
    or_ok(findings, found, CHECK, format!("it runs {}, and knows the state of each", counted(&names)));
}

/// A service whose state differs from what s6-rc believes. s6-rc believes that a service is down if it has the file `down`
/// (<https://skarnet.org/software/s6-rc/s6-rc.html>).
fn differs(name: &ServiceName, service: &LiveService, programs: &Programs) -> Option<Finding> {
    let status = service.status(programs).ok()?;
    let word = name.word();
    match (service.has_down(), status.wanted_up) {
        (false, false) if !status.up => {
            let seen = format!("{name} is down, but s6-rc believes that it is up, so s6-rc -u change does nothing");
            Some(Finding::warning(CHECK, seen, format!("gatewayctl start {word}, or gatewayctl stop {word}")))
        }
        (true, true) => {
            let seen = format!("{name} is up, but s6-rc believes that it is down, so it does not stop it in order");
            Some(Finding::warning(CHECK, seen, format!("gatewayctl stop {word}, then gatewayctl start {word}")))
        }
        _ => None,
    }
}

/// Services that s6-rc believes to be up but that are not in the scandir any more. They do not run, and s6-rc does not notice.
fn unlinked(patient: &Patient<'_>) -> Vec<Finding> {
    let path = patient.scandir.path();
    // Every link of s6-rc in the scandir leads to the directory of all its services. Its own services have such links too.
    let links = disk::names(path).unwrap_or_default();
    let lives: BTreeSet<_> = links
        .iter()
        .filter_map(|name| OfS6Rc::of(&path.join(name.to_string_lossy().as_ref())))
        .map(|of| of.live.path().join("servicedirs"))
        .collect();
    let mut found = Vec::new();
    for directory in lives {
        for name in disk::names(&directory).unwrap_or_default() {
            let name = name.to_string_lossy();
            let owner = ServiceName::of_directory(&name).or_else(|| ServiceName::of_logger(&name));
            let is_up = !directory.join(name.as_ref()).join("down").exists();
            if let Some(owner) = owner.filter(|_| is_up && path.join(name.as_ref()).symlink_metadata().is_err()) {
                let seen = format!("s6-rc believes that {name}, of {owner}, is up, but somebody took it out of {path}");
                let remedy = format!("ln -s {directory}/{name} {path}/ && s6-svscanctl -a {path}");
                found.push(Finding::error(CHECK, seen, remedy));
            }
        }
    }
    found.sort_by(|a, b| a.seen.cmp(&b.seen));
    found
}
