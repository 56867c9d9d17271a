//! One service in a scandir: its supervisors, and what they say about it.

use std::io;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};

use super::error::S6Error;
use super::fifo::has_reader;
use super::programs::Programs;
use super::s6_rc::OfS6Rc;
use super::script::{RunScript, is_hermes_own, listens_at, own_uid};
use super::status::Status;
use crate::base::{Patience, WaitError};
use crate::disk;
use crate::spec::options::Uid;
use crate::spec::{ProfileName, ServiceName};

/// A service directory in a scandir, or a symlink to one. s6-overlay makes such symlinks for `/etc/services.d`.
#[derive(Debug, Clone)]
pub struct LiveService {
    name: ServiceName,
    path: Utf8PathBuf,
    /// What s6-rc knows about it, if s6-rc runs it.
    of_s6_rc: Option<OfS6Rc>,
}

impl LiveService {
    pub(crate) fn new(name: ServiceName, path: Utf8PathBuf) -> Self {
        Self { of_s6_rc: OfS6Rc::of(&path), name, path }
    }

    /// A service directory without the name of a service: it is on its way out, or it belongs to a logger.
    pub(crate) fn anonymous(path: &Utf8Path) -> Self {
        Self { name: ProfileName::default().into(), path: path.to_owned(), of_s6_rc: None }
    }

    /// How long after a stop its process is killed, if it is killed. `timeout-kill` holds this in milliseconds.
    pub(crate) fn timeout_kill(&self) -> Option<Duration> {
        let text = disk::read_small(&self.path.join("timeout-kill")).ok()?;
        text.trim_end().parse().ok().filter(|&milliseconds| milliseconds > 0).map(Duration::from_millis)
    }

    /// The name of the service.
    pub fn name(&self) -> &ServiceName {
        &self.name
    }

    /// Its service directory.
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// What s6-rc knows about it, if s6-rc runs it.
    pub(crate) fn of_s6_rc(&self) -> Option<&OfS6Rc> {
        self.of_s6_rc.as_ref()
    }

    /// Whether s6-rc runs it, and has to know about each change.
    pub(crate) fn is_of_s6_rc(&self) -> bool {
        self.of_s6_rc.is_some()
    }

    /// The path of its run script, as it was rendered.
    pub(crate) fn run(&self) -> Utf8PathBuf {
        self.path.join(self.of_s6_rc.as_ref().map_or("run", OfS6Rc::run))
    }

    /// The text of its run script, as it was rendered.
    pub(crate) fn script(&self) -> io::Result<String> {
        disk::read_small(&self.run())
    }

    /// What its run script says, if gen-service rendered it.
    pub(crate) fn run_script(&self) -> Option<RunScript> {
        RunScript::of(&self.script().ok()?)
    }

    /// The directory of its logger, if it has one.
    pub(crate) fn logger(&self) -> Option<Utf8PathBuf> {
        let log = match &self.of_s6_rc {
            Some(OfS6Rc { logger, .. }) => self.path.with_file_name(logger.as_ref()?),
            None => self.path.join("log"),
        };
        log.join("run").exists().then_some(log)
    }

    /// The owner of its directory, also behind a symlink. Only the user who supervises may own it.
    pub(crate) fn owner(&self) -> Option<u32> {
        rustix::fs::stat(self.path.as_std_path()).ok().map(|stat| stat.st_uid)
    }

    /// Whether it stays down when its supervisor starts again.
    pub(crate) fn has_down(&self) -> bool {
        rustix::fs::lstat(self.path.join("down").as_std_path()).is_ok()
    }

    /// Whether Hermes' own service manager wrote it (`hermes profile create` as root). Then the service user owns its `supervise`. If the image lacks
    /// what the run script needs, the service dies and starts for ever.
    pub(crate) fn is_hermes_own(&self) -> bool {
        self.script().is_ok_and(|run| is_hermes_own(&run))
    }

