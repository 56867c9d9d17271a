//! Whole directories that appear, change and go together: all of them or none, even if the run is killed.
//!
//! A run builds everything new in one directory of the place, the staging directory, whose name begins with a dot. It records what it will
//! do (the [`Plan`]), and then renames. As long as the plan is there, the change is not final. If a step fails or a signal comes, the run
//! takes back what the plan says. If the run was killed, the next run does that. Removing the plan makes the change final.
//!
//! The staging directory has `plan`; `fresh`, which holds what is new, or, after an exchange, what was there before; `aside`, which holds
//! what will be removed; and `kept`, which holds the former files of directories in which a supervisor works ([`live`]).

use std::io;

use camino::Utf8Path;
use rustix::fs::{AtFlags, Mode, RenameFlags};
use rustix::io::Errno;

use super::dir::Dir;
use super::error::{Context as _, DiskError, SystemError};
use super::files::{ExactModes, remove_at};
use super::journal::{Plan, Step};
use super::live::{self, Change};
use super::place::{ASIDE, FRESH, Place, is_ours, made, made_above, rename, rename_new};
use super::snapshot::{Entry, Snapshot, read};
use super::undo::{clear, finish, undo};
use super::write::Writer;

/// What will be removed, while its copy is incomplete.
const PART: &str = "aside.part";

/// A change in progress. Dropping it before [`commit`](Self::commit) takes everything back.
pub(crate) struct Staging<'a> {
    place: Place<'a>,
    root: Option<Dir>,
    fresh: Dir,
    exact: ExactModes,
    plan: Plan,
    /// The remaining work in directories in which a supervisor works.
    updates: Vec<Change>,
}

impl<'a> Staging<'a> {
    /// Begins a change. The caller must hold the lock, and must have taken back what an earlier run left.
    ///
    /// # Errors
    /// If the staging directory cannot be created.
    pub(crate) fn begin(place: Place<'a>) -> Result<Self, SystemError> {
        let exact = ExactModes::begin();
        let shown = place.shown.join(place.staging);
        exact.make(place.directory, place.staging, 0o700).context("create", &shown)?;
        let made = || -> io::Result<(Dir, Dir)> {
            let root = place.directory.step_into(place.staging.as_bytes())?;
            // In a set-gid directory it inherits that bit, and a default ACL likewise. What is created in it must have neither.
            rustix::fs::fchmod(&root, Mode::from_raw_mode(0o700))?;
            match rustix::fs::fremovexattr(&root, c"system.posix_acl_default") {
                Ok(()) | Err(Errno::NODATA | Errno::NOTSUP | Errno::INVAL) => {}
                Err(error) => return Err(error.into()),
            }
            if !is_ours(&root)? {
                return Err(io::Error::other("somebody put another directory in its place"));
            }
            exact.make(&root, FRESH, 0o700)?;
            let fresh = root.step_into(FRESH.as_bytes())?;
            Ok((root, fresh))
        };
        match made().context("create", &shown) {
            Ok((root, fresh)) => {
                Ok(Self { place, root: Some(root), fresh, exact, plan: Plan::default(), updates: Vec::new() })
            }
            Err(error) => {
                let _ = remove_at(place.directory, place.staging);
                Err(error)
            }
        }
    }

    /// The writer for new directories. It writes them before anything is in its place, so a full disk is noticed while nothing has changed.
    /// An error names the directory by `shown`.
    pub(crate) fn writer<'b>(&'b self, shown: &'b Utf8Path) -> Writer<'b> {
        Writer { directory: &self.fresh, shown, lasts: self.place.lasts, exact: &self.exact }
    }

    fn root(&self) -> &Dir {
        self.root.as_ref().unwrap_or(&self.fresh)
    }

    /// Puts the written directories, and changes to existing ones, into place. Directories in which a supervisor works are given with their
    /// present and their wanted content.
    ///
    /// # Errors
    /// [`DiskError::Taken`] if the name of a new directory is taken by now. Also if the operating system refuses a step.
    pub(crate) fn apply(
        &mut self,
        steps: Vec<Step>,
        updates: Vec<(String, Snapshot<'static>, &Snapshot<'_>)>,
    ) -> Result<(), DiskError> {
        let names = updates.iter().map(|(name, ..)| Step::Update(name.clone()));
        let plan = Plan(steps.into_iter().chain(names).collect());
        live::keep(self.place, self.root(), &updates, &self.exact)?;
        if plan.needs_a_journal() {
            self.write(&plan)?;
        }
        self.plan = plan;
        for (name, before, wanted) in updates {
            let change = Change::prepare(self.place, &name, before, wanted, &self.exact, live::Source::Wanted)?;
            self.updates.push(change);
        }
        let renamed = self.plan.0.iter().any(|step| !matches!(step, Step::Update(_)));
        for step in &self.plan.0 {
            match step {
                Step::Create(name) => self.create(name)?,
                Step::Replace { name, .. } => self.replace(name)?,
                Step::Remove(name) => self.set_aside(name)?,
                Step::Update(_) => {}
            }
        }
        if renamed {
            self.place.sync()?;
        }
        self.updates.iter().try_for_each(|change| change.apply(self.place.lasts))?;
        Ok(())
    }

