//! Publishing: service directories appear in a scandir or change there, and can get back what they held.
//!
//! `leaving.rs` handles the other direction.

#![expect(clippy::disallowed_methods, reason = "the scandir, which no other user can change")]

use std::fs;
use std::io;

use camino::Utf8Path;

use super::apart::are_apart;
use super::error::{S6Error, Unfit};
use super::gone::{STAGING, evacuate};
use super::s6_rc::OfS6Rc;
use super::scandir::Scandir;
use super::staged::Checked;
use crate::base::text::reason;
use crate::base::{Patience, parallel};
use crate::disk::{Context as _, Dir, Place, Snapshot, Staging, Step, is_distrusted, take_back};

/// What publishing does to a service directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// It did not exist before.
    Created,
    /// It existed and differed, and its files were replaced. The service runs as before until it is restarted.
    Updated,
    /// It existed, and did not differ.
    Unchanged,
}

/// What publishing these would do. It changes nothing.
///
/// # Errors
/// [`S6Error::Registered`] for the first that exists and differs, unless `update` is set.
pub(crate) fn plan(scandir: &Scandir, wanted: &[Checked], update: bool) -> Result<Vec<Published>, S6Error> {
    Ok(survey(scandir, wanted, update)?.into_iter().map(|(change, _)| change).collect())
}

/// As [`plan`], with the content of each that would be updated.
fn survey(scandir: &Scandir, wanted: &[Checked], update: bool) -> Result<Vec<(Published, Snapshot<'static>)>, S6Error> {
    parallel::each(wanted, parallel::SMALL, |checked| look(scandir, checked, update), |_| Ok(()))
}

fn look(scandir: &Scandir, checked: &Checked, update: bool) -> Result<(Published, Snapshot<'static>), S6Error> {
    let path = scandir.path().join(checked.service.directory());
    match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok((Published::Created, Snapshot::default()));
        }
        there => there.context("read", &path)?,
    };
    if !path.is_dir() {
        return Err(S6Error::InTheWay(path));
    }
    if OfS6Rc::of(&path).is_some() {
        return Err(S6Error::OfS6Rc(path));
    }
    let there = published(&path)?;
    if checked.is(&there) {
        Ok((Published::Unchanged, Snapshot::default()))
    } else if update {
        changeable(&path)?;
        Ok((Published::Updated, there))
    } else {
        Err(S6Error::Registered { path, different: true })
    }
}

/// The content of the service directory at this path, or behind a symlink there, without the files of its supervisor.
fn published(path: &Utf8Path) -> Result<Snapshot<'static>, S6Error> {
    Ok(Dir::open(path).context("read", path)?.published(path)?)
}

/// Whether root can change the files of a published directory one by one. Another user who can change it could lead root elsewhere.
fn changeable(path: &Utf8Path) -> Result<(), S6Error> {
    match Dir::open_own(path) {
        Ok(_) => Ok(()),
        Err(error) if !is_distrusted(&error) => Ok(Err(error).context("read", path)?),
        Err(error) => {
            let problem = format!("cannot be updated: {}", reason(&error));
            Err(S6Error::Unfit(vec![Unfit::new(path, problem, "unregister it, and install it again")]))
        }
    }
}

/// What a publication did.
#[derive(Debug)]
pub(crate) struct Done {
    /// What happened to each, in the order given.
    pub(crate) changes: Vec<Published>,
    /// The previous content of those that were updated.
    previous: Vec<Checked>,
}

/// Makes these service directories appear in the scandir, or change there: all of them, or none.
///
/// # Errors
/// If one exists and differs (see [`plan`]), if another run was faster, if the operating system refuses a step, or if a signal comes. Then every step
/// is taken back.
pub(crate) fn publish(
    scandir: &Scandir,
    wanted: &[Checked],
    update: bool,
    patience: Patience<'_, '_>,
) -> Result<Done, S6Error> {
    let _lock = scandir.lock(patience)?;
    clear(scandir, patience)?;
    publish_alone(scandir, wanted, update, patience)
}

