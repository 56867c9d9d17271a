//! The tree below `--out`: all service directories of a run appear together, or none does.
//!
//! A run locks the directory, looks at everything that is there before it writes anything, and has `disk` do the rest. It
//! does not know who will run what it writes.

mod error;
mod out;
mod own;

pub use error::TreeError;
pub use own::TargetError;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use camino::Utf8Path;
use rustix::io::Errno;

use crate::base::{Interrupted, Observer, Patience, parallel};
use crate::disk::{
    Difference, Dir, DiskError, Lock, Place, Snapshot, Staging, Step, SystemError, differences, read, take_back,
};
use crate::render::render_service;
use crate::spec::{Part, Service, ServiceName};
use out::{Names, Out};
use own::{is_marked, obstacle};

/// Where a run builds what it will rename into place.
const STAGING: &str = ".gen-service.tmp";

/// What a run locks.
const LOCK: &str = ".gen-service.lock";

/// What happened to a service directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was not there before.
    Created,
    /// It was there, and was different.
    Updated,
    /// It was there, to the byte and bit.
    Unchanged,
    /// It was there, and no service of the manifest has its name.
    Removed,
}

/// What [`write()`] may do to what it finds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Permit<'a> {
    /// Of these parts, remove the service directories that gen-service wrote for services that are not among those given.
    pub prune: &'a [Part],
    /// Replace what stands in the way even where gen-service did not write it.
    pub force: bool,
}

/// What a run did: per service in the order given, and the services whose directories were removed.
#[derive(Debug)]
pub struct Report {
    /// What happened to each service's directory, in the order of the services.
    pub changes: Vec<Change>,
    /// The services whose directories were removed, sorted.
    pub removed: Vec<ServiceName>,
}

/// Makes the service directories of these services appear in the directory `out`, which is created where it is missing. While it writes, the
/// umask of the whole process is 0.
///
/// ```
/// use gen_service::spec::{Gateway, Options, Service};
/// use gen_service::tree::{Change, Permit, write};
///
/// # let directory = tempfile::tempdir()?;
/// # let out = camino::Utf8Path::from_path(directory.path()).ok_or("no UTF-8")?.join("services");
/// let gateways = Gateway::resolve(vec![("coder".parse()?, Options::default())]).map_err(|_| "a port is taken")?;
/// let services: Vec<Service> = gateways.into_iter().map(Service::from).collect();
/// let report = write(&out, &services, Permit::default(), &mut ())?;
/// assert_eq!(report.changes, [Change::Created]);
/// assert!(out.join("gateway-coder/log/run").is_file());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If `out` is no directory, if something in the way is not gen-service's own, or if the operating system refuses a step. Then `out` is as
/// it was.
pub fn write(
    out: &Utf8Path,
    services: &[Service],
    permit: Permit<'_>,
    observer: &mut dyn Observer,
) -> Result<Report, TreeError> {
    let observer: RefCell<Box<dyn Observer + '_>> = RefCell::new(Box::new(observer));
    let patience = Patience { limit: Duration::MAX, observer: &observer, interrupted: Some(Interrupted::TakenBack) };
    let mut place = Out::make(out)?;
    let lock = match lock(&place.directory, out, patience) {
        // Who cannot write may still find that nothing is to be written.
        Err(DiskError::System(SystemError { source, .. })) if is_refusal(&source) => Err(source),
        lock => Ok(lock?),
    };
    let here = place_of(&place, out);
    if lock.is_ok() {
        take_back(here)?;
    }

    let present = place.names(out)?;
    let found = survey(here, services, &present, permit.force)?;
    let stale = prunable(here, services, &present, permit)?;
    let todo: Vec<(&Service, Change)> =
        services.iter().zip(found.iter().copied()).filter(|(_, change)| *change != Change::Unchanged).collect();
    if todo.len() + stale.len() > 0 {
        let _lock = lock.map_err(|source| SystemError { action: "create", path: out.join(STAGING), source })?;
        change(here, &todo, &stale, patience)?;
    }
    place.keep();
    Ok(Report { changes: found, removed: stale })
}

/// Nothing is synced there: a tree is the product of a build, and after a power cut one builds again. Nobody works in it.
fn place_of<'a>(out: &'a Out, shown: &'a Utf8Path) -> Place<'a> {
    Place { directory: &out.directory, shown, lasts: false, staging: STAGING, evacuate: |_, _| Ok(false) }
}

fn lock(directory: &Dir, out: &Utf8Path, patience: Patience<'_, '_>) -> Result<Lock, DiskError> {
    let what = format!("another gen-service that writes to {out}");
    Lock::take_evicting(directory, LOCK, patience, (&what, out), Dir::evict)
}

