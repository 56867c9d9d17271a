//! Takes back a change that is not final. This is the same after a failed step, after a signal, and in the next run after a killed one.

use std::io;

use camino::Utf8Path;
use rustix::fs::{AtFlags, RenameFlags};
use rustix::io::Errno;

use super::dir::Dir;
use super::error::{Context as _, SystemError};
use super::files::{ExactModes, remove_at};
use super::journal::{Plan, Step};
use super::live;
use super::place::{ASIDE, FRESH, Place, Spot, exists, made, rename, rename_new};
use super::snapshot::{content, open, read};
use super::write::Writer;

/// What was taken back of a killed run's change.
#[derive(Debug, Default)]
pub(crate) struct TakenBack {
    /// The names of the directories that the run was changing.
    pub(crate) names: Vec<String>,
    /// Whether files were put back in directories in which a supervisor works.
    pub(crate) updated: bool,
}

/// Takes back the change of a killed run if it is not final, and removes what the run left. The caller must hold the lock.
///
/// # Errors
/// If this fails. Then what it needs stays for the next run.
pub(crate) fn take_back(place: Place<'_>) -> Result<TakenBack, SystemError> {
    let Some(root) = place.left()? else { return Ok(TakenBack::default()) };
    let plan = read_plan(&root, &place.shown.join(place.staging))?;
    undo(place, &root, &plan)?;
    clear(place, root)?;
    let updated = plan.updates();
    let told = |step: &Step| !updated || !matches!(step, Step::Create(_));
    Ok(TakenBack {
        names: plan.0.iter().filter(|step| told(step)).map(|step| step.name().to_owned()).collect(),
        updated,
    })
}

/// Reads the plan in a staging directory. The plan is empty if there is none.
///
/// # Errors
/// If it cannot be read, or if this program did not write it.
pub(crate) fn read_plan(root: &Dir, shown: &Utf8Path) -> Result<Plan, SystemError> {
    let shown = shown.join(Plan::NAME);
    let (file, stat) = match open(root, Plan::NAME.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Plan::default()),
        opened => opened.context("read", &shown)?,
    };
    let text = content(&file, &stat).context("read", &shown)?;
    Plan::parse(&text.unwrap_or_default()).context("read", shown)
}

/// Removes directories of these names for good. Until all are gone, a plan in the directory `staging` lists them. In each directory,
/// `first` is removed first. A directory without it is not whole, so the rest of it never counts as a directory that differs.
///
/// # Errors
/// If the operating system refuses a step.
pub(crate) fn remove_all(
    directory: &Dir,
    shown: &Utf8Path,
    staging: &'static str,
    names: &[String],
    first: &str,
) -> Result<(), SystemError> {
    let exact = ExactModes::begin();
    let root_shown = shown.join(staging);
    made(&exact, directory, staging).context("create", &root_shown)?;
    let root = directory.step_into(staging.as_bytes()).context("open", &root_shown)?;
    let lasts = !directory.is_in_memory().context("look at", shown)?;
    let writer = Writer { directory: &root, shown: &root_shown, lasts, exact: &exact };
    writer.plan(&Plan(names.iter().cloned().map(Step::Remove).collect()))?;
    if lasts {
        rustix::fs::fsync(directory).context("sync", shown)?;
    }
    for name in names {
        match remove_at(directory, format!("{name}/{first}").as_str()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed.context("remove", shown.join(name).join(first))?,
        }
        remove_at(directory, name.as_str()).context("remove", shown.join(name))?;
    }
    remove_at(directory, staging).context("remove", root_shown)
}

pub(super) fn undo(place: Place<'_>, root: &Dir, plan: &Plan) -> Result<(), SystemError> {
    for step in plan.0.iter().rev() {
        let name = step.name();
        let shown = place.shown.join(name);
        match step {
            Step::Create(_) => un_create(place, root, name).context("take back", shown)?,
            Step::Replace { digest, .. } => un_replace(place, root, name, digest)?,
            Step::Remove(_) => {
                put_back(place, root, name).context("take back", shown)?;
            }
            Step::Update(_) => live::take_back(place, root, name)?,
        }
    }
    if plan.0.is_empty() { Ok(()) } else { place.sync() }
}

fn un_create(place: Place<'_>, root: &Dir, name: &str) -> io::Result<()> {
    let fresh = format!("{FRESH}/{name}");
    let Some(spot) = spot(place, name)? else { return Ok(()) };
    if !exists_at(&spot)? {
        return Ok(());
    }
    if exists(root, &fresh)? {
        // Somebody else has taken the name meanwhile. Or the power went, and only half of the rename was on the disk.
        let held = |directory: &Dir, name: &str| directory.dir(name).ok()?.published(place.shown).ok();
        match (held(place.directory, name), held(root, &fresh)) {
            (Some(there), Some(ours)) if there == ours => {}
            _ => return Ok(()),
        }
        remove_at(root, fresh.as_str())?;
    }
    if !(place.evacuate)(place.directory, name)? {
        rename_new(spot.at(), (root, &fresh))?;
    }
    Ok(())
}

/// Where the thing of this name is. `None` if somebody else has removed the directory above it by now.
fn spot<'a>(place: Place<'a>, name: &'a str) -> io::Result<Option<Spot<'a>>> {
    match place.spot(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        spot => spot.map(Some),
    }
}

fn exists_at(spot: &Spot<'_>) -> io::Result<bool> {
    let (above, last) = spot.at();
    exists(above, last)
}

fn un_replace(place: Place<'_>, root: &Dir, name: &str, digest: &str) -> Result<(), SystemError> {
    let shown = place.shown.join(name);
    if put_back(place, root, name).context("take back", &shown)? {
        return Ok(());
    }
    let Some(spot) = spot(place, name).context("read", &shown)? else { return Ok(()) };
    if !exists_at(&spot).context("read", &shown)? {
        return Ok(());
    }
    let (above, last) = spot.at();
    if read(above, last, &shown, &mut |_, _| true)?.digest() == digest {
        let fresh = format!("{FRESH}/{name}");
        rename((root, &fresh), (above, last), RenameFlags::EXCHANGE).context("take back", &shown)?;
    }
    Ok(())
}

/// Puts back what was set aside, if anything was. Whatever is in its place is new, or a part of the new.
fn put_back(place: Place<'_>, root: &Dir, name: &str) -> io::Result<bool> {
    let (aside, fresh) = (format!("{ASIDE}/{name}"), format!("{FRESH}/{name}"));
    if !exists(root, &aside)? {
        return Ok(false);
    }
    let spot = place.spot(name)?;
    let (above, last) = spot.at();
    if exists(above, last)? && (exists(root, &fresh)? || rename_new((above, last), (root, &fresh)).is_err()) {
        remove_at(above, last)?;
    }
    rename_new((root, &aside), (above, last))?;
    Ok(true)
}

/// Makes the change, or taking it back, final, and removes the staging directory.
pub(super) fn clear(place: Place<'_>, root: Dir) -> Result<(), SystemError> {
    finish(place, &root)?;
    drop(root);
    remove_at(place.directory, place.staging).context("remove", place.shown.join(place.staging))
}

pub(super) fn finish(place: Place<'_>, root: &Dir) -> Result<(), SystemError> {
    let shown = place.shown.join(place.staging);
    match rustix::fs::unlinkat(root, Plan::NAME, AtFlags::empty()) {
        Ok(()) if place.lasts => {
            // The change is final. If this sync fails and the machine stops now, the former state may come back.
            let _ = rustix::fs::fsync(root);
            Ok(())
        }
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error).context("remove", shown.join(Plan::NAME)),
    }
}
