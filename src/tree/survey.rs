//! Finds out what has to be done below `--out`, and what is in the way.

use std::collections::{BTreeMap, BTreeSet};

use super::error::TreeError;
use super::found::Found;
use super::own::{TargetError, is_marked, obstacle};
use crate::base::parallel;
use crate::disk::{Snapshot, SystemError};
use crate::render::slots;
use crate::spec::options::Layout;
use crate::spec::{Part, Service, ServiceName};

/// What happened to a service directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It did not exist before.
    Created,
    /// It existed, and was different.
    Updated,
    /// It existed with the same bytes and modes.
    Unchanged,
    /// It existed, and no service of the manifest has its name.
    Removed,
}

/// What [`write()`](super::write()) may do to what it finds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Permit<'a> {
    /// The parts of which it may remove service directories that gen-service wrote for services that are not given.
    pub prune: &'a [Part],
    /// Replaces what is in the way even if gen-service did not write it.
    pub force: bool,
}

/// The work for one service.
pub(super) struct Task {
    /// The change in total.
    pub(super) change: Change,
    /// The change at each path that changes.
    pub(super) steps: Vec<(String, Change)>,
}

impl Task {
    fn new(steps: Vec<(String, Change)>, unchanged: usize) -> Self {
        let all_new = unchanged == 0 && steps.iter().all(|(_, change)| *change == Change::Created);
        let change = match steps.as_slice() {
            [] => Change::Unchanged,
            _ if all_new => Change::Created,
            _ => Change::Updated,
        };
        Self { change, steps }
    }
}

/// The work for each service.
///
/// # Errors
/// Everything that is in the way, all at once.
pub(super) fn survey(found: &Found<'_>, services: &[Service], force: bool) -> Result<Vec<Task>, TreeError> {
    let look = |service: &Service| -> Result<(Task, Vec<TargetError>), TreeError> {
        let own = service.name();
        let (mut steps, mut obstacles, mut unchanged) = (Vec::new(), Vec::new(), 0);
        for slot in slots(service, found.layout) {
            if !found.holds(&slot.path) {
                steps.extend(slot.wanted.map(|_| (slot.path, Change::Created)));
                continue;
            }
            let there = found.whole(&slot.path)?;
            let change = match &slot.wanted {
                Some(wanted) if there == wanted.snapshot() => {
                    unchanged += 1;
                    continue;
                }
                Some(_) => Change::Updated,
                None if is_marked(&there, &own) => Change::Removed,
                None => continue,
            };
            if !force {
                obstacles.extend(in_the_way(found, &slot.path, &there, &own));
            }
            steps.push((slot.path, change));
        }
        Ok((Task::new(steps, unchanged), obstacles))
    };
    let (tasks, obstacles): (Vec<Task>, Vec<Vec<TargetError>>) =
        parallel::each(services, parallel::SMALL, look, |_| Ok(()))?.into_iter().unzip();
    let obstacles: Vec<TargetError> = obstacles.into_iter().flatten().collect();
    if obstacles.is_empty() { Ok(tasks) } else { Err(TreeError::Target(obstacles)) }
}

fn in_the_way(found: &Found<'_>, path: &str, there: &Snapshot<'_>, own: &ServiceName) -> Option<TargetError> {
    let shown = found.place.map(|place| place.shown.join(path)).unwrap_or_default();
    obstacle(shown, there, own, found.is_member(path))
}

/// What gen-service wrote for services of these parts that are not given, each with its path and content.
pub(super) fn stale(
    found: &Found<'_>,
    services: &[Service],
    parts: &[Part],
) -> Result<BTreeMap<ServiceName, Vec<(String, Snapshot<'static>)>>, SystemError> {
    // In the order of services, which is not the order of the names of directories.
    let mut stale: BTreeMap<ServiceName, Vec<(String, Snapshot<'static>)>> = BTreeMap::new();
    if parts.is_empty() {
        return Ok(stale);
    }
    let wanted: BTreeSet<ServiceName> = services.iter().map(Service::name).collect();
    let mut look = |path: String, owner: ServiceName| -> Result<(), SystemError> {
        if parts.contains(&owner.part()) && !wanted.contains(&owner) {
            let there = found.whole(&path)?;
            if is_marked(&there, &owner) {
                stale.entry(owner).or_default().push((path, there));
            }
        }
        Ok(())
    };
    for name in &found.directories {
        let (own, logger) = (ServiceName::of_directory(name), ServiceName::of_logger(name));
        let is_wanted =
            |service: &Option<ServiceName>| service.as_ref().is_some_and(|service| wanted.contains(service));
        // The wanted things there were examined before.
        if is_wanted(&own) || (found.layout.is_s6_rc() && is_wanted(&logger)) {
            continue;
        }
        for owner in own.into_iter().chain(logger) {
            look(Layout::path(found.layout.services(), name), owner)?;
        }
    }
    for name in &found.members {
        if let (Some(owner), Some(path)) = (ServiceName::of_pipeline(name), found.member(name)) {
            look(path, owner)?;
        }
    }
    Ok(stale)
}

/// What `--prune` removes: the paths of each stale service.
///
/// # Errors
/// Every one of them to which somebody added something.
pub(super) fn prunable(
    found: &Found<'_>,
    services: &[Service],
    permit: Permit<'_>,
) -> Result<Vec<(ServiceName, Vec<String>)>, TreeError> {
    let stale = stale(found, services, permit.prune)?;
    let all = stale.iter().flat_map(|(service, paths)| paths.iter().map(move |(path, there)| (service, path, there)));
    let obstacles: Vec<TargetError> = if permit.force {
        Vec::new()
    } else {
        all.filter_map(|(service, path, there)| in_the_way(found, path, there, service)).collect()
    };
    if obstacles.is_empty() {
        let paths = |paths: Vec<(String, Snapshot<'_>)>| paths.into_iter().map(|(path, _)| path).collect();
        Ok(stale.into_iter().map(|(service, found)| (service, paths(found))).collect())
    } else {
        Err(TreeError::Target(obstacles))
    }
}