    fn write(&self, plan: &Plan) -> Result<(), SystemError> {
        let shown = self.place.shown.join(self.place.staging);
        let writer = Writer { directory: self.root(), ..self.writer(&shown) };
        if self.place.lasts {
            writer.sync_itself()?;
            rustix::fs::fsync(&self.fresh).context("sync", shown.join(FRESH))?;
        }
        writer.plan(plan)?;
        self.place.sync()
    }

    fn create(&self, name: &str) -> Result<(), DiskError> {
        let shown = self.place.shown.join(name);
        let spot = self.place.spot(name).context("create", &shown)?;
        match rename_new((&self.fresh, name), spot.at()) {
            Err(Errno::EXIST | Errno::NOTEMPTY) => Err(DiskError::Taken(shown)),
            renamed => Ok(renamed.context("create", shown)?),
        }
    }

    fn replace(&self, name: &str) -> Result<(), DiskError> {
        let shown = self.place.shown.join(name);
        let spot = self.place.spot(name).context("replace", &shown)?;
        match rename((&self.fresh, name), spot.at(), RenameFlags::EXCHANGE) {
            Ok(()) => Ok(()),
            // The file system cannot exchange directories, or (overlayfs) cannot move a directory of a lower layer.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP | Errno::XDEV) => {
                self.set_aside(name)?;
                self.create(name)
            }
            Err(error) => Ok(Err(error).context("replace", shown)?),
        }
    }

    /// Takes whatever has this name out of its place.
    fn set_aside(&self, name: &str) -> Result<(), SystemError> {
        let shown = self.place.shown.join(name);
        let root = self.root();
        let aside = format!("{ASIDE}/{name}");
        made_above(&self.exact, root, &aside).context("remove", &shown)?;
        let spot = self.place.spot(name).context("remove", &shown)?;
        let (above, last) = spot.at();
        match rename_new((above, last), (root, &aside)) {
            // On overlayfs, a directory of a lower layer can be removed but not moved.
            Err(Errno::XDEV) => {}
            moved => return moved.context("remove", shown),
        }
        let old = read(above, last, &shown, &mut |_, _| true)?;
        if !matches!(old.itself(), Some(Entry::Directory { .. })) {
            return Err(Errno::XDEV).context("remove", shown);
        }
        made(&self.exact, root, PART).context("remove", &shown)?;
        let part = root.step_into(PART.as_bytes()).context("remove", &shown)?;
        Writer { directory: &part, ..self.writer(self.place.shown) }.whole(name, &old)?;
        rename_new((&part, name), (root, &aside)).context("remove", &shown)?;
        remove_at(above, last).context("remove", shown)
    }

    /// Makes the change final.
    ///
    /// # Errors
    /// If this fails. Then everything is taken back.
    pub(crate) fn commit(mut self) -> Result<Committed<'a>, SystemError> {
        finish(self.place, self.root())?;
        self.plan = Plan::default();
        let root = self.root.take();
        let before = self.updates.drain(..).map(|change| change.before).collect();
        Ok(Committed { place: self.place, root, before })
    }
}

/// A final change whose staging directory still exists.
pub(crate) struct Committed<'a> {
    place: Place<'a>,
    root: Option<Dir>,
    /// The former content of the directories in which a supervisor works, in the given order.
    pub(crate) before: Vec<Snapshot<'static>>,
}

impl Committed<'_> {
    /// Removes the staging directory. If that fails, the next run does it.
    ///
    /// # Errors
    /// If something in it cannot be removed.
    pub(crate) fn clean_up(&self) -> Result<(), SystemError> {
        let shown = self.place.shown.join(self.place.staging);
        // Usually only the empty directory is left.
        if let Some(root) = &self.root {
            let _ = rustix::fs::unlinkat(root, FRESH, AtFlags::REMOVEDIR);
        }
        match rustix::fs::unlinkat(self.place.directory, self.place.staging, AtFlags::REMOVEDIR) {
            Ok(()) => Ok(()),
            Err(_) => remove_at(self.place.directory, self.place.staging).context("clean up", shown),
        }
    }
}

impl Drop for Staging<'_> {
    fn drop(&mut self) {
        // What cannot be taken back stays in the staging directory for the next run.
        let Some(root) = self.root.take() else { return };
        if undo(self.place, &root, &self.plan).is_ok() {
            let _ = clear(self.place, root);
        }
    }
}
