//! One service in a scandir: its supervisors, and what they say of it.

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

/// A service directory in a scandir, or a symlink to one, as s6-overlay makes it of `/etc/services.d`.
#[derive(Debug, Clone)]
pub struct LiveService {
    name: ServiceName,
    path: Utf8PathBuf,
    /// What it is of s6-rc's, if it is that.
    of_s6_rc: Option<OfS6Rc>,
}

impl LiveService {
    pub(crate) fn new(name: ServiceName, path: Utf8PathBuf) -> Self {
        Self { of_s6_rc: OfS6Rc::of(&path), name, path }
    }

    /// A service directory that has no name of a service, since it is on its way out or a logger's.
    pub(crate) fn anonymous(path: &Utf8Path) -> Self {
        Self { name: ProfileName::default().into(), path: path.to_owned(), of_s6_rc: None }
    }

    /// How long after a stop its process is killed, where it is: what `timeout-kill` says, in milliseconds there.
    pub(crate) fn timeout_kill(&self) -> Option<Duration> {
        let text = disk::read_small(&self.path.join("timeout-kill")).ok()?;
        text.trim_end().parse().ok().filter(|&milliseconds| milliseconds > 0).map(Duration::from_millis)
    }

    /// Which one it is.
    pub fn name(&self) -> &ServiceName {
        &self.name
    }

    /// Its service directory.
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// What it is of s6-rc's, if s6-rc runs it.
    pub(crate) fn of_s6_rc(&self) -> Option<&OfS6Rc> {
        self.of_s6_rc.as_ref()
    }

    /// Whether s6-rc runs it, and has to be told what becomes of it.
    pub(crate) fn is_of_s6_rc(&self) -> bool {
        self.of_s6_rc.is_some()
    }

    /// Where its run script is, as it was rendered.
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

    /// Whose its directory is, behind a symlink too: only who supervises may own it.
    pub(crate) fn owner(&self) -> Option<u32> {
        rustix::fs::stat(self.path.as_std_path()).ok().map(|stat| stat.st_uid)
    }

    /// Whether it stays down when its supervisor is started anew.
    pub(crate) fn has_down(&self) -> bool {
        rustix::fs::lstat(self.path.join("down").as_std_path()).is_ok()
    }

    /// Whether Hermes' own service manager wrote it (`hermes profile create` as root): with a `supervise` that is the service user's, and, in an
    /// image that has not what its run script needs, in a loop for ever.
    pub(crate) fn is_hermes_own(&self) -> bool {
        self.script().is_ok_and(|run| is_hermes_own(&run))
    }

    /// The user that it has for itself if it is an isolated gateway, by its run script.
    pub(crate) fn own_uid(&self) -> Option<Uid> {
        own_uid(&self.script().ok()?)
    }

    /// Whether it is an isolated gateway.
    pub(crate) fn is_isolated(&self) -> bool {
        self.own_uid().is_some()
    }

    /// Refuses to have root ask or tell a supervisor by files that somebody else can put others in the place of: the programs of s6 follow a
    /// symlink there, and wait for a fifo. Hermes' own service manager makes such directories.
    ///
    /// # Errors
    /// [`S6Error::Foreign`] with the directory that somebody else owns or may write.
    pub(crate) fn trusted(&self) -> Result<(), S6Error> {
        if !rustix::process::geteuid().is_root() {
            return Ok(());
        }
        // Of a logger, what is above it is a service directory.
        let above = self.path.parent().map(Utf8Path::to_owned);
        let of_s6_rc =
            self.of_s6_rc.iter().flat_map(|of| [of.live.path().to_owned(), of.live.path().join("servicedirs")]);
        let mut directories = above.into_iter().chain([self.path.clone(), self.path.join("supervise")]).chain(of_s6_rc);
        let foreign = directories.find(|directory| {
            // What is not there is said by who looks for it.
            rustix::fs::stat(directory.as_std_path()).is_ok_and(|stat| stat.st_uid != 0 || stat.st_mode & 0o022 != 0)
        });
        foreign.map_or(Ok(()), |directory| Err(S6Error::Foreign(directory)))
    }

    /// Calls a program of s6 for it, if it is only root's.
    fn call(&self, programs: &Programs, program: &'static str, arguments: &[&str]) -> Result<String, S6Error> {
        self.trusted()?;
        programs.call(program, &[arguments, &[self.path.as_str()]].concat())
    }

