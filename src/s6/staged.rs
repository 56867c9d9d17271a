//! The staging trees that `install` takes, and which of their content is fit for a scandir.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::FileType;

use super::error::{S6Error, Unfit};
use super::fit::{judge, own};
use super::gone::STAGING;
use crate::base::parallel;
use crate::base::text::reason;
use crate::disk::{Context as _, Dir, Entry, Plan, Snapshot, is_distrusted, read_plan, remove_all};
use crate::render::ServiceDir;
use crate::spec::ServiceName;

/// The most entries of a staging tree that are read: 20 times as many as an s6-svscan takes.
const MOST_ENTRIES: usize = 20_000;

/// A checked service directory: it holds only allowed files, its scripts are executable, it has no symlinks, and no other user owns or can write
/// anything in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    pub(super) service: ServiceName,
    pub(super) snapshot: Snapshot<'static>,
}

/// What to do if the directory is not a staging tree.
const AGAIN: &str = "give the directory that gen-service --out wrote";

/// Reads and checks the service directories of a staging tree, sorted by name, for [`S6Manager::install`](crate::manager::S6Manager::install)
/// to publish.
///
/// ```
/// # use gen_service::spec::options::Layout;
/// # use gen_service::spec::{Gateway, Options, Service};
/// # use gen_service::tree::{Permit, write};
/// use std::time::Duration;
///
/// use gen_service::manager::S6Manager;
/// use gen_service::s6::{Published, read_tree};
///
/// # let directory = tempfile::tempdir()?;
/// # let directory = camino::Utf8Path::from_path(directory.path()).ok_or("no UTF-8")?;
/// # let (tree, scandir) = (directory.join("tree"), directory.join("service"));
/// # std::fs::create_dir(&scandir)?;
/// # let gateway = Gateway::resolve_one("coder".parse()?, Options::default())?;
/// # write(&tree, Layout::S6, &[Service::from(gateway)], Permit::default(), &mut ())?;
/// // Debian has the programs of s6 in /usr/bin, s6-overlay in /command.
/// let manager = S6Manager::new(&scandir, "/usr/bin".as_ref(), Duration::from_secs(10))?;
/// let installed = manager.install(&read_tree(&tree)?, false)?;
/// assert_eq!(installed.published, [Published::Created]);
/// assert!(!installed.live, "no s6-svscan watches that directory yet");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Everything in it that is not fit for a scandir, or a file that cannot be read.
pub fn read_tree(tree: &Utf8Path) -> Result<Vec<Checked>, S6Error> {
    let (found, moved) = look(tree)?;
    if found.is_empty() && !moved { Err(S6Error::Unfit(vec![holds_none(tree)])) } else { Ok(found) }
}

/// As [`read_tree`], for several trees. Each directory comes with its tree. If `moved` is set, a killed run may have emptied some of the trees: then
/// one tree that holds something is enough.
///
/// # Errors
/// As [`read_tree`].
pub(crate) fn read_trees(trees: &[Utf8PathBuf], moved: bool) -> Result<Vec<(&Utf8Path, Checked)>, S6Error> {
    let mut all = Vec::new();
    let mut empty = Vec::new();
    for tree in trees {
        let (found, begun) = look(tree)?;
        if found.is_empty() && !begun {
            empty.push(holds_none(tree));
        }
        all.extend(found.into_iter().map(|checked| (tree.as_path(), checked)));
    }
    let enough = moved && empty.len() < trees.len();
    if empty.is_empty() || enough { Ok(all) } else { Err(S6Error::Unfit(empty)) }
}

fn holds_none(tree: &Utf8Path) -> Unfit {
    Unfit::new(tree, "holds no gateway-<profile>, dashboard, watch, watchdog or metrics", AGAIN)
}

/// The service directories of a tree, and whether a run has begun to move some out of it.
fn look(tree: &Utf8Path) -> Result<(Vec<Checked>, bool), S6Error> {
    let one = |unfit| S6Error::Unfit(vec![unfit]);
    if !tree.is_dir() {
        let problem = if tree.exists() { "is not a directory" } else { "does not exist" };
        return Err(one(Unfit::new(tree, problem, AGAIN)));
    }
    // From here on, everything is reached by descriptor, from a directory that no other user can replace.
    let directory = match Dir::open_own(tree) {
        Ok(directory) => directory,
        Err(error) if !is_distrusted(&error) => return Ok(Err(error).context("read", tree)?),
        Err(error) => {
            let problem = format!("is not safe to install from: {}", reason(&error));
            return Err(one(Unfit::new(
                tree,
                problem,
                "copy it to a directory that only root can write, and install the copy",
            )));
        }
    };
    let names = names(&directory).context("read", tree)?;
    let moved = if names.iter().any(|name| name == STAGING) { Some(moved(&directory, tree)?) } else { None };
    let looked = parallel::each(
        &names,
        parallel::SMALL,
        |name| Checked::of_entry(&directory, tree, name, moved.as_ref()),
        |_| Ok(()),
    )?;
    let mut unfit = Vec::new();
    let mut found = Vec::new();
    for (checked, more) in looked {
        found.extend(checked);
        unfit.extend(more);
    }
    // Each definition for s6-rc has several faults, all for one reason.
    let definition = names.iter().find(|name| {
        ["producer-for", "consumer-for"].iter().any(|file| directory.stat(&format!("{name}/{file}")).is_ok())
    });
    match definition {
        _ if unfit.is_empty() => Ok((found, moved.is_some())),
        Some(name) => {
            let problem = "is a definition for s6-rc, which does not belong in a scandir";
            Err(one(Unfit::new(
                tree.join(name),
                problem,
                "render the tree with layout s6, or compile it with s6-rc-compile",
            )))
        }
        None => Err(S6Error::Unfit(unfit)),
    }
}