/// Gives updated service directories their previous content again, unless they hold something else than what was published by now.
///
/// # Errors
/// As [`publish`].
pub(crate) fn put_back(
    scandir: &Scandir,
    wanted: &[Checked],
    done: &Done,
    patience: Patience<'_, '_>,
) -> Result<(), S6Error> {
    if done.previous.is_empty() {
        return Ok(());
    }
    let _lock = scandir.lock(patience)?;
    clear(scandir, patience)?;
    let mut older = Vec::with_capacity(done.previous.len());
    for previous in &done.previous {
        let path = scandir.path().join(previous.service.directory());
        let own = wanted.iter().find(|checked| checked.service == previous.service);
        if let Some(own) = own
            && path.is_dir()
            && own.is(&published(&path)?)
        {
            older.push(previous.clone());
        }
    }
    publish_alone(scandir, &older, true, patience).map(drop)
}

/// Takes back what a killed run did not finish, says so, and removes what it left. The caller must hold the lock.
///
/// # Errors
/// If that is not possible.
pub(super) fn clear(scandir: &Scandir, patience: Patience<'_, '_>) -> Result<(), S6Error> {
    let directory = scandir.directory()?;
    let taken_back = take_back(place(scandir, &directory)?)?;
    if !taken_back.names.is_empty() {
        let (what, remedy) = if taken_back.updated {
            ("an install --update", "install the new version again")
        } else {
            ("a run", "run its command again")
        };
        let what = format!("{what} that was killed is taken back: {}; {remedy}", taken_back.names.join(", "));
        patience.observer.borrow_mut().warning(&what);
    }
    Ok(())
}

fn place<'a>(scandir: &'a Scandir, directory: &'a Dir) -> Result<Place<'a>, S6Error> {
    let lasts = !directory.is_in_memory().context("look at", scandir.path())?;
    Ok(Place { directory, shown: scandir.path(), lasts, staging: STAGING, evacuate })
}

fn publish_alone(
    scandir: &Scandir,
    wanted: &[Checked],
    update: bool,
    patience: Patience<'_, '_>,
) -> Result<Done, S6Error> {
    let (changes, there): (Vec<Published>, Vec<Snapshot<'static>>) =
        survey(scandir, wanted, update)?.into_iter().unzip();
    if changes.iter().all(|change| *change == Published::Unchanged) {
        return Ok(Done { changes, previous: Vec::new() });
    }
    are_apart(scandir, wanted)?;
    let of = |change| wanted.iter().zip(&changes).filter(move |(_, own)| **own == change).map(|(checked, _)| checked);
    let directory = scandir.directory()?;
    let mut staging = Staging::begin(place(scandir, &directory)?)?;
    let created: Vec<&Checked> = of(Published::Created).collect();
    let fresh = scandir.path().join(STAGING);
    let writer = staging.writer(&fresh);
    let write = |checked: &&Checked| writer.whole(&checked.service.directory(), &checked.snapshot);
    parallel::each(&created, parallel::SMALL, write, |_| Ok(()))?;
    let steps = created.iter().map(|checked| Step::Create(checked.service.directory())).collect();
    let before = there.into_iter().zip(&changes).filter(|(_, change)| **change == Published::Updated);
    let updates = of(Published::Updated)
        .zip(before)
        .map(|(checked, (before, _))| (checked.service.directory(), before, &checked.snapshot));
    staging.apply(steps, updates.collect())?;
    // After this moment, the steps cannot be taken back all at once.
    patience.heed()?;
    let committed = staging.commit()?;
    // A file that cannot be removed has a dot name. The next run removes it.
    let _ = committed.clean_up();
    let previous = of(Published::Updated)
        .zip(committed.before)
        .map(|(checked, snapshot)| Checked { service: checked.service.clone(), snapshot })
        .collect();
    Ok(Done { changes, previous })
}
