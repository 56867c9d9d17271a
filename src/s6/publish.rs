//! Publishing: service directories appear in a scandir, or change there, and can be given back what they held.
//!
//! What leaves goes the other way (`leaving.rs`).

#![expect(clippy::disallowed_methods, reason = "the scandir, which is nobody else's")]

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
    /// It was not there before.
    Created,
    /// It was there, different, and its files were replaced; it runs on as it was until it is restarted.
    Updated,
    /// It was there as it is.
    Unchanged,
}

/// What publishing these would do, without doing it.
///
/// # Errors
/// [`S6Error::Registered`] for the first that is there and different, unless `update` is set.
pub(crate) fn plan(scandir: &Scandir, wanted: &[Checked], update: bool) -> Result<Vec<Published>, S6Error> {
    Ok(survey(scandir, wanted, update)?.into_iter().map(|(change, _)| change).collect())
}

/// As [`plan`], with what those hold that are to be updated.
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

/// What is in the service directory at this path, or behind a symlink there, but for what its supervisor made.
fn published(path: &Utf8Path) -> Result<Snapshot<'static>, S6Error> {
    Ok(Dir::open(path).context("read", path)?.published(path)?)
}

/// Whether root can change the files of a published directory one by one: whoever else can would lead it elsewhere.
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
    /// What those that were updated were before.
    previous: Vec<Checked>,
}

/// Makes these service directories appear in the scandir, or change there: all, or none.
///
/// # Errors
/// Where one is there and different (see [`plan`]), where another run was faster, where the operating system refuses a step, and if a
/// signal comes. What was done is taken back then.
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

/// Gives service directories that were updated what they held before, unless they hold something else than what was published by now.
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

/// Takes back what a killed run had not made final, says so, and removes what it left. Only for who holds the lock.
///
/// # Errors
/// If that cannot be done.
pub(super) fn clear(scandir: &Scandir, patience: Patience<'_, '_>) -> Result<(), S6Error> {
    let directory = scandir.directory()?;
    let taken_back = take_back(place(scandir, &directory)?)?;
    if !taken_back.names.is_empty() {
        let (what, remedy) = if taken_back.updated {
            ("an install --update", "install again what was to be there")
        } else {
            ("a run", "run again what was to be done")
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
    // The last moment at which all can be taken back at once.
    patience.heed()?;
    let committed = staging.commit()?;
    // What cannot be removed has a dot name, and is for the next run.
    let _ = committed.clean_up();
    let previous = of(Published::Updated)
        .zip(committed.before)
        .map(|(checked, snapshot)| Checked { service: checked.service.clone(), snapshot })
        .collect();
    Ok(Done { changes, previous })
}
