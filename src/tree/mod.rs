//! The tree below `--out`. All service directories of a run appear together, or none does.
//!
//! A run locks the directory, looks at everything there before it writes anything, and lets `disk` do the rest. It does not know who will
//! run what it writes.

mod error;
mod found;
mod out;
mod own;
mod survey;

pub use error::TreeError;
pub use own::TargetError;

use std::cell::RefCell;
use std::io;
use std::time::Duration;

use camino::Utf8Path;
use rustix::io::Errno;

use crate::base::{Interrupted, Observer, Patience, parallel};
use crate::disk::{
    Difference, Dir, DiskError, Entry, Lock, Place, Snapshot, Staging, Step, SystemError, differences, take_back,
};
use crate::render::slots;
use crate::spec::options::Layout;
use crate::spec::{Part, Service, ServiceName};
use found::{Found, STAGING};
use out::Out;
pub use survey::{Change, Permit};
use survey::{Task, prunable, stale, survey};

/// The name of the lock.
const LOCK: &str = ".gen-service.lock";

/// What a run did: the change of each service in the given order, and the services whose directories were removed.
#[derive(Debug)]
pub struct Report {
    /// The change of each service's directory, in the order of the services.
    pub changes: Vec<Change>,
    /// The services whose directories were removed, sorted.
    pub removed: Vec<ServiceName>,
}

/// Writes these services in this layout into the directory `out`, all at once. Creates the directory if it is missing. While it writes, the
/// umask of the whole process is 0.
///
/// ```
/// use gen_service::spec::options::Layout;
/// use gen_service::spec::{Gateway, Options, Service};
/// use gen_service::tree::{Change, Permit, write};
///
/// # let directory = tempfile::tempdir()?;
/// # let out = camino::Utf8Path::from_path(directory.path()).ok_or("no UTF-8")?.join("services");
/// let gateway = Gateway::resolve_one("coder".parse()?, Options::default())?;
/// let report = write(&out, Layout::S6, &[Service::from(gateway)], Permit::default(), &mut ())?;
/// assert_eq!(report.changes, [Change::Created]);
/// assert!(out.join("gateway-coder/log/run").is_file());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If `out` is not a directory, if something that does not belong to gen-service is in the way, or if the operating system refuses a step.
/// Then `out` is as it was.
pub fn write(
    out: &Utf8Path,
    layout: Layout,
    services: &[Service],
    permit: Permit<'_>,
    observer: &mut dyn Observer,
) -> Result<Report, TreeError> {
    let observer: RefCell<Box<dyn Observer + '_>> = RefCell::new(Box::new(observer));
    let patience = Patience { limit: Duration::MAX, observer: &observer, interrupted: Some(Interrupted::TakenBack) };
    let mut place = Out::make(out)?;
    let lock = match lock(&place.directory, out, patience) {
        // A user who cannot write may still find that nothing has to be written.
        Err(DiskError::System(SystemError { source, .. })) if is_refusal(&source) => Err(source),
        lock => Ok(lock?),
    };
    let here = place_of(&place, out);
    if lock.is_ok() {
        take_back(here)?;
    }

    let found = Found::look(Some(here), layout)?;
    let tasks = survey(&found, services, permit.force)?;
    let stale = prunable(&found, services, permit)?;
    let mut above = Vec::new();
    if !stale.is_empty() || tasks.iter().any(|task| !task.steps.is_empty()) || found.type_to_add(services).is_some() {
        let _lock = lock.map_err(|source| SystemError::new("create", out.join(STAGING), source))?;
        let places = [Some(layout.services()), layout.bundles()].into_iter().flatten();
        for directory in places.filter(|directory| !directory.is_empty()) {
            above.push(Out::make(&out.join(directory))?);
        }
        change(&found, here, services, &tasks, &stale, patience)?;
    }
    place.keep();
    above.iter_mut().for_each(Out::keep);
    let removed = stale.into_iter().map(|(service, _)| service).collect();
    Ok(Report { changes: tasks.iter().map(|task| task.change).collect(), removed })
}

/// Nothing is synced there, because a tree is the product of a build, and after a power cut you build again. No supervisor works in it.
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

