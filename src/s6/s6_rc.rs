//! Services that s6-rc runs: each is a symlink in the scandir that leads into the live directory of s6-rc
//! (<https://skarnet.org/software/s6-rc/s6-rc-init.html>).
//!
//! s6-rc keeps its own state, from which it decides what a change has to do. If another program starts or stops one of its services, or takes one out
//! of the scandir, this state is not true any more.

#![expect(clippy::disallowed_methods, reason = "the programs of s6, and directories of root")]

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::MemfdFlags;

use super::error::S6Error;
use super::programs::Programs;
use crate::base::{Patience, WaitError};
use crate::disk;

/// The program that changes and shows the state.
const PROGRAM: &str = "s6-rc";

/// The beginning of the name under which s6-rc holds the end of a pipe that a logger reads, and of the name of the end that a service writes to.
const READS: &str = "pipe:s6rc-r-";
const WRITES: &str = "pipe:s6rc-w-";

/// What s6-rc made of a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OfS6Rc {
    /// The live directory of s6-rc.
    pub(crate) live: Live,
    /// Whether it reads the output of other services, as a logger does.
    pub(crate) is_logger: bool,
    /// The name of its logger.
    pub(crate) logger: Option<String>,
    /// Whether s6-rc wrapped its scripts in scripts that give them their pipes.
    is_wrapped: bool,
}

impl OfS6Rc {
    /// The service of s6-rc that the symlink at this path of a scandir leads to, if it leads to one.
    pub(crate) fn of(path: &Utf8Path) -> Option<Self> {
        let target = rustix::fs::readlink(path.as_std_path(), Vec::new()).ok()?;
        let target = Utf8PathBuf::from(target.into_string().ok()?);
        let live = target.parent().filter(|above| above.file_name() == Some("servicedirs"))?.parent()?;
        if !target.is_absolute() || !live.join("compiled").exists() {
            return None;
        }
        let is_wrapped = path.join("run.user").exists();
        let wrapper = if is_wrapped { disk::read_small(&path.join("run")).unwrap_or_default() } else { String::new() };
        let pipe = |of: &str| wrapper.split(['"', ' ', '\n']).find_map(|word| word.strip_prefix(of)).map(str::to_owned);
        let (is_logger, logger) = (pipe(READS).is_some(), pipe(WRITES));
        Some(Self { live: Live(live.to_owned()), is_logger, logger, is_wrapped })
    }

    /// The name of the file that holds the run script of its definition.
    pub(crate) fn run(&self) -> &'static str {
        if self.is_wrapped { "run.user" } else { "run" }
    }
}

/// A state to which s6-rc can bring services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum To {
    /// Up, with all that they depend on.
    Up,
    /// Down, with all that depends on them.
    Down,
}

impl To {
    fn option(self) -> &'static str {
        match self {
            Self::Up => "-u",
            Self::Down => "-d",
        }
    }
}

/// The live directory of s6-rc.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Live(Utf8PathBuf);

impl Live {
    /// Its path.
    pub(crate) fn path(&self) -> &Utf8Path {
        &self.0
    }

    /// Refuses if this user does not own the state of s6-rc. The program itself does not report this.
    fn permits(&self) -> Result<(), S6Error> {
        let own = rustix::process::geteuid();
        let owner = rustix::fs::stat(self.0.as_std_path()).map_or(0, |stat| stat.st_uid);
        if own.is_root() || own.as_raw() == owner {
            Ok(())
        } else {
            Err(S6Error::NotTheirs { live: self.0.clone(), owner })
        }
    }

