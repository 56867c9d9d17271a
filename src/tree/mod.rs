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
use crate::render::render;
use crate::spec::{Gateway, ProfileName};
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
    /// It was there, and no gateway of the manifest has its name.
    Removed,
}

/// What [`write()`] may do to what it finds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Permit {
    /// Remove the service directories that gen-service wrote for gateways that are not among those given.
    pub prune: bool,
    /// Replace what stands in the way even where gen-service did not write it.
    pub force: bool,
}

/// What a run did: per gateway in the order given, and the profiles whose directories were removed.
#[derive(Debug)]
pub struct Report {
    /// What happened to each gateway's directory, in the order of the gateways.
    pub changes: Vec<Change>,
    /// The profiles whose directories were removed, sorted.
    pub removed: Vec<ProfileName>,
}

/// Makes the service directories of these gateways appear in the directory `out`, which is created where it is missing. While it writes, the
/// umask of the whole process is 0.
///
/// ```
/// use gen_service::spec::{Gateway, Options};
/// use gen_service::tree::{Change, Permit, write};
///
/// # let directory = tempfile::tempdir()?;
/// # let out = camino::Utf8Path::from_path(directory.path()).ok_or("no UTF-8")?.join("services");
/// let gateways = Gateway::resolve(vec![("coder".parse()?, Options::default())]).map_err(|_| "a port is taken")?;
/// let report = write(&out, &gateways, Permit::default(), &mut ())?;
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
    gateways: &[Gateway],
    permit: Permit,
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
    let found = survey(here, gateways, &present, permit.force)?;
    let stale = if permit.prune { prunable(here, gateways, &present, permit.force)? } else { Vec::new() };
    let todo: Vec<(&Gateway, Change)> =
        gateways.iter().zip(found.iter().copied()).filter(|(_, change)| *change != Change::Unchanged).collect();
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
    todo: &[(&Gateway, Change)],
    stale: &[ProfileName],
    patience: Patience<'_, '_>,
) -> Result<(), TreeError> {
    let mut staging = Staging::begin(place)?;
    let writer = staging.writer(place.shown);
    let write = |(gateway, change): &(&Gateway, Change)| -> Result<Step, TreeError> {
        let directory = render(gateway);
        let (name, snapshot) = (directory.name(), directory.snapshot());
        writer.directory(&name, &snapshot)?;
        Ok(if *change == Change::Created { Step::Create(name) } else { Step::replace(name, &snapshot) })
    };
    let tell = |done: usize| -> Result<(), TreeError> {
        patience.observer.borrow_mut().progress(done, todo.len());
        Ok(patience.heed()?)
    };
    let mut steps = parallel::each(todo, parallel::SMALL, write, tell)?;
    patience.observer.borrow_mut().progress(todo.len(), todo.len());
    steps.extend(stale.iter().map(|profile| Step::Remove(profile.service_name())));
    staging.apply(steps, Vec::new())?;
    // The last moment at which all can be taken back.
    patience.heed()?;
    staging.commit()?.clean_up()?;
    Ok(())
}

/// What is to happen to each gateway's directory.
///
/// # Errors
/// Everything that stands in the way, all at once.
fn survey(place: Place<'_>, gateways: &[Gateway], present: &Names, force: bool) -> Result<Vec<Change>, TreeError> {
    let look = |gateway: &Gateway| -> Result<(Change, Option<TargetError>), TreeError> {
        let name = gateway.profile().service_name();
        if !present.contains(&name) {
            return Ok((Change::Created, None));
        }
        let found = whole(place, &name)?;
        if found == render(gateway).snapshot() {
            return Ok((Change::Unchanged, None));
        }
        let obstacle = if force { None } else { obstacle(place.shown, &found, gateway.profile()) };
        Ok((Change::Updated, obstacle))
    };
    let (changes, obstacles): (Vec<Change>, Vec<Option<TargetError>>) =
        parallel::each(gateways, parallel::SMALL, look, |_| Ok(()))?.into_iter().unzip();
    let obstacles: Vec<TargetError> = obstacles.into_iter().flatten().collect();
    if obstacles.is_empty() { Ok(changes) } else { Err(TreeError::Target(obstacles)) }
}

/// All that is in the place under this name.
fn whole(place: Place<'_>, name: &str) -> Result<Snapshot<'static>, SystemError> {
    read(place.directory, name, &place.shown.join(name), &mut |_, _| true)
}

/// The profiles other than those of these gateways for which gen-service wrote a directory into `out`, with what it holds.
fn stale(
    place: Place<'_>,
    gateways: &[Gateway],
    present: &Names,
) -> Result<Vec<(ProfileName, Snapshot<'static>)>, SystemError> {
    let wanted: BTreeSet<&ProfileName> = gateways.iter().map(Gateway::profile).collect();
    let mut stale = Vec::new();
    for profile in present.iter().filter_map(|name| ProfileName::of_service(name)) {
        if !wanted.contains(&profile) {
            let found = whole(place, &profile.service_name())?;
            if is_marked(&found, &profile) {
                stale.push((profile, found));
            }
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
    gateways: &[Gateway],
    present: &Names,
    force: bool,
) -> Result<Vec<ProfileName>, TreeError> {
    let stale = stale(place, gateways, present)?;
    let obstacle = |(profile, found): &(ProfileName, Snapshot<'_>)| obstacle(place.shown, found, profile);
    let obstacles: Vec<TargetError> = if force { Vec::new() } else { stale.iter().filter_map(obstacle).collect() };
    if obstacles.is_empty() {
        Ok(stale.into_iter().map(|(profile, _)| profile).collect())
    } else {
        Err(TreeError::Target(obstacles))
    }
}

/// Compares the directory `out` with what these gateways render to, and writes nothing.
///
/// With `whole`, `out` is to hold these gateways and no others; what gen-service did not write is never looked at.
///
/// # Errors
/// If `out` is something else than a directory, or cannot be read.
pub(crate) fn compare(out: &Utf8Path, gateways: &[Gateway], all: bool) -> Result<Vec<Difference<'static>>, TreeError> {
    let opened = Out::open(out)?;
    let place = opened.as_ref().map(|opened| place_of(opened, out));
    let present = opened.as_ref().map_or_else(|| Ok(Names::new()), |opened| opened.names(out))?;
    let found = |name: &str| -> Result<Snapshot<'static>, SystemError> {
        match place {
            Some(place) if present.contains(name) => whole(place, name),
            _ => Ok(Snapshot::default()),
        }
    };
    let look = |gateway: &Gateway| -> Result<Vec<Difference<'static>>, TreeError> {
        let wanted = render(gateway);
        let (name, found) = (wanted.name(), found(&wanted.name())?);
        if found == wanted.snapshot() {
            Ok(Vec::new())
        } else {
            Ok(differences(&name, found, wanted.snapshot().owned()))
        }
    };
    let mut different: Vec<Difference<'static>> =
        parallel::each(gateways, parallel::SMALL, look, |_| Ok(()))?.into_iter().flatten().collect();
    if let Some(place) = place.filter(|_| all) {
        for (profile, found) in stale(place, gateways, &present)? {
            different.extend(differences(&profile.service_name(), found, Snapshot::default()));
        }
    }
    if present.contains(STAGING) {
        different.extend(differences(STAGING, found(STAGING)?, Snapshot::default()));
    }
    Ok(different)
}