    /// The user of an isolated gateway, read from its run script.
    pub(crate) fn own_uid(&self) -> Option<Uid> {
        own_uid(&self.script().ok()?)
    }

    /// Whether it is an isolated gateway.
    pub(crate) fn is_isolated(&self) -> bool {
        self.own_uid().is_some()
    }

    /// Refuses if another user can replace the files by which root would talk to a supervisor. The programs of s6 follow a symlink there, and wait
    /// for a fifo. Hermes' own service manager makes such directories.
    ///
    /// # Errors
    /// [`S6Error::Foreign`] with the directory that another user owns or may write.
    pub(crate) fn trusted(&self) -> Result<(), S6Error> {
        if !rustix::process::geteuid().is_root() {
            return Ok(());
        }
        // Above the directory of a logger is a service directory.
        let above = self.path.parent().map(Utf8Path::to_owned);
        let of_s6_rc =
            self.of_s6_rc.iter().flat_map(|of| [of.live.path().to_owned(), of.live.path().join("servicedirs")]);
        let mut directories = above.into_iter().chain([self.path.clone(), self.path.join("supervise")]).chain(of_s6_rc);
        let foreign = directories.find(|directory| {
            // A later step reports a directory that does not exist.
            rustix::fs::stat(directory.as_std_path()).is_ok_and(|stat| stat.st_uid != 0 || stat.st_mode & 0o022 != 0)
        });
        foreign.map_or(Ok(()), |directory| Err(S6Error::Foreign(directory)))
    }

    /// Calls a program of s6 for it, if only root can change it.
    fn call(&self, programs: &Programs, program: &'static str, arguments: &[&str]) -> Result<String, S6Error> {
        self.trusted()?;
        programs.call(program, &[arguments, &[self.path.as_str()]].concat())
    }

    /// The directories that should have a supervisor: its own, and that of its logger if it has one.
    pub(crate) fn supervised(&self) -> Vec<Utf8PathBuf> {
        std::iter::once(self.path.clone()).chain(self.logger()).collect()
    }

    /// How many of its supervisors run, and how many it should have.
    pub(crate) fn supervisors(&self) -> Result<(usize, usize), S6Error> {
        let directories = self.supervised();
        let mut running = 0;
        for directory in &directories {
            running += usize::from(Self::listens(directory)?);
        }
        Ok((running, directories.len()))
    }

    /// Whether a supervisor runs in this directory.
    pub(crate) fn listens(directory: &Utf8Path) -> Result<bool, S6Error> {
        has_reader(&directory.join("supervise/control"))
    }

    /// Whether its own supervisor runs. That of its logger does not count.
    pub(crate) fn is_running(&self) -> Result<bool, S6Error> {
        Self::listens(&self.path)
    }

