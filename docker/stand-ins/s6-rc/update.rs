//! s6-rc-update: gives the live directory another database. What is up stays up, and its process stays the same where it can. It takes no file of
//! conversions, so a service with another name is another service.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process;
use std::time::{Duration, Instant};

use crate::change::Change;
use crate::compile::{copy_directory, replace_definition};
use crate::database::Database;
use crate::internal::{self, FDHOLDER};
use crate::live::{self, LIVE, Live};
use crate::{Failure, Options, bad_usage, refused};

pub(crate) fn run(arguments: &[String]) -> Result<u8, Failure> {
    let options = Options::of("s6-rc-update", arguments, "beE", "vtl")?;
    let [compiled] = options.words.as_slice() else { return Err(bad_usage("s6-rc-update")) };
    let compiled = Path::new(compiled);
    let path = Path::new(options.value('l').unwrap_or(LIVE));
    if compiled.is_relative() || path.is_relative() {
        return Err(Failure {
            code: 100,
            said: "the database and the live directory must be absolute paths".to_owned(),
        });
    }
    let verbosity = options.number('v', 1)?;
    let limit = Some(options.number('t', 0)?).filter(|limit| *limit > 0).map(Duration::from_millis);
    let deadline = limit.map(|limit| Instant::now() + limit);
    let live = Live::open(path, true, options.has('b'))?;
    let new = Database::read(compiled)?;

    let Plan { stops, stays, wanted } = Plan::of(&live, &new);
    let mut down = Change { live, chosen: stops, up: false, hides: options.has('e'), verbosity, deadline };
    // These codes say that the database is still the old one.
    let not_switched =
        |code| Failure { code: code + 8, said: "the services of the old database do not stop".to_owned() };
    match down.run() {
        Ok(0) => {}
        Ok(code @ 1..=2) | Err(Failure { code: code @ 1..=2, .. }) => return Err(not_switched(code)),
        Ok(code) => return Ok(code),
        Err(failure) => return Err(failure),
    }
    let old = down.live;
    switch(path, &old, compiled, &new, &stays)?;
    // Nobody changes the new directory before this has its lock, unless somebody takes it in this very moment.
    let live = Live::open(path, true, true)?;
    let chosen = new.closure(&wanted, true);
    Change { live, chosen, up: true, hides: false, verbosity, deadline }.run()
}

/// What becomes of the services that are up.
struct Plan {
    /// The services of the old database that go down.
    stops: BTreeSet<usize>,
    /// The services of the new database that are up all the time.
    stays: BTreeSet<usize>,
    /// The services of the new database that are up in the end, without their dependencies.
    wanted: BTreeSet<usize>,
}

impl Plan {
    /// A service goes down if the new database does not have it or has something of another kind under its name, if it depends on a service that goes
    /// down, or if it depends on a service that is not up yet.
    fn of(live: &Live, new: &Database) -> Self {
        let old = &live.database;
        let up: BTreeSet<usize> = (0..old.services.len()).filter(|place| live.up[*place]).collect();
        let same = |place: usize| {
            let service = &old.services[place];
            new.services.iter().position(|other| other.name == service.name && other.is_longrun == service.is_longrun)
        };
        let mut restarts: BTreeSet<usize> = up.iter().copied().filter(|place| same(*place).is_none()).collect();
        let wanted = up.iter().filter_map(|place| new.meant(&old.services[*place].name)).flatten().collect();
        loop {
            let stops: BTreeSet<usize> = old.closure(&restarts, false).intersection(&up).copied().collect();
            let stays: BTreeSet<usize> = up.difference(&stops).filter_map(|place| same(*place)).collect();
            let fresh: BTreeSet<usize> = new.closure(&stays, true).difference(&stays).copied().collect();
            if fresh.is_empty() {
                return Self { stops, stays, wanted };
            }
            let affected = new.closure(&fresh, false);
            restarts.extend(up.iter().filter(|place| same(**place).is_some_and(|new| affected.contains(&new))));
        }
    }
}

/// Makes a live directory for the new database, and puts it in the place of the old one. The service directory of what stays up moves there with its
/// supervisor.
fn switch(path: &Path, old: &Live, compiled: &Path, new: &Database, stays: &BTreeSet<usize>) -> Result<(), Failure> {
    let before = fs::canonicalize(path).map_err(refused("readlink", path))?;
    let scandir = fs::read_link(path.join("scandir")).map_err(refused("readlink", path))?;
    let name = format!("{}:s6-rc-update:{:06}", path.file_name().unwrap_or_default().display(), process::id());
    let directory = path.with_file_name(&name);
    let state = (0..new.services.len()).map(|place| u8::from(stays.contains(&place))).collect();
    live::create(&directory, compiled, &scandir, state)?;
    let readers = |of: &Path| internal::readers(&of.join("servicedirs").join(FDHOLDER));
    let (had, has) = (readers(&before)?, readers(compiled)?);

    let services = directory.join("servicedirs");
    fs::create_dir(&services).map_err(refused("mkdir", &services))?;
    for (place, service) in new.services.iter().enumerate().filter(|(_, service)| service.is_longrun) {
        let (from, to) = (compiled.join("servicedirs").join(&service.name), services.join(&service.name));
        if stays.contains(&place) {
            fs::rename(before.join("servicedirs").join(&service.name), &to).map_err(refused("rename to", &to))?;
            replace_definition(&from, &to)?;
        } else {
            copy_directory(&from, &to)?;
            fs::write(to.join("down"), "").map_err(refused("write", &to))?;
        }
    }
    let link = |to: &Path, at: &Path| symlink(to, at).map_err(refused("symlink", at));
    let beside: PathBuf = path.with_file_name(format!("{name}.new"));
    link(Path::new(&name), &beside)?;
    fs::rename(&beside, path).map_err(refused("rename to", path))?;

    for service in old.database.services.iter().filter(|service| service.is_longrun) {
        let _ = fs::remove_file(scandir.join(&service.name));
    }
    // Supervisors without a link end. They have nothing up.
    let longruns = new.services.iter().filter(|service| service.is_longrun);
    live::supervise(&path.join("servicedirs"), &scandir, longruns, "-an")?;
    if stays.iter().any(|place| new.services[*place].name == FDHOLDER) {
        let socket = services.join(FDHOLDER).join("s");
        internal::forget(&socket, had.iter().filter(|name| !has.contains(name)))?;
        internal::store(&socket, has.iter().filter(|name| !had.contains(name)))?;
    }
    fs::remove_dir_all(&before).map_err(refused("remove", &before))
}
