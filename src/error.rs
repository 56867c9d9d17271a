//! What can go wrong, and how it is said: one lower-case sentence that names the thing and the next step.
//!
//! The small errors live beside the types that give them ([`ProfileNameError`], [`OptionError`], …); this file joins
//! them into the one [`enum@Error`] that a program ends with.

use std::fmt;
use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use thiserror::Error;

use crate::env_file::EnvFileError;
use crate::environment::EnvironmentError;
use crate::options::OptionError;
use crate::ports::PortError;
use crate::profile::ProfileNameError;

/// A failure of a whole command, with the exit code that the programs promise.
#[derive(Debug, Error)]
pub enum Error {
    /// The input is wrong: every mistake that was found, in the order of the input. Nothing was written.
    #[error("{}", lines(.0))]
    Input(Vec<Mistake>),

    /// The target holds what must not be touched: every obstacle that was found. Nothing was written.
    #[error("{}", lines(.0))]
    Target(Vec<TargetError>),

    /// The operating system refused a step. What had been written before it was taken back.
    #[error("cannot {action} {path}: {}", reason(.source))]
    System {
        /// What was tried, as an infinitive: `create`, `write`, `rename`.
        action: &'static str,
        /// What it was tried on.
        path: Utf8PathBuf,
        /// What the operating system said.
        source: io::Error,
    },

    /// The staging tree is not fit for a scandir: everything that is wrong with it.
    #[error("{}", lines(.0))]
    Unfit(Vec<crate::publish::Unfit>),

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

    /// Something that is no directory has the name of a service directory.
    #[error("{0} is in the way, and is no service directory; move it away")]
    InTheWay(Utf8PathBuf),

    /// s6, or one of its programs.
    #[error(transparent)]
    S6(#[from] crate::s6::S6Error),

    /// The volume, or what was to be done there.
    #[error(transparent)]
    Volume(#[from] crate::volume::VolumeError),

    /// The service manager of a host, or one of its programs.
    #[error(transparent)]
    Host(#[from] crate::manager::HostError),

    /// The service manager does not do that.
    #[error(transparent)]
    Unsupported(#[from] crate::manager::Unsupported),

    /// What the program has to say could not be written to standard output.
    #[error("cannot write to standard output: {}", reason(.0))]
    Output(#[source] io::Error),
}

impl Error {
    /// The signal that ended the run, if one did.
    pub fn signal(&self) -> Option<crate::signals::Signal> {
        match self {
            Self::S6(crate::s6::S6Error::Interrupted { signal, .. }) => Some(*signal),
            _ => None,
        }
    }

    /// Whether the one who called is to change something (exit code 2), rather than the machine (exit code 1).
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Input(_) | Self::Target(_) | Self::Unfit(_) => true,
            Self::S6(error) => error.is_usage(),
            Self::Volume(error) => error.is_usage(),
            _ => false,
        }
    }
}

/// Lets `io::Result` be given its context in one call: what was tried, and on what.
pub(crate) trait Context<T> {
    fn context(self, action: &'static str, path: impl AsRef<Utf8Path>) -> Result<T, Error>;
}

impl<T, E: Into<io::Error>> Context<T> for Result<T, E> {
    fn context(self, action: &'static str, path: impl AsRef<Utf8Path>) -> Result<T, Error> {
        self.map_err(|source| Error::System { action, path: path.as_ref().to_owned(), source: source.into() })
    }
}

/// One mistake in the input, and where it stands.
#[derive(Debug, Error)]
#[error("{place}{problem}")]
pub struct Mistake {
    /// Where it stands.
    pub place: Place,
    /// What is wrong there.
    pub problem: Problem,
}

impl Mistake {
    pub(crate) fn at(place: Place, problem: impl Into<Problem>) -> Self {
        Self { place, problem: problem.into() }
    }
}

/// Where a mistake stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// On the command line; the message names the option.
    CommandLine,
    /// In a file as a whole.
    File(Utf8PathBuf),
    /// On a line of a file; lines are counted from 1.
    Line(Utf8PathBuf, usize),
    /// At a character of a file; line and column are counted from 1, the column in characters.
    Column(Utf8PathBuf, usize, usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine => Ok(()),
            Self::File(path) => write!(f, "{path}: "),
            Self::Line(path, line) => write!(f, "{path}:{line}: "),
            Self::Column(path, line, column) => write!(f, "{path}:{line}:{column}: "),
        }
    }
}

/// What is wrong with the input.
#[derive(Debug, Error)]
pub enum Problem {
    /// A profile name.
    #[error(transparent)]
    Profile(#[from] ProfileNameError),
    /// A profile that is named twice.
    #[error("profile {0} is named twice; name it once")]
    ProfileTwice(crate::profile::ProfileName),
    /// The value of an option.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// An environment entry or a secret.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// A line of an environment file.
    #[error(transparent)]
    EnvFile(#[from] EnvFileError),
    /// Two gateways on one port.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The grammar of TOML.
    #[error("{0}")]
    Toml(String),
    /// The grammar of a manifest.
    #[error(transparent)]
    Manifest(#[from] crate::manifest::ManifestError),
    /// Which profiles a container takes.
    #[error(transparent)]
    Selection(#[from] crate::boot::SelectionError),
    /// An input file that cannot be read.
    #[error("cannot be read: {}", reason(.0))]
    Unreadable(#[source] io::Error),
}

/// Why a target directory, or something in it, is left alone.
#[derive(Debug, Error)]
pub enum TargetError {
    /// `--out` names something that is not a directory.
    #[error("{path} is {kind}, not a directory; give --out another path")]
    NotADirectory {
        /// What `--out` named.
        path: Utf8PathBuf,
        /// What stands there: `a file`, `a dangling symlink`.
        kind: &'static str,
    },
    /// Something that gen-service did not write stands where a service directory would go.
    #[error("{path} {reason}; move it away, or overwrite it with --force")]
    Foreign {
        /// What stands there.
        path: Utf8PathBuf,
        /// Why it is not taken for one of gen-service's own: `is a symlink`, `holds notes.txt, which …`.
        reason: String,
    },
    /// A supervisor runs in the directory that would be replaced, or did once.
    #[error("{path} holds supervise, so it may be live; render into another directory and publish from there")]
    Live {
        /// The live service directory.
        path: Utf8PathBuf,
    },
}

/// What the operating system said, in the style of the other messages: lower case, without Rust's error number.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => String::new(),
    }
}

fn lines(items: &[impl fmt::Display]) -> String {
    let lines: Vec<String> = items.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// A piece of input as it is shown in a message: on one line, with control characters escaped, and not too long.
pub(crate) struct Shown<'a>(pub(crate) &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 60;
        match self.0.char_indices().nth(MOST) {
            Some((end, _)) => write!(f, "{:?}…", &self.0[..end]),
            None => write!(f, "{:?}", self.0),
        }
    }
}
