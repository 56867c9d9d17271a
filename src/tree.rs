//! The tree under `--out`: all service directories of a run appear together, or none does.
//!
//! A run locks the directory, looks at everything that is there before it writes anything, builds all that is new below
//! one dot-named sibling, `.gen-service.tmp`, and then renames each service directory into its place. So nobody ever sees half a
//! service directory; s6-svscan does not look at dot names. A step that fails takes back those before it; a killed run
//! leaves at most the sibling, which the next run removes.

#![expect(clippy::disallowed_methods, reason = "the directory that --out names, and what is in it")]

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::RenameFlags;
use rustix::io::Errno;

use crate::disk::{self, remove, rename};
use crate::error::{Context as _, Error, TargetError};
use crate::gateway::Gateway;
use crate::observer::Observer;
use crate::profile::ProfileName;
use crate::render::render;
use crate::service_dir::{self, Entries, Entry};

/// Where a run builds what it will rename into place. A fixed name, so that it fits beside the longest profile, and so
/// that a run knows what a killed one left; the lock keeps two runs from sharing it.
pub(crate) const STAGING: &str = ".gen-service.tmp";

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

/// What `write` may do to what it finds.
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

/// Makes the service directories of these gateways appear in the directory `out`, which is created where it is missing.
///
/// # Errors
/// Where `out` is no directory, where something in the way is not gen-service's own, or where the operating system refuses
/// a step. Then `out` is as it was.
pub fn write(
    out: &Utf8Path,
    gateways: &[Gateway],
    permit: Permit,
    observer: &mut dyn Observer,
) -> Result<Report, Error> {
    let mut made = MadeDirectories::make(out)?;
    let _lock = lock(out, observer)?;
    remove(&out.join(STAGING)).context("remove", out.join(STAGING))?;

    let present = present(out)?;
    let changes = survey(out, gateways, &present, permit.force)?;
    let stale = if permit.prune { prunable(out, gateways, &present, permit.force)? } else { Vec::new() };

    let todo = || gateways.iter().zip(&changes).filter(|(_, change)| **change != Change::Unchanged);
    let total = todo().count();
    if total + stale.len() > 0 {
        let mut staging = Staging::make(out)?;
        for (done, (gateway, _)) in todo().enumerate() {
            observer.progress(done, total);
            render(gateway).write_into(&staging.fresh, out)?;
        }
        observer.progress(total, total);
        for (gateway, change) in todo() {
            staging.publish(&gateway.profile().service_name(), *change)?;
        }
        for profile in &stale {
            staging.retire(&profile.service_name())?;
        }
        made.keep();
        staging.commit()?;
    }
    made.keep();
    Ok(Report { changes, removed: stale })
}

/// What is to happen to each gateway's directory.
///
/// # Errors
/// Everything that stands in the way, all at once.
fn survey(out: &Utf8Path, gateways: &[Gateway], present: &Names, force: bool) -> Result<Vec<Change>, Error> {
    let mut obstacles = Vec::new();
    let mut changes = Vec::with_capacity(gateways.len());
    for gateway in gateways {
        let name = gateway.profile().service_name();
        if !present.contains(&name) {
            changes.push(Change::Created);
            continue;
        }
        let found = service_dir::read(out, &name)?;
        let same = found == render(gateway).entries();
        changes.push(if same { Change::Unchanged } else { Change::Updated });
        if !same && !force {
            obstacles.extend(service_dir::obstacle(out, &found, gateway.profile()));
        }
    }
    if obstacles.is_empty() { Ok(changes) } else { Err(Error::Target(obstacles)) }
}

