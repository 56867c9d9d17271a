//! What goes wrong with s6.

use std::io::ErrorKind;

use camino::{Utf8Path, Utf8PathBuf};
use thiserror::Error;

use super::status::Ended;
use crate::base::child::Said;
use crate::base::text::{Plain, lines};
use crate::base::{Signal, WaitError};
use crate::disk::{DiskError, SystemError};
use crate::spec::options::Uid;
use crate::spec::{ProfileName, ServiceName};

/// What goes wrong with s6.
#[derive(Debug, Error)]
pub enum S6Error {
    /// A program of s6 is not in the directory that was searched.
    #[error("no {program} in {directory}; give the directory of the s6 programs with --s6-bin-dir")]
    NoProgram {
        /// The directory that was searched.
        directory: Utf8PathBuf,
        /// Its name.
        program: &'static str,
    },
    /// A program of s6 cannot be called.
    #[error("cannot call {program}: {}", crate::base::text::reason(source))]
    Call {
        /// Its path.
        program: Utf8PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A program of s6 failed.
    #[error("{program}{}{arguments} failed with {code}: {said}", if arguments.is_empty() { "" } else { " " })]
    Failed {
        /// Its name.
        program: &'static str,
        /// Its arguments.
        arguments: String,
        /// Its exit code (100 wrong usage, 111 a system call failed), or -1 if a signal ended it.
        code: i32,
        /// What it said, on one line.
        said: String,
    },
    /// The scandir does not exist, or is not a directory.
    #[error("scandir {path} {problem}; give the directory that s6-svscan watches with --scandir")]
    Scandir {
        /// The scandir.
        path: Utf8PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Root is asked to work in a scandir that another user can change.
    #[error(
        "another user can change {path} or a directory above it, and root would follow a symlink that this user puts there; {}",
        if *owner == 0 { "chmod go-w the directories that others can write".to_owned() } else { format!("run gatewayctl as user {owner}") }
    )]
    Untrusted {
        /// The scandir.
        path: Utf8PathBuf,
        /// Its owner.
        owner: u32,
    },
    /// No s6-svscan watches the scandir.
    #[error("no s6-svscan watches {0}; start one, or give the directory that it watches with --scandir")]
    NotLive(Utf8PathBuf),
    /// The scandir's file system does not let scripts run.
    #[error("scandir {0} is on a file system that is mounted noexec, so no run script can start; remount it with exec")]
    NoExec(Utf8PathBuf),
    /// A dangling symlink in the scandir.
    #[error(
        "{0} is a dangling symlink, and s6-svscan sees nothing in that directory as long as it exists; remove it first"
    )]
    Dangling(Utf8PathBuf),
    /// The scandir has no such gateway.
    #[error(
        "no gateway {profile} in {scandir}; {}",
        match near {
            Some(near) => format!("did you mean {}?", near.word()),
            None => "`gatewayctl list` shows all gateways".to_owned(),
        }
    )]
    NoGateway {
        /// The profile.
        profile: ProfileName,
        /// The scandir that was searched.
        scandir: Utf8PathBuf,
        /// The service that the person probably meant, if a similar name was searched for.
        near: Option<ServiceName>,
    },
    /// The scandir has no such service, for example no dashboard or no watch.
    #[error("{service} is not in {scandir}; add its table to the manifest, render it with gen-service, and install it")]
    NoService {
        /// The service.
        service: ServiceName,
        /// The scandir that was searched.
        scandir: Utf8PathBuf,
    },
    /// The service directory is there, but no supervisor runs in it.
    #[error(
        "no supervisor runs in {0}; check that s6-svscan runs, then start one with `gatewayctl install` or `s6-svscanctl -a`"
    )]
    NotSupervised(Utf8PathBuf),
    /// Another user can change the files by which s6 talks to a supervisor.
    #[error(
        "another user can change {0}, and root would follow a symlink that this user puts there; unregister the gateway and register it again"
    )]
    Foreign(Utf8PathBuf),
    /// Supervisors did not come up.
    #[error(
        "s6-svscan started no supervisor for {path}{} within {seconds} s, so it is taken back; s6-svscan probably has \
         no room left: raise its option -C (-c before s6 2.13), by two for each gateway with a logger",
        if *others > 0 { format!(" and {others} more") } else { String::new() }
    )]
    NoSupervisor {
        /// The first service directory without a supervisor.
        path: Utf8PathBuf,
        /// How many more have none.
        others: usize,
        /// How long this run waited, in seconds.
        seconds: u64,
    },
    /// The operating system refused a step. All earlier steps were taken back.
    #[error(transparent)]
    System(#[from] SystemError),
    /// An event did not happen in time, or a signal came.
    #[error(transparent)]
    Wait(#[from] WaitError),
    /// The staging tree is not fit for a scandir. This lists everything that is wrong with it.
    #[error("{}", lines(.0))]
    Unfit(Vec<Unfit>),
    /// A service directory of that name already exists.
    #[error(
        "{path} is already registered{}",
        if *.different { " and differs; unregister it first, or use install --update" } else { "; unregister it first" }
    )]
    Registered {
        /// The service directory.
        path: Utf8PathBuf,
        /// Whether it differs from the one to publish.
        different: bool,
    },
    /// An isolated gateway has the user of another gateway.
    #[error(
        "{path} would run as {uid}, but {other} has that user, who could read both homes; give one of them another --uid"
    )]
    OneUser {
        /// The service directory.
        path: Utf8PathBuf,
        /// The other gateway.
        other: ServiceName,
        /// The user of both.
        uid: Uid,
    },
    /// A service directory of that name already exists, and Hermes' own service manager made it.
    #[error("{0} was made by Hermes' own service manager; take it over with register --adopt or with reconcile")]
    HermesOwn(Utf8PathBuf),
    /// Somebody tries to change a service of s6-rc otherwise than by its definition.
    #[error(
        "{0} is a service of s6-rc, which the image defines; change that definition, then build the image again or run s6-rc-update"
    )]
    OfS6Rc(Utf8PathBuf),
    /// s6-rc could not bring services to a state.
    #[error("s6-rc could not bring {} {names}{}", if *up { "up" } else { "down" }, if said.is_empty() { String::new() } else { format!(": {said}") })]
    Transition {
        /// The services that s6-rc was told to bring there, separated by commas.
        names: String,
        /// Whether they were to come up.
        up: bool,
        /// What it said, on one line.
        said: String,
    },
    /// Another user owns the state of s6-rc.
    #[error("only {} can start and stop the services of s6-rc, whose state is in {live}", if *owner == 0 { "root".to_owned() } else { format!("user {owner}, or root,") })]
    NotTheirs {
        /// The live directory of s6-rc.
        live: Utf8PathBuf,
        /// Its owner.
        owner: u32,
    },
    /// Something that is not a directory has the name of a service directory.
    #[error("{0} has the name of a service directory and is not one; move it away")]
    InTheWay(Utf8PathBuf),
    /// The service came up, and then went down for good.
    #[error(
        "{service} does not stay up{}; see `{}`",
        last.as_ref().map(|last| format!(" ({last})")).unwrap_or_default(), service.see_log()
    )]
    GaveUp {
        /// The service.
        service: ServiceName,
        /// How it ended, if that is known: `exit 78`, `SIGKILL`.
        last: Option<Ended>,
    },
}