/// Removes published service directories from the tree that they came from. The next run that moves finishes what this one began, so that half a
/// directory never counts as a mistake.
///
/// # Errors
/// If the operating system refuses a step.
pub(crate) fn move_out(tree: &Utf8Path, services: &[&ServiceName]) -> Result<(), S6Error> {
    let directory = Dir::open_own(tree).context("open", tree)?;
    let mut names: Vec<String> = services.iter().map(|service| service.directory()).collect();
    if directory.stat(STAGING).is_ok() {
        names.extend(moved(&directory, tree)?.names());
    }
    Ok(remove_all(&directory, tree, STAGING, &names, "run")?)
}

/// What an earlier run began to move out of a tree.
fn moved(directory: &Dir, tree: &Utf8Path) -> Result<Plan, S6Error> {
    let shown = tree.join(STAGING);
    let root = directory.dir(STAGING).context("read", &shown)?;
    Ok(read_plan(&root, &shown)?)
}

impl Checked {
    /// A rendered directory, in the form that it would have after it is written and read.
    pub(crate) fn rendered(directory: &ServiceDir) -> Self {
        Self { service: directory.service().clone(), snapshot: directory.snapshot().owned() }
    }

    /// The service of this directory.
    pub fn service(&self) -> &ServiceName {
        &self.service
    }

    /// Whether it is a gateway that the watchdog looks after.
    pub(crate) fn has_watchdog(&self) -> bool {
        self.snapshot.get("data/watchdog").is_some()
    }

    /// Checks an entry of a tree. An earlier run may have begun to remove what it had published.
    fn of_entry(
        tree: &Dir,
        shown: &Utf8Path,
        name: &str,
        moved: Option<&Plan>,
    ) -> Result<(Option<Self>, Vec<Unfit>), S6Error> {
        if moved.is_some() && name == STAGING {
            return Ok((None, Vec::new()));
        }
        let path = shown.join(name);
        let Some(service) = ServiceName::of_directory(name) else {
            let problem = "is not named gateway-<profile>, dashboard, watch, watchdog or metrics";
            return Ok((None, vec![Unfit::new(path, problem, "take it out of the staging tree")]));
        };
        let mut unfit = Vec::new();
        let checked = Self::read(tree, name, &path, service, &mut unfit)?;
        if unfit.is_empty() {
            Ok((Some(checked), unfit))
        } else if moved.is_some_and(|plan| plan.names().any(|moved| moved == name)) {
            Ok((None, Vec::new()))
        } else {
            Ok((None, unfit))
        }
    }

    fn read(
        tree: &Dir,
        name: &str,
        path: &Utf8Path,
        service: ServiceName,
        unfit: &mut Vec<Unfit>,
    ) -> Result<Self, S6Error> {
        let mut snapshot = Snapshot::default();
        let kind = FileType::from_raw_mode(tree.stat(name).context("read", path)?.st_mode);
        if !kind.is_dir() {
            let problem = if kind.is_symlink() { "is a symlink" } else { "is not a directory" };
            unfit.push(Unfit::new(path, problem, "give the directory itself"));
            return Ok(Self { service, snapshot });
        }
        let directory = tree.dir(name).context("open", path)?;
        let stat = rustix::fs::fstat(&directory).context("read", path)?;
        if own(path, &stat, unfit) {
            snapshot = directory.snapshot(path, &mut |below, stat| judge(path, below, stat, unfit))?;
            unfit.sort_by(|a, b| a.path.cmp(&b.path));
        }
        for (below, entry) in snapshot.below() {
            if matches!(entry, Entry::File { content: None, .. }) {
                let problem = "is larger than 16 MiB, and no file of a gateway is that large";
                unfit.push(Unfit::new(path.join(below), problem, "take it out of the tree"));
            }
        }
        if unfit.is_empty() {
            for (script, needed) in [("run", true), ("log/run", snapshot.get("log").is_some())] {
                if needed && snapshot.get(script).is_none() {
                    let problem = "is missing, and a supervisor would try to start it every minute";
                    unfit.push(Unfit::new(path.join(script), problem, "render the tree again"));
                }
            }
        }
        // The person who made the tree may have given it a stricter mode than s6 needs.
        snapshot.insert("", Entry::Directory { mode: 0o755 });
        Ok(Self { service, snapshot })
    }

    /// Whether a published directory holds the same. `down` does not count, because an operator's start and stop remove and make it.
    pub(super) fn is(&self, there: &Snapshot<'_>) -> bool {
        there.lasting().eq(self.snapshot.lasting())
    }
}

/// The names in a directory, sorted. A name that is not UTF-8 is shown as well as possible, and is never an allowed file.
fn names(directory: &Dir) -> io::Result<Vec<String>> {
    let (names, more) = directory.names(MOST_ENTRIES)?;
    if more {
        return Err(io::Error::other(format!("it holds more than {MOST_ENTRIES} entries")));
    }
    let mut names: Vec<String> = names.into_iter().map(|name| String::from_utf8_lossy(&name).into_owned()).collect();
    names.sort_unstable();
    Ok(names)
}