/// The profiles other than those of these gateways for which gen-service wrote a directory into `out`, with what it holds.
fn stale(out: &Utf8Path, gateways: &[Gateway], present: &Names) -> Result<Vec<(ProfileName, Entries)>, Error> {
    let wanted: BTreeSet<&ProfileName> = gateways.iter().map(Gateway::profile).collect();
    let mut stale = Vec::new();
    for profile in present.iter().filter_map(|name| ProfileName::of_service(name)) {
        if !wanted.contains(&profile) {
            let found = service_dir::read(out, &profile.service_name())?;
            if service_dir::is_marked(&found, &profile) {
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
fn prunable(out: &Utf8Path, gateways: &[Gateway], present: &Names, force: bool) -> Result<Vec<ProfileName>, Error> {
    let stale = stale(out, gateways, present)?;
    let obstacle = |(profile, found): &(ProfileName, Entries)| service_dir::obstacle(out, found, profile);
    let obstacles: Vec<TargetError> = if force { Vec::new() } else { stale.iter().filter_map(obstacle).collect() };
    if obstacles.is_empty() {
        Ok(stale.into_iter().map(|(profile, _)| profile).collect())
    } else {
        Err(Error::Target(obstacles))
    }
}

/// A path below `out` at which the tree is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    /// The path below `out`.
    pub(crate) path: String,
    /// What is there.
    pub(crate) found: Option<Entry>,
    /// What should be there.
    pub(crate) wanted: Option<Entry>,
}

/// Compares the directory `out` with what these gateways render to, and writes nothing.
///
/// With `whole`, `out` is to hold these gateways and no others; what gen-service did not write is never looked at.
///
/// # Errors
/// Where `out` is something else than a directory, or cannot be read.
pub(crate) fn compare(out: &Utf8Path, gateways: &[Gateway], whole: bool) -> Result<Vec<Difference>, Error> {
    let present = if missing(out)?.is_empty() { present(out)? } else { Names::new() };
    let mut differences = Vec::new();
    for gateway in gateways {
        let wanted = render(gateway);
        let name = wanted.name();
        let found = if present.contains(&name) { service_dir::read(out, &name)? } else { Entries::new() };
        differ(found, wanted.entries(), &mut differences);
    }
    if whole {
        for (_, found) in stale(out, gateways, &present)? {
            differ(found, Entries::new(), &mut differences);
        }
    }
    if present.contains(STAGING) {
        differ(service_dir::read(out, STAGING)?, Entries::new(), &mut differences);
    }
    Ok(differences)
}

fn differ(mut found: Entries, mut wanted: Entries, differences: &mut Vec<Difference>) {
    let paths: BTreeSet<String> = found.keys().chain(wanted.keys()).cloned().collect();
    for path in paths {
        let (found, wanted) = (found.remove(&path), wanted.remove(&path));
        if found != wanted {
            differences.push(Difference { path, found, wanted });
        }
    }
}

type Names = BTreeSet<String>;

/// The names in the directory `out`; those that are not UTF-8 are not gen-service's, and are left out.
fn present(out: &Utf8Path) -> Result<Names, Error> {
    let names = disk::names(out).context("read", out)?;
    Ok(names.into_iter().filter_map(|name| name.into_string().ok()).collect())
}

/// The directories that are missing on the way to `out`, the outermost first.
///
/// # Errors
/// Where `out`, or what would be above it, is not a directory.
fn missing(out: &Utf8Path) -> Result<Vec<&Utf8Path>, Error> {
    let mut missing = Vec::new();
    for path in out.ancestors() {
        // The parent of a relative path's first part is the empty path: the working directory.
        let path = if path.as_str().is_empty() { Utf8Path::new(".") } else { path };
        let kind = match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => break,
            Ok(_) => "a file",
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                if path.is_symlink() {
                    "a dangling symlink"
                } else {
                    missing.insert(0, path);
                    continue;
                }
            }
            Err(error) => return Err(error).context("read", path),
        };
        return Err(Error::Target(vec![TargetError::NotADirectory { path: path.to_owned(), kind }]));
    }
    Ok(missing)
}

/// The directories that a run made to have an `out` at all; they go again unless the run succeeds.
struct MadeDirectories(Vec<Utf8PathBuf>);

impl MadeDirectories {
    fn make(out: &Utf8Path) -> Result<Self, Error> {
        let mut made = Self(Vec::new());
        for path in missing(out)? {
            match fs::DirBuilder::new().mode(0o755).create(path) {
                Ok(()) => made.0.push(path.to_owned()),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error).context("create", path),
            }
            // The umask may have taken bits from it, and s6 has to get through to what will be in it.
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).context("set the mode of", path)?;
        }
        Ok(made)
    }

    fn keep(&mut self) {
        self.0.clear();
    }
}

impl Drop for MadeDirectories {
    fn drop(&mut self) {
        for path in self.0.iter().rev() {
            // Where another run has put something in, it stays.
            let _ = fs::remove_dir(path);
        }
    }
}