    /// Makes s6-rc bring these services to a state, and waits for it. An interrupt does not stop the change that s6-rc has begun.
    ///
    /// # Errors
    /// [`S6Error::Transition`] if one of them, or one that it depends on, does not reach the state; an error if that takes too long.
    pub(crate) fn change(
        &self,
        programs: &Programs,
        to: To,
        names: &BTreeSet<String>,
        patience: Patience<'_, '_>,
    ) -> Result<(), S6Error> {
        self.permits()?;
        let limit = patience.limit.as_millis().to_string();
        let path = programs.path(PROGRAM);
        let failed = |source| S6Error::Call { program: path.clone(), source };
        // s6-rc may live longer than this program, and then no process would read a pipe.
        let said = rustix::fs::memfd_create("s6-rc", MemfdFlags::CLOEXEC).map_err(|error| failed(error.into()))?;
        let mut said = File::from(said);
        let mut command = Command::new(&path);
        // It waits if another change is in progress, as one is at boot.
        command.args(["-b", "-l", self.0.as_str(), "-t", &limit, to.option(), "change"]).args(names);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said.try_clone().map_err(failed)?);
        // A signal from the terminal would make s6-rc leave its services in the middle of a change.
        let mut child = command.process_group(0).spawn().map_err(failed)?;
        let listed = names.iter().cloned().collect::<Vec<_>>().join(", ");
        let what = match to {
            To::Up => format!("s6-rc to bring up {listed}"),
            To::Down => format!("s6-rc to bring down {listed}"),
        };
        let ended = patience.until(&what, || child.try_wait().map_err(failed))?;
        let late = || S6Error::from(WaitError::Timeout { what: what.clone(), seconds: patience.limit.as_secs() });
        let Some(code) = ended else { return Err(late()) };
        let mut text = String::new();
        let _ = said.rewind().and_then(|()| said.read_to_string(&mut text));
        let lines: Vec<&str> = text
            .lines()
            .map(|line| {
                line.trim_start_matches("s6-rc: ").trim_start_matches("warning: ").trim_start_matches("fatal: ")
            })
            .collect();
        match code.code() {
            Some(0) => Ok(()),
            Some(1) => Err(S6Error::Transition { names: listed, up: to == To::Up, said: lines.join(", ") }),
            Some(2) => Err(late()),
            code => {
                let arguments = format!("{} change {}", to.option(), listed.replace(", ", " "));
                Err(S6Error::Failed { program: PROGRAM, arguments, code: code.unwrap_or(-1), said: lines.join(", ") })
            }
        }
    }

    /// The services that are up in the state of s6-rc.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub(crate) fn up(&self, programs: &Programs) -> Result<BTreeSet<String>, S6Error> {
        self.list(programs, &["-a", "list"])
    }

    /// These services, and all that depend on them.
    ///
    /// # Errors
    /// If s6-rc cannot be asked.
    pub(crate) fn with_dependents(
        &self,
        programs: &Programs,
        names: &BTreeSet<String>,
    ) -> Result<BTreeSet<String>, S6Error> {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        self.list(programs, &[&["-d", "listall"], &names[..]].concat())
    }

    fn list(&self, programs: &Programs, what: &[&str]) -> Result<BTreeSet<String>, S6Error> {
        self.permits()?;
        let said = programs.call(PROGRAM, &[&["-b", "-l", self.0.as_str()], what].concat())?;
        Ok(said.lines().map(str::to_owned).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_a_symlink_of_a_scandir_leads_to() {
        let scratch = tempfile::tempdir().unwrap();
        let scratch = Utf8Path::from_path(scratch.path()).unwrap();
        let live = scratch.join("s6-rc:s6-rc-init:x");
        fs::create_dir_all(live.join("compiled")).unwrap();
        let service = |name: &str, run: &str, user: Option<&str>| {
            let directory = live.join("servicedirs").join(name);
            fs::create_dir_all(&directory).unwrap();
            fs::write(directory.join("run"), run).unwrap();
            if let Some(user) = user {
                fs::write(directory.join("run.user"), user).unwrap();
            }
            symlink(&directory, scratch.join(name)).unwrap();
            OfS6Rc::of(&scratch.join(name)).unwrap()
        };
        let retrieves = |pipe: &str| {
            format!("/x/fdmove 1 0\n/x/s6-fdholder-retrieve ../s6rc-fdholder/s \"{pipe}\"\n./run.user $@\n")
        };
        let gateway = service("gateway-x", &retrieves("pipe:s6rc-w-gateway-x-log"), Some("exec hermes\n"));
        assert_eq!((gateway.is_logger, gateway.logger.as_deref()), (false, Some("gateway-x-log")));
        assert_eq!((gateway.run(), gateway.live.path()), ("run.user", live.as_path()));
        let logger = service("gateway-x-log", &retrieves("pipe:s6rc-r-gateway-x-log"), Some("exec s6-log\n"));
        assert_eq!((logger.is_logger, logger.logger.as_deref()), (true, None));
        // What a script itself says is no concern of s6-rc.
        let alone = service("watch", &retrieves("pipe:s6rc-r-watch"), None);
        assert_eq!((alone.is_logger, alone.logger.as_deref(), alone.run()), (false, None, "run"));

        // As s6-overlay links the services of /etc/services.d, and a directory that is simply there.
        fs::create_dir_all(scratch.join("legacy-services/gateway-y")).unwrap();
        symlink(scratch.join("legacy-services/gateway-y"), scratch.join("gateway-y")).unwrap();
        symlink("s6-rc:s6-rc-init:x/servicedirs/watch", scratch.join("relative")).unwrap();
        fs::create_dir_all(scratch.join("other/servicedirs/z")).unwrap();
        symlink(scratch.join("other/servicedirs/z"), scratch.join("z")).unwrap();
        for other in ["gateway-y", "legacy-services", "relative", "z", "nothing"] {
            assert_eq!(OfS6Rc::of(&scratch.join(other)), None, "{other}");
        }
    }
}