    /// The supervisors that it should have: its own, and its logger's if it has one.
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

    /// Whether its own supervisor runs, whatever its logger's does.
    pub(crate) fn is_running(&self) -> Result<bool, S6Error> {
        Self::listens(&self.path)
    }

    /// Whether both its supervisors run, and can be asked: s6-supervise listens a moment before it writes its first status.
    ///
    /// # Errors
    /// Where this user may not know.
    pub fn is_supervised(&self) -> Result<bool, S6Error> {
        for directory in self.supervised() {
            let supervise = directory.join("supervise");
            if !has_reader(&supervise.join("control"))? || !supervise.join("status").is_file() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What s6-svstat says of it, by fields that s6 2.11 and 2.15 both know.
    ///
    /// # Errors
    /// Where no supervisor runs, or this user may not ask.
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
            // Its supervisor has just begun, and has written nothing yet.
            error => self.or_absent(error),
        })
    }

    /// Whether no finish script of it runs, if it is down: until then the deaths that it forgives count.
    pub(crate) fn is_at_rest(&self, programs: &Programs) -> Result<bool, S6Error> {
        match self.svstat(programs, &[]) {
            Ok(said) => Ok(said.contains(", ready ") || said.contains("not started yet")),
            // Somebody has taken it out meanwhile.
            Err(S6Error::NotSupervised(_)) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// How many deaths the supervisor remembers: restarts since it was started, an operator's start or restart, or the last 100.
    ///
    /// # Errors
    /// Where this user may not ask.
    pub fn deaths(&self, programs: &Programs) -> Result<usize, S6Error> {
        self.tally(programs).map(|tally| count(&tally))
    }

    /// The deaths that the supervisor remembers, a line each with its time. A member of a control group cannot have them
    /// forgiven, so a new one shows only as a difference.
    pub(crate) fn tally(&self, programs: &Programs) -> Result<String, S6Error> {
        self.call(programs, "s6-svdt", &[])
    }

    /// The port that its run script names, where gen-service rendered it; of the dashboard and the metrics server that of the container, where that
    /// names one.
    pub fn port(&self) -> Option<u16> {
        let text = self.script().ok()?;
        RunScript::of(&text).and_then(|script| script.port).or_else(|| Some(listens_at(&text)?.port().get()))
    }

    /// Sends its supervisor these commands of s6-svc.
    pub(crate) fn control(&self, programs: &Programs, commands: &str) -> Result<(), S6Error> {
        match self.call(programs, "s6-svc", &[commands]) {
            Ok(_) => Ok(()),
            Err(S6Error::Failed { code: 100, said, .. }) if said.contains("not listening") => {
                Err(S6Error::NotSupervised(self.path.clone()))
            }
            // A logger's directory where there is none, or no more.
            Err(error) => Err(self.or_absent(error)),
        }
    }

    /// This error, or that nobody supervises it if what a program of s6 looked for is not there.
    fn or_absent(&self, error: S6Error) -> S6Error {
        match error {
            S6Error::Failed { code: 111, said, .. } if said.ends_with("No such file or directory") => {
                S6Error::NotSupervised(self.path.clone())
            }
            error => error,
        }
    }

    /// Forgets the deaths so far, so that what an operator does never spends the crash budget.
    pub(crate) fn forgive(&self, programs: &Programs) -> Result<(), S6Error> {
        // Whoever writes the tally makes the same file and renames it: its supervisor, its finish script, another gatewayctl. Of two at once, the
        // later one finds nothing to rename.
        const TRIES: usize = 10;
        for _ in 0..TRIES {
            match self.call(programs, "s6-svdt-clear", &[]).map_err(|error| self.or_absent(error)) {
                Err(S6Error::NotSupervised(_)) if self.is_running()? => {}
                // A member of a control group may control the service and not forgive it; then this death counts.
                Err(error) if error.is_refusal() => break,
                result => return result.map(drop),
            }
        }
        // Whoever writes it all the time makes it count, and keeps nobody from starting it.
        Ok(())
    }

    /// Waits until its status is what `wanted` says.
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

/// How many deaths a tally has, a line each.
pub(crate) fn count(tally: &str) -> usize {
    tally.lines().count()
}
