//! s6, through its own programs, each called by absolute path: `/command` is on PATH only inside the supervision tree.

#![expect(clippy::disallowed_methods, reason = "the programs of s6, as whoever calls them")]

mod process;
mod room;
pub(crate) mod scandir;
mod script;
mod service;
mod wait;

pub(crate) use process::Svscan;
pub(crate) use room::Room;
pub use scandir::Scandir;
pub(crate) use script::RunScript;
pub use service::{LiveService, Status};
pub use wait::Interrupted;
pub(crate) use wait::Patience;

use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};
use thiserror::Error;

use crate::child::{self, Said};

/// Where s6-overlay has the programs of s6.
pub const DEFAULT_BIN_DIR: &str = "/command";

/// Where s6-overlay's s6-svscan looks.
pub const DEFAULT_SCANDIR: &str = "/run/service";

/// The programs of s6.
#[derive(Debug, Clone)]
pub struct Programs {
    directory: Utf8PathBuf,
}

impl Programs {
    /// The programs in this directory.
    ///
    /// # Errors
    /// Where one that is needed is not there.
    pub fn new(directory: &Utf8Path) -> Result<Self, S6Error> {
        for program in ["s6-svscanctl", "s6-svc", "s6-svstat", "s6-svdt", "s6-svdt-clear", "s6-svperms"] {
            match std::fs::metadata(directory.join(program)) {
                Ok(metadata) if metadata.is_file() => {}
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                    return Err(S6Error::Call { program: directory.join(program), source });
                }
                _ => return Err(S6Error::NoProgram { directory: directory.to_owned(), program }),
            }
        }
        let directory = directory.canonicalize_utf8().unwrap_or_else(|_| directory.to_owned());
        Ok(Self { directory })
    }

    /// Where a program is.
    pub(crate) fn path(&self, program: &str) -> Utf8PathBuf {
        self.directory.join(program)
    }

    /// Whether there is such a program.
    pub(crate) fn has(&self, program: &str) -> bool {
        self.path(program).exists()
    }

    /// Calls a program and gives what it said on standard output.
    ///
    /// # Errors
    /// Where it cannot be called, or ends with another code than 0.
    pub(crate) fn call(&self, program: &'static str, arguments: &[&str]) -> Result<String, S6Error> {
        let said = self.output(program, arguments)?;
        if said.code == Some(0) {
            Ok(String::from_utf8_lossy(&said.out).into_owned())
        } else {
            Err(S6Error::failed(program, arguments, &said))
        }
    }

    fn output(&self, program: &'static str, arguments: &[&str]) -> Result<Said, S6Error> {
        child::output(Command::new(self.directory.join(program)).args(arguments))
            .map_err(|source| S6Error::Call { program: self.directory.join(program), source })
    }
}

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
    #[error("cannot call {program}: {}", crate::error::reason(source))]
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
    #[error("no gateway {profile} in {scandir}; `gatewayctl list` shows those that there are")]
    NoGateway {
        /// The profile.
        profile: crate::profile::ProfileName,
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
    /// Something that was waited for did not happen.
    #[error("waited {seconds} s for {what} in vain; give it longer with --timeout, or look at its log")]
    Timeout {
        /// What was waited for.
        what: String,
        /// How long, in seconds.
        seconds: u64,
    },
    /// A signal came.
    #[error(
        "interrupted by {signal}; {}",
        match left {
            Interrupted::TakenBack => "what was done is taken back",
            Interrupted::Leaving => "what is on its way out goes on, and the next run removes it",
            Interrupted::Told => "what s6 was told stands",
        }
    )]
    Interrupted {
        /// The signal.
        signal: crate::signals::Signal,
        /// What it leaves behind.
        left: Interrupted,
    },
    /// The gateway came up and went down for good.
    #[error(
        "gateway {profile} does not stay up{}; see `gatewayctl logs {profile}`",
        last.as_ref().map(|last| format!(" ({last})")).unwrap_or_default()
    )]
    GaveUp {
        /// The profile.
        profile: crate::profile::ProfileName,
        /// How it ended, where known: `exit 78`, `SIGKILL`.
        last: Option<String>,
    },
}

impl S6Error {
    pub(crate) fn failed(program: &'static str, arguments: &[&str], said: &Said) -> Self {
        let text = String::from_utf8_lossy(&said.err);
        let lines: Vec<&str> =
            text.lines().map(|line| line.trim_start_matches(program).trim_start_matches(": ")).collect();
        Self::Failed { program, arguments: arguments.join(" "), code: said.code.unwrap_or(-1), said: lines.join(", ") }
    }

    pub(crate) fn is_usage(&self) -> bool {
        matches!(self, Self::NoProgram { .. } | Self::Scandir { .. })
    }
}