    /// Whether both its supervisors run and can be asked. s6-supervise listens a moment before it writes its first status.
    ///
    /// # Errors
    /// If this user may not know.
    pub fn is_supervised(&self) -> Result<bool, S6Error> {
        for directory in self.supervised() {
            let supervise = directory.join("supervise");
            if !has_reader(&supervise.join("control"))? || !supervise.join("status").is_file() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Its state, from the fields of s6-svstat that both s6 2.11 and 2.15 have.
    ///
    /// # Errors
    /// If no supervisor runs, or if this user may not ask.
    pub fn status(&self, programs: &Programs) -> Result<Status, S6Error> {
        const FIELDS: &str = "up,wantedup,paused,pid,exitcode,signal,updownfor";
        let said = self.svstat(programs, &["-o", FIELDS])?;
        Status::parse(&said).ok_or_else(|| S6Error::Failed {
            program: "s6-svstat",
            arguments: self.path.to_string(),
            code: 0,
            said: format!("not understood: {}", said.trim()),
        })
    }

    fn svstat(&self, programs: &Programs, options: &[&str]) -> Result<String, S6Error> {
        self.call(programs, "s6-svstat", options).map_err(|error| match error {
            S6Error::Failed { code: 1, .. } => S6Error::NotSupervised(self.path.clone()),
            // Its supervisor has just started, and has written nothing yet.
            error => self.or_absent(error),
        })
    }

    /// Whether it is down and its finish script has ended. Until then, the deaths that the finish script forgives still count.
    pub(crate) fn is_at_rest(&self, programs: &Programs) -> Result<bool, S6Error> {
        match self.svstat(programs, &[]) {
            Ok(said) => Ok(said.contains(", ready ") || said.contains("not started yet")),
            // Another run has taken it out in the meantime.
            Err(S6Error::NotSupervised(_)) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// How many deaths the supervisor remembers: those since it started, or since an operator's start or restart, but only the last 100.
    ///
    /// # Errors
    /// If this user may not ask.
    pub fn deaths(&self, programs: &Programs) -> Result<usize, S6Error> {
        self.tally(programs).map(|tally| count(&tally))
    }

    /// The deaths that the supervisor remembers, one line each, with its time. A member of a control group cannot make s6 forget them, so a new death
    /// shows only as a difference.
    pub(crate) fn tally(&self, programs: &Programs) -> Result<String, S6Error> {
        self.call(programs, "s6-svdt", &[])
    }

    /// The port in its run script, if gen-service rendered it. For the dashboard and the metrics server, the port of the container counts if the
    /// container names one.
    pub fn port(&self) -> Option<u16> {
        let text = self.script().ok()?;
        RunScript::of(&text).and_then(|script| script.port).or_else(|| Some(listens_at(&text)?.port().get()))
    }

    /// Sends these commands of s6-svc to its supervisor.
    pub(crate) fn control(&self, programs: &Programs, commands: &str) -> Result<(), S6Error> {
        match self.call(programs, "s6-svc", &[commands]) {
            Ok(_) => Ok(()),
            Err(S6Error::Failed { code: 100, said, .. }) if said.contains("not listening") => {
                Err(S6Error::NotSupervised(self.path.clone()))
            }
            // The directory of a logger that does not exist, or not any more.
            Err(error) => Err(self.or_absent(error)),
        }
    }

    /// This error; or, if a program of s6 did not find its file, the error that no supervisor runs.
    fn or_absent(&self, error: S6Error) -> S6Error {
        match error {
            S6Error::Failed { code: 111, said, .. } if said.ends_with("No such file or directory") => {
                S6Error::NotSupervised(self.path.clone())
            }
            error => error,
        }
    }

    /// Makes the supervisor forget the deaths so far, so that an operator's actions never use up the crash budget.
    pub(crate) fn forgive(&self, programs: &Programs) -> Result<(), S6Error> {
        // Every writer of the tally makes the same file and renames it: its supervisor, its finish script, another gatewayctl. If two write at once,
        // the later one finds nothing to rename.
        const TRIES: usize = 10;
        for _ in 0..TRIES {
            match self.call(programs, "s6-svdt-clear", &[]).map_err(|error| self.or_absent(error)) {
                Err(S6Error::NotSupervised(_)) if self.is_running()? => {}
                // A member of a control group may control the service but not clear the tally. Then this death counts.
                Err(error) if error.is_refusal() => break,
                result => return result.map(drop),
            }
        }
        // If another process writes the tally all the time, the deaths count. That is no reason to refuse the start.
        Ok(())
    }

    /// Waits until `wanted` accepts its status.
    pub(crate) fn wait(
        &self,
        programs: &Programs,
        patience: Patience<'_, '_>,
        what: &str,
        wanted: impl Fn(&Status) -> bool,
    ) -> Result<Status, S6Error> {
        let what = format!("{} {what}", self.name);
        let ask = || self.status(programs).map(|status| wanted(&status).then_some(status));
        match patience.until(&what, ask)? {
            Some(status) => Ok(status),
            None => Err(WaitError::Timeout { what, seconds: patience.limit.as_secs() }.into()),
        }
    }
}

/// How many deaths a tally has. Each takes one line.
pub(crate) fn count(tally: &str) -> usize {
    tally.lines().count()
}
