//! A mistake in what a person wrote, and where it stands.

use std::fmt;
use std::io;

use camino::Utf8PathBuf;
use thiserror::Error;

use crate::base::text::{Plain, Shown, lines, reason};
use crate::spec::SpecError;

/// What a person wrote is wrong: every mistake that was found, in the order of the input, at least one.
#[derive(Debug, Error)]
#[error("{}", lines(.0))]
pub struct SourceError(pub Vec<Mistake>);

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
            Self::File(path) => write!(f, "{}: ", Plain(path.as_str())),
            Self::Line(path, line) => write!(f, "{}:{line}: ", Plain(path.as_str())),
            Self::Column(path, line, column) => write!(f, "{}:{line}:{column}: ", Plain(path.as_str())),
        }
    }
}

/// What is wrong there.
#[derive(Debug, Error)]
pub enum Problem {
    /// A name, an option, a variable, a port or a selection.
    #[error(transparent)]
    Spec(SpecError),
    /// A line of an environment file.
    #[error(transparent)]
    EnvFile(#[from] EnvFileError),
    /// The grammar of TOML.
    #[error("{0}")]
    Toml(String),
    /// The grammar of a manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// An input file that cannot be read.
    #[error("cannot be read: {}", reason(.0))]
    Unreadable(#[source] io::Error),
}

impl<E: Into<SpecError>> From<E> for Problem {
    fn from(error: E) -> Self {
        Self::Spec(error.into())
    }
}

/// What is wrong with a line of an environment file, beside its name or its value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EnvFileError {
    /// There is no `=`.
    #[error("{} has no =; write NAME=VALUE, since a value is never taken from the environment of gen-service", Shown(.0))]
    NoEquals(String),
    /// The file is not UTF-8.
    #[error("the line is not UTF-8; save the file as UTF-8")]
    NotUtf8,
}

/// What is wrong with the structure of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ManifestError {
    /// A key that means nothing here.
    #[error("unknown key {}; {hint}", Shown(key))]
    UnknownKey {
        /// The key.
        key: String,
        /// The one that was probably meant, or all that there are.
        hint: String,
    },
    /// A value of another type than the key takes.
    #[error("{} is {found}; write {wanted}", Plain(key))]
    Type {
        /// The key.
        key: String,
        /// What stands there, with its article.
        found: &'static str,
        /// What to write.
        wanted: &'static str,
    },
    /// For all gateways at once, what each has for itself.
    #[error("{0} cannot have a default, since every gateway needs its own; give it in [gateways.<profile>]")]
    OfOne(&'static str),
    /// For one, what all have alike.
    #[error("{0} is one for all that is rendered; give it in [defaults]")]
    OfAll(String),
    /// Brackets that are nested deeper than the parser can go.
    #[error("from here on more than {most} brackets are open at once; look for one that is not closed")]
    Nesting {
        /// So many may be.
        most: usize,
    },
    /// There is nothing to render, which more likely is a mistake than meant.
    #[error("the manifest names no gateway, dashboard or watch; add a table such as [gateways.coder]")]
    Empty,
}