/// Whether the operating system says that nothing can be written here.
fn is_refusal(error: &io::Error) -> bool {
    [Errno::ACCESS, Errno::PERM, Errno::ROFS].iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// Writes what is new, and puts all into place.
fn change(
    place: Place<'_>,
    todo: &[(&Service, Change)],
    stale: &[ServiceName],
    patience: Patience<'_, '_>,
) -> Result<(), TreeError> {
    let mut staging = Staging::begin(place)?;
    let writer = staging.writer(place.shown);
    let write = |(service, change): &(&Service, Change)| -> Result<Step, TreeError> {
        let directory = render_service(service);
        let (name, snapshot) = (directory.name(), directory.snapshot());
        writer.whole(&name, &snapshot)?;
        Ok(if *change == Change::Created { Step::Create(name) } else { Step::replace(name, &snapshot) })
    };
    let tell = |done: usize| -> Result<(), TreeError> {
        patience.observer.borrow_mut().progress(done, todo.len());
        Ok(patience.heed()?)
    };
    let mut steps = parallel::each(todo, parallel::SMALL, write, tell)?;
    patience.observer.borrow_mut().progress(todo.len(), todo.len());
    steps.extend(stale.iter().map(|service| Step::Remove(service.directory())));
    staging.apply(steps, Vec::new())?;
    // The last moment at which all can be taken back.
    patience.heed()?;
    staging.commit()?.clean_up()?;
    Ok(())
}

/// What is to happen to each service's directory.
///
/// # Errors
/// Everything that stands in the way, all at once.
fn survey(place: Place<'_>, services: &[Service], present: &Names, force: bool) -> Result<Vec<Change>, TreeError> {
    let look = |service: &Service| -> Result<(Change, Option<TargetError>), TreeError> {
        let own = service.name();
        let name = own.directory();
        if !present.contains(&name) {
            return Ok((Change::Created, None));
        }
        let found = whole(place, &name)?;
        if found == render_service(service).snapshot() {
            return Ok((Change::Unchanged, None));
        }
        let obstacle = if force { None } else { obstacle(place.shown, &found, &own) };
        Ok((Change::Updated, obstacle))
    };
    let (changes, obstacles): (Vec<Change>, Vec<Option<TargetError>>) =
        parallel::each(services, parallel::SMALL, look, |_| Ok(()))?.into_iter().unzip();
    let obstacles: Vec<TargetError> = obstacles.into_iter().flatten().collect();
    if obstacles.is_empty() { Ok(changes) } else { Err(TreeError::Target(obstacles)) }
}

/// All that is in the place under this name.
fn whole(place: Place<'_>, name: &str) -> Result<Snapshot<'static>, SystemError> {
    read(place.directory, name, &place.shown.join(name), &mut |_, _| true)
}

/// The services of these parts, other than those given, for which gen-service wrote a directory into `out`, with what it holds.
fn stale(
    place: Place<'_>,
    services: &[Service],
    present: &Names,
    parts: &[Part],
) -> Result<Vec<(ServiceName, Snapshot<'static>)>, SystemError> {
    if parts.is_empty() {
        return Ok(Vec::new());
    }
    let wanted: BTreeSet<ServiceName> = services.iter().map(Service::name).collect();
    let named = present.iter().filter_map(|name| ServiceName::of_directory(name));
    // In the order in which they are shown, which is not that of the names of directories.
    let others: BTreeSet<ServiceName> =
        named.filter(|service| parts.contains(&service.part()) && !wanted.contains(service)).collect();
    let mut stale = Vec::new();
    for service in others {
        let found = whole(place, &service.directory())?;
        if is_marked(&found, &service) {
            stale.push((service, found));
        }
    }
    Ok(stale)
}

/// The stale directories that `--prune` removes.
///
/// # Errors
/// Every one of them to which somebody added something.
fn prunable(
    place: Place<'_>,
    services: &[Service],
    present: &Names,
    permit: Permit<'_>,
) -> Result<Vec<ServiceName>, TreeError> {
    let stale = stale(place, services, present, permit.prune)?;
    let obstacle = |(service, found): &(ServiceName, Snapshot<'_>)| obstacle(place.shown, found, service);
    let obstacles: Vec<TargetError> =
        if permit.force { Vec::new() } else { stale.iter().filter_map(obstacle).collect() };
    if obstacles.is_empty() {
        Ok(stale.into_iter().map(|(service, _)| service).collect())
    } else {
        Err(TreeError::Target(obstacles))
    }
}

/// Compares the directory `out` with what these services render to, and writes nothing.
///
/// Of these parts, `out` is to hold these services and no others; what gen-service did not write is never looked at.
///
/// # Errors
/// If `out` is something else than a directory, or cannot be read.
pub(crate) fn compare(
    out: &Utf8Path,
    services: &[Service],
    parts: &[Part],
) -> Result<Vec<Difference<'static>>, TreeError> {
    let opened = Out::open(out)?;
    let place = opened.as_ref().map(|opened| place_of(opened, out));
    let present = opened.as_ref().map_or_else(|| Ok(Names::new()), |opened| opened.names(out))?;
    let found = |name: &str| -> Result<Snapshot<'static>, SystemError> {
        match place {
            Some(place) if present.contains(name) => whole(place, name),
            _ => Ok(Snapshot::default()),
        }
    };
    let look = |service: &Service| -> Result<Vec<Difference<'static>>, TreeError> {
        let wanted = render_service(service);
        let (name, found) = (wanted.name(), found(&wanted.name())?);
        if found == wanted.snapshot() {
            Ok(Vec::new())
        } else {
            Ok(differences(&name, found, wanted.snapshot().owned()))
        }
    };
    let mut different: Vec<Difference<'static>> =
        parallel::each(services, parallel::SMALL, look, |_| Ok(()))?.into_iter().flatten().collect();
    if let Some(place) = place {
        for (service, found) in stale(place, services, &present, parts)? {
            different.extend(differences(&service.directory(), found, Snapshot::default()));
        }
    }
    if present.contains(STAGING) {
        different.extend(differences(STAGING, found(STAGING)?, Snapshot::default()));
    }
    Ok(different)
}
