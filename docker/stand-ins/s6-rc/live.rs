//! s6-rc-init: makes the live directory with all service directories, and has s6-svscan supervise them. They are down.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use std::{io, os::unix::fs::symlink};

use crate::compile::copy_directory;
use crate::database::{Database, Service};
use crate::{Failure, Options, PROGRAMS, bad_usage, read_if_there, refused};

/// The symlink to the directory in which s6-rc keeps its state by default.
pub(crate) const LIVE: &str = "/run/s6-rc";

/// How long to wait for supervisors. They come at once, or never.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let options = Options::of("s6-rc-init", arguments, "bd", "clpt")?;
    let [scandir] = options.words.as_slice() else { return Err(bad_usage("s6-rc-init")) };
    let compiled = options.value('c').ok_or_else(|| bad_usage("s6-rc-init"))?;
    let live = Path::new(options.value('l').unwrap_or(LIVE));
    let name = format!("{}:s6-rc-init:{:06}", live.file_name().unwrap_or_default().display(), process::id());
    let directory = live.with_file_name(&name);
    let database = Database::read(Path::new(compiled))?;

    create(&directory, Path::new(compiled), Path::new(scandir), vec![0; database.services.len()])?;
    let services = directory.join("servicedirs");
    copy_directory(&Path::new(compiled).join("servicedirs"), &services)?;
    symlink(&name, live).map_err(refused("symlink", live))?;

    let longruns = database.services.iter().filter(|service| service.is_longrun);
    for service in longruns.clone() {
        let directory = services.join(&service.name);
        fs::write(directory.join("down"), "").map_err(refused("write", &directory))?;
    }
    supervise(&services, Path::new(scandir), longruns, "-a")
}

/// Makes a live directory without its service directories.
pub(crate) fn create(directory: &Path, compiled: &Path, scandir: &Path, state: Vec<u8>) -> Result<(), Failure> {
    fs::create_dir(directory).map_err(refused("mkdir", directory))?;
    for (to, at) in [(compiled, "compiled"), (scandir, "scandir")] {
        symlink(to, directory.join(at)).map_err(refused("symlink", directory))?;
    }
    for (file, bytes) in [("prefix", Vec::new()), ("lock", Vec::new()), ("state", state)] {
        let path = directory.join(file);
        fs::write(&path, bytes).map_err(refused("write", &path))?;
    }
    Ok(())
}

/// Links service directories into a scandir, has s6-svscan scan it with this option, and waits for the supervisors.
pub(crate) fn supervise<'a>(
    services: &Path,
    scandir: &Path,
    longruns: impl Iterator<Item = &'a Service>,
    how: &str,
) -> Result<(), Failure> {
    let mut all = Vec::new();
    for service in longruns {
        let (directory, at) = (services.join(&service.name), scandir.join(&service.name));
        symlink(&directory, &at).map_err(refused("symlink", &at))?;
        all.push(directory);
    }
    let scanned = Command::new(format!("{PROGRAMS}/s6-svscanctl")).arg(how).arg(scandir).status();
    if !scanned.map_err(refused("run", Path::new("s6-svscanctl")))?.success() {
        return Err(Failure { code: 100, said: format!("s6-svscan is not running on {}", scandir.display()) });
    }
    let began = Instant::now();
    // A supervisor listens a moment before it writes its first status.
    while let Some(missing) = all.iter().find(|service| !is_supervised(service)) {
        if began.elapsed() > PATIENCE {
            return Err(refused("have supervised", missing)("no supervisor came"));
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

fn is_supervised(service: &Path) -> bool {
    let mut ok = Command::new(format!("{PROGRAMS}/s6-svok"));
    service.join("supervise/status").exists()
        && ok.arg(service).stderr(Stdio::null()).status().is_ok_and(|it| it.success())
}

/// A live directory with its lock held. If this changes the directory, nobody else reads it. If this reads it, nobody else changes it.
pub(crate) struct Live {
    pub(crate) path: PathBuf,
    pub(crate) database: Database,
    /// Whether each service is up.
    pub(crate) up: Vec<bool>,
    _lock: File,
}

impl Live {
    /// Opens the directory to change it or to look at it. If another program has the lock, this waits or fails at once.
    pub(crate) fn open(path: &Path, changes: bool, waits: bool) -> Result<Self, Failure> {
        let lock = path.join("lock");
        let file = File::options().read(true).write(changes).open(&lock).map_err(refused("take locks", &lock))?;
        let taken = match (changes, waits) {
            (true, true) => file.lock(),
            (true, false) => file.try_lock().map_err(io::Error::from),
            (false, true) => file.lock_shared(),
            (false, false) => file.try_lock_shared().map_err(io::Error::from),
        };
        taken.map_err(refused("take locks", &lock))?;
        let database = Database::read(&path.join("compiled"))?;
        let state = read_if_there(&path.join("state"))?.unwrap_or_default();
        if state.len() < database.services.len() {
            return Err(Failure { code: 4, said: format!("unable to read valid state in {}", path.display()) });
        }
        let up = state.into_iter().map(|state| state & 1 == 1).collect();
        Ok(Self { path: path.to_owned(), database, up, _lock: file })
    }

    pub(crate) fn directory(&self, name: &str) -> PathBuf {
        self.path.join("servicedirs").join(name)
    }

    /// Writes which services are up, in one step.
    pub(crate) fn keep(&self) -> Result<(), Failure> {
        let (new, path) = (self.path.join("state.new"), self.path.join("state"));
        let state: Vec<u8> = self.up.iter().map(|up| u8::from(*up)).collect();
        fs::write(&new, state).and_then(|()| fs::rename(&new, &path)).map_err(refused("write", &path))
    }
}
