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
    /// A program of s6 is not where it was looked for.
    #[error("no {program} in {directory}; give the directory of the s6 programs with --s6-bin-dir")]
    NoProgram {
        /// Where it was looked for.
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
        /// What it was called with.
        arguments: String,
        /// Its exit code (100 wrong usage, 111 a system call failed), or -1 where a signal ended it.
        code: i32,
        /// What it said, on one line.
        said: String,
    },
    /// The scandir is not there, or is no directory.
    #[error("scandir {path} {problem}; give the directory that s6-svscan watches with --scandir")]
    Scandir {
        /// The scandir.
        path: Utf8PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Root is to work in a scandir that somebody else can change.
    #[error(
        "another user can change {path}, or what is above it, and root would follow what that user plants there; {}",
        if *owner == 0 { "chmod go-w what others can write".to_owned() } else { format!("run gatewayctl as user {owner}") }
    )]
    Untrusted {
        /// The scandir.
        path: Utf8PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// No s6-svscan watches the scandir.
    #[error("no s6-svscan watches {0}; start one, or give the directory that it watches with --scandir")]
    NotLive(Utf8PathBuf),
    /// The scandir's file system does not let scripts run.
    #[error(
        "scandir {0} is on a file system that is mounted noexec, where no run script can start; remount it with exec"
    )]
    NoExec(Utf8PathBuf),
    /// A dangling symlink in the scandir.
    #[error("{0} is a dangling symlink, which keeps s6-svscan from seeing anything in its directory; remove it first")]
    Dangling(Utf8PathBuf),
    /// There is no such gateway.
    #[error(
        "no gateway {profile} in {scandir}; {}",
        match near {
            Some(near) => format!("did you mean {}?", near.word()),
            None => "`gatewayctl list` shows those that there are".to_owned(),
        }
    )]
    NoGateway {
        /// The profile.
        profile: ProfileName,
        /// Where it was looked for.
        scandir: Utf8PathBuf,
        /// The service that was probably meant, if somebody has looked for one.
        near: Option<ServiceName>,
    },
    /// There is no dashboard, or no watch.
    #[error(
        "{service} is not in {scandir}; give it a table in the manifest, and install what gen-service renders of it"
    )]
    NoService {
        /// Which one.
        service: ServiceName,
        /// Where it was looked for.
        scandir: Utf8PathBuf,
    },
    /// The service directory is there, but no supervisor runs in it.
    #[error("no supervisor runs in {0}; is its s6-svscan up? `gatewayctl install` or `s6-svscanctl -a` starts one")]
    NotSupervised(Utf8PathBuf),
    /// What s6 asks and tells a supervisor by is somebody else's.
    #[error(
        "another user can change {0}, and root would follow what that user plants there; unregister the gateway and register it again"
    )]
    Foreign(Utf8PathBuf),
    /// Supervisors did not come up.
    #[error(
        "s6-svscan started no supervisor for {path}{} within {seconds} s; taken back, as it probably has no room left: give it \
         more with its option -C (-c before s6 2.13), two for each logged gateway",
        if *others > 0 { format!(" and {others} more") } else { String::new() }
    )]
    NoSupervisor {
        /// The first service directory without.
        path: Utf8PathBuf,
        /// How many more there are.
        others: usize,
        /// How long was waited, in seconds.
        seconds: u64,
    },
    /// The operating system refused a step. What had been done before it was taken back.
    #[error(transparent)]
    System(#[from] SystemError),
    /// Something that was waited for did not happen, or a signal came.
    #[error(transparent)]
    Wait(#[from] WaitError),
    /// The staging tree is not fit for a scandir: everything that is wrong with it.
    #[error("{}", lines(.0))]
    Unfit(Vec<Unfit>),
    /// A service directory of that name is there already.
    #[error(
        "{path} is already registered{}",
        if *.different { " and differs; unregister it first, or use install --update" } else { "; unregister it first" }
    )]
    Registered {
        /// The service directory.
        path: Utf8PathBuf,
        /// Whether it differs from the one that was to be published.
        different: bool,
    },
    /// An isolated gateway has the user of another one.
    #[error(
        "{path} would run as {uid}, the user of {other}, who reads both their homes; give one of them another --uid"
    )]
    OneUser {
        /// The service directory.
        path: Utf8PathBuf,
        /// The other one.
        other: ServiceName,
        /// The user of both.
        uid: Uid,
    },
    /// A service directory of that name is there, and Hermes' own service manager made it.
    #[error("{0} was made by Hermes' own service manager; register --adopt takes it over, and so does reconcile")]
    HermesOwn(Utf8PathBuf),
    /// A service of s6-rc's is to be changed in another way than by its definition.
    #[error(
        "{0} is s6-rc's, by the definitions of the image; change those, and build the image again or let s6-rc-update take them over"
    )]
    OfS6Rc(Utf8PathBuf),
    /// s6-rc could not bring services to a state.
    #[error("s6-rc could not bring {} {names}{}", if *up { "up" } else { "down" }, if said.is_empty() { String::new() } else { format!(": {said}") })]
    Transition {
        /// The services that it was told, with commas between them.
        names: String,
        /// Whether they were to be up.
        up: bool,
        /// What it said, on one line.
        said: String,
    },
    /// The state of s6-rc is somebody else's.
    #[error("only {} can start and stop what s6-rc runs, whose state is in {live}", if *owner == 0 { "root".to_owned() } else { format!("user {owner}, or root,") })]
    NotTheirs {
        /// Where it is.
        live: Utf8PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// Something that is no directory has the name of a service directory.
    #[error("{0} is in the way, and is no service directory; move it away")]
    InTheWay(Utf8PathBuf),
    /// The service came up and went down for good.
    #[error(
        "{service} does not stay up{}; see `{}`",
        last.as_ref().map(|last| format!(" ({last})")).unwrap_or_default(), service.see_log()
    )]
    GaveUp {
        /// Which one.
        service: ServiceName,
        /// How it ended, where known: `exit 78`, `SIGKILL`.
        last: Option<Ended>,
    },
}

impl S6Error {
    pub(super) fn failed(program: &'static str, arguments: &[&str], said: &Said) -> Self {
        let text = String::from_utf8_lossy(&said.err);
        // What the operating system refuses a program of s6 it refuses whoever calls it. All of them name what they work on last.
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

    /// That this service is not there.
    pub(crate) fn absent(service: &ServiceName, scandir: &Utf8Path) -> Self {
        let scandir = scandir.to_owned();
        match service {
            ServiceName::Gateway(profile) => Self::NoGateway { profile: profile.clone(), scandir, near: None },
            service => Self::NoService { service: service.clone(), scandir },
        }
    }

    /// The profile whose gateway is not there, if that is what is wrong.
    pub(crate) fn absent_profile(&self) -> Option<&ProfileName> {
        match self {
            Self::NoGateway { profile, .. } => Some(profile),
            _ => None,
        }
    }

    /// The same, with the service that was probably meant.
    pub(crate) fn meant(self, near: Option<ServiceName>) -> Self {
        match self {
            Self::NoGateway { profile, scandir, .. } => Self::NoGateway { profile, scandir, near },
            error => error,
        }
    }

    /// Whether what was named is not there.
    pub(crate) fn is_absence(&self) -> bool {
        matches!(self, Self::NoGateway { .. } | Self::NoService { .. })
    }

    /// Whether the operating system refused it to this user.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            Self::System(error) => error.is_refusal(),
            _ => false,
        }
    }

    /// Whether the one who called is to change something, rather than the machine.
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