impl S6Error {
    pub(super) fn failed(program: &'static str, arguments: &[&str], said: &Said) -> Self {
        let text = String::from_utf8_lossy(&said.err);
        // The operating system refuses the same to every caller. Each program of s6 names the path that it works on last.
        if said.code == Some(111) && text.trim_end().ends_with("Permission denied") {
            let action = if matches!(program, "s6-svstat" | "s6-svdt") { "look at" } else { "control" };
            let within = if program == "s6-svscanctl" { ".s6-svscan" } else { "supervise" };
            let path = Utf8Path::new(arguments.last().copied().unwrap_or_default());
            let error = SystemError::new(action, path.join(within), ErrorKind::PermissionDenied.into());
            return Self::System(SystemError { path: path.to_owned(), ..error });
        }
        let lines: Vec<&str> =
            text.lines().map(|line| line.trim_start_matches(program).trim_start_matches(": ")).collect();
        Self::Failed { program, arguments: arguments.join(" "), code: said.code.unwrap_or(-1), said: lines.join(", ") }
    }

    /// The error that says that this service does not exist.
    pub(crate) fn absent(service: &ServiceName, scandir: &Utf8Path) -> Self {
        let scandir = scandir.to_owned();
        match service {
            ServiceName::Gateway(profile) => Self::NoGateway { profile: profile.clone(), scandir, near: None },
            service => Self::NoService { service: service.clone(), scandir },
        }
    }

    /// The profile whose gateway does not exist, if that is the error.
    pub(crate) fn absent_profile(&self) -> Option<&ProfileName> {
        match self {
            Self::NoGateway { profile, .. } => Some(profile),
            _ => None,
        }
    }

    /// The same error, with the service that the person probably meant.
    pub(crate) fn meant(self, near: Option<ServiceName>) -> Self {
        match self {
            Self::NoGateway { profile, scandir, .. } => Self::NoGateway { profile, scandir, near },
            error => error,
        }
    }

    /// Whether the error is that a service does not exist.
    pub(crate) fn is_absence(&self) -> bool {
        matches!(self, Self::NoGateway { .. } | Self::NoService { .. })
    }

    /// Whether the operating system refused the step to this user.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            Self::System(error) => error.is_refusal(),
            _ => false,
        }
    }

    /// Whether the caller has to change its input, rather than the machine.
    pub(crate) fn is_usage(&self) -> bool {
        matches!(self, Self::NoProgram { .. } | Self::Scandir { .. } | Self::Unfit(_))
    }

    /// The signal that ended the run, if one did.
    pub(crate) fn signal(&self) -> Option<Signal> {
        match self {
            Self::Wait(error) => error.signal(),
            _ => None,
        }
    }
}

impl From<DiskError> for S6Error {
    fn from(error: DiskError) -> Self {
        match error {
            DiskError::System(error) => Self::System(error),
            DiskError::Wait(error) => Self::Wait(error),
            DiskError::Taken(path) => Self::Registered { path, different: false },
        }
    }
}

/// Why a staging tree is not published.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{} {problem}; {remedy}", Plain(path.as_str()))]
pub struct Unfit {
    /// The entry.
    pub path: Utf8PathBuf,
    /// What is wrong with it.
    pub problem: String,
    /// What to do about it.
    pub remedy: &'static str,
}

impl Unfit {
    pub(super) fn new(path: impl Into<Utf8PathBuf>, problem: impl Into<String>, remedy: &'static str) -> Self {
        Self { path: path.into(), problem: problem.into(), remedy }
    }
}