/// What has to be done to write a path.
enum Written {
    /// A step is still to be done.
    Step(Step),
    /// The path comes with the bundle that it is in, which does not exist yet.
    Member(String, Entry<'static>),
}

/// Writes what is new, and puts everything into place.
fn change(
    found: &Found<'_>,
    place: Place<'_>,
    services: &[Service],
    tasks: &[Task],
    stale: &[(ServiceName, Vec<String>)],
    patience: Patience<'_, '_>,
) -> Result<(), TreeError> {
    let mut staging = Staging::begin(place)?;
    let writer = staging.writer(place.shown);
    let todo: Vec<(&Service, &Task)> = services.iter().zip(tasks).filter(|(_, task)| !task.steps.is_empty()).collect();
    let write = |(service, task): &(&Service, &Task)| -> Result<Vec<Written>, TreeError> {
        let mut slots = slots(service, found.layout);
        let mut written = Vec::with_capacity(task.steps.len());
        for (path, what) in &task.steps {
            let wanted = slots.iter_mut().find(|slot| slot.path == *path).and_then(|slot| slot.wanted.take());
            let Some(wanted) = wanted else {
                written.push(Written::Step(Step::Remove(path.clone())));
                continue;
            };
            let snapshot = wanted.snapshot();
            if let (Some(within), Some(alone)) = (found.within_missing(path), snapshot.itself()) {
                written.push(Written::Member(within.to_owned(), alone.clone().owned()));
                continue;
            }
            writer.whole(path, &snapshot)?;
            let path = path.clone();
            let step = if *what == Change::Created { Step::Create(path) } else { Step::replace(path, &snapshot) };
            written.push(Written::Step(step));
        }
        Ok(written)
    };
    let tell = |done: usize| -> Result<(), TreeError> {
        patience.observer.borrow_mut().progress(done, todo.len());
        Ok(patience.heed()?)
    };
    let written = parallel::each(&todo, parallel::SMALL, write, tell)?;
    patience.observer.borrow_mut().progress(todo.len(), todo.len());
    let (mut steps, mut members) = (Vec::new(), Vec::new());
    for written in written.into_iter().flatten() {
        match written {
            Written::Step(step) => steps.push(step),
            Written::Member(path, entry) => members.push((path, entry)),
        }
    }
    if let Some((path, bundle)) = found.new_bundle(services, members) {
        writer.whole(&path, &bundle)?;
        steps.push(Step::Create(path));
    }
    if let Some(says) = found.type_to_add(services) {
        writer.whole(says.path(), &says.snapshot())?;
        steps.push(Step::Create(says.path().to_owned()));
    }
    steps.extend(stale.iter().flat_map(|(_, paths)| paths).cloned().map(Step::Remove));
    staging.apply(steps, Vec::new())?;
    // The last moment at which everything can be taken back.
    patience.heed()?;
    staging.commit()?.clean_up()?;
    Ok(())
}

/// Compares the directory `out` with these services in this layout, and writes nothing.
///
/// Of these parts, `out` must hold these services and no others. It ignores what gen-service did not write.
///
/// # Errors
/// If `out` is not a directory, or cannot be read.
pub(crate) fn compare(
    out: &Utf8Path,
    layout: Layout,
    services: &[Service],
    parts: &[Part],
) -> Result<Vec<Difference<'static>>, TreeError> {
    let opened = Out::open(out)?;
    let found = Found::look(opened.as_ref().map(|opened| place_of(opened, out)), layout)?;
    let look = |service: &Service| -> Result<Vec<Difference<'static>>, TreeError> {
        let mut different = Vec::new();
        for slot in slots(service, layout) {
            let there = found.whole(&slot.path)?;
            match &slot.wanted {
                None if !own::is_marked(&there, &service.name()) => {}
                Some(wanted) if there == wanted.snapshot() => {}
                wanted => {
                    let wanted = wanted.as_ref().map(|entry| entry.snapshot().owned()).unwrap_or_default();
                    different.extend(differences(&slot.path, there, wanted));
                }
            }
        }
        Ok(different)
    };
    let mut different: Vec<Difference<'static>> =
        parallel::each(services, parallel::SMALL, look, |_| Ok(()))?.into_iter().flatten().collect();
    if let Some(says) = found.missing_type(services) {
        different.extend(differences(says.path(), Snapshot::default(), says.snapshot().owned()));
    }
    for (path, there) in stale(&found, services, parts)?.into_values().flatten() {
        different.extend(differences(&path, there, Snapshot::default()));
    }
    if let Some(staging) = found.staging()? {
        different.extend(differences(STAGING, staging, Snapshot::default()));
    }
    Ok(different)
}