/// Locks the directory for this process; the lock ends with the file, or with the process.
fn lock(out: &Utf8Path, observer: &mut dyn Observer) -> Result<File, Error> {
    let file = File::open(out).context("open", out)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            observer.waiting(&format!("another gen-service that writes to {out}"));
            file.lock().context("lock", out)?;
        }
        Err(TryLockError::Error(error)) => return Err(error).context("lock", out),
    }
    Ok(file)
}

/// The dot-named sibling in which a run builds, and what the run has renamed so far. Dropped before
/// [`commit`](Staging::commit), it takes every rename back.
struct Staging<'a> {
    out: &'a Utf8Path,
    root: Utf8PathBuf,
    /// New service directories on their way out of here, or, once exchanged, old ones on their way to removal.
    fresh: File,
    journal: Vec<Step>,
}

enum Step {
    /// `fresh/NAME` became `out/NAME`.
    Placed(String),
    /// `fresh/NAME` and `out/NAME` changed places.
    Exchanged(String),
    /// `out/NAME` became `old/NAME`.
    SetAside(String),
}

impl<'a> Staging<'a> {
    fn make(out: &'a Utf8Path) -> Result<Self, Error> {
        let root = out.join(STAGING);
        let create = |path: &Utf8Path| fs::DirBuilder::new().mode(0o700).create(path).context("create", path);
        create(&root)?;
        let opened = create(&root.join("fresh"))
            .and_then(|()| create(&root.join("old")))
            .and_then(|()| File::open(root.join("fresh")).context("open", &root));
        match opened {
            Ok(fresh) => Ok(Self { out, root, fresh, journal: Vec::new() }),
            Err(error) => {
                let _ = remove(&root);
                Err(error)
            }
        }
    }

    fn fresh(&self, name: &str) -> Utf8PathBuf {
        self.root.join("fresh").join(name)
    }

    fn old(&self, name: &str) -> Utf8PathBuf {
        self.root.join("old").join(name)
    }

    /// Puts the new service directory of this name into its place.
    fn publish(&mut self, name: &str, change: Change) -> Result<(), Error> {
        let (fresh, place) = (self.fresh(name), self.out.join(name));
        if change == Change::Updated {
            match rename(&fresh, &place, RenameFlags::EXCHANGE) {
                Ok(()) => {
                    self.journal.push(Step::Exchanged(name.to_owned()));
                    return Ok(());
                }
                // The file system cannot exchange, or (overlayfs) cannot move a directory of a lower layer.
                Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP | Errno::XDEV) => self.retire(name)?,
                Err(error) => return Err(error).context("replace", place),
            }
        }
        match rename(&fresh, &place, RenameFlags::NOREPLACE) {
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => rename(&fresh, &place, RenameFlags::empty()),
            result => result,
        }
        .context("create", place)?;
        self.journal.push(Step::Placed(name.to_owned()));
        Ok(())
    }

    /// Takes what has this name out of its place.
    fn retire(&mut self, name: &str) -> Result<(), Error> {
        let place = self.out.join(name);
        match rename(&place, &self.old(name), RenameFlags::empty()) {
            Ok(()) => self.journal.push(Step::SetAside(name.to_owned())),
            // On overlayfs a directory of a lower layer can be removed, but not renamed; there is no way back from this.
            Err(Errno::XDEV) => remove(&place).context("remove", place)?,
            Err(error) => return Err(error).context("remove", place),
        }
        Ok(())
    }

    /// Makes the renames final, and removes what they left here.
    fn commit(mut self) -> Result<(), Error> {
        self.journal.clear();
        remove(&self.root).context("clean up", &self.root)
    }
}

impl Drop for Staging<'_> {
    fn drop(&mut self) {
        // What fails here is left in the dot-named sibling, for the next run.
        while let Some(step) = self.journal.pop() {
            let _ = match step {
                Step::Placed(name) => rename(&self.out.join(&name), &self.fresh(&name), RenameFlags::NOREPLACE),
                Step::Exchanged(name) => rename(&self.fresh(&name), &self.out.join(&name), RenameFlags::EXCHANGE),
                Step::SetAside(name) => rename(&self.old(&name), &self.out.join(&name), RenameFlags::NOREPLACE),
            };
        }
        let _ = remove(&self.root);
    }
}
