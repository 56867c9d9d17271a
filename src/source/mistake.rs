//! A mistake in what a person wrote, with its place.

use std::fmt;
use std::io;

use camino::Utf8PathBuf;
use thiserror::Error;

use crate::base::text::{Plain, Shown, lines, reason};
use crate::spec::SpecError;

/// A person wrote something wrong: every mistake that was found, in the order of the input. There is at least one.
#[derive(Debug, Error)]
#[error("{}", lines(.0))]
pub struct SourceError(pub Vec<Mistake>);

/// One mistake in the input, with its place.
#[derive(Debug, Error)]
#[error("{place}{problem}")]
pub struct Mistake {
    /// Its place.
    pub place: Place,
    /// What is wrong.
    pub problem: Problem,
}

impl Mistake {
    pub(crate) fn at(place: Place, problem: impl Into<Problem>) -> Self {
        Self { place, problem: problem.into() }
    }
}

/// The place of a mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// On the command line. The message names the option.
    CommandLine,
    /// In a file as a whole.
    File(Utf8PathBuf),
    /// On a line of a file. Lines are counted from 1.
    Line(Utf8PathBuf, usize),
    /// At a character of a file. Line and column are counted from 1, the column in characters.
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

/// What is wrong.
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
    /// An input file cannot be read.
    #[error("cannot be read: {}", reason(.0))]
    Unreadable(#[source] io::Error),
}

impl<E: Into<SpecError>> From<E> for Problem {
    fn from(error: E) -> Self {
        Self::Spec(error.into())
    }
}

/// What is wrong with a line of an environment file, other than its name or its value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EnvFileError {
    /// There is no `=`.
    #[error("{} has no =; write NAME=VALUE, because gen-service takes no value from its own environment", Shown(.0))]
    NoEquals(String),
    /// The file is not UTF-8.
    #[error("the line is not UTF-8; save the file as UTF-8")]
    NotUtf8,
}

/// What is wrong with the structure of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ManifestError {
    /// A key has no meaning here.
    #[error("unknown key {}; {hint}", Shown(key))]
    UnknownKey {
        /// The key.
        key: String,
        /// The key that the person probably meant, or all known keys.
        hint: String,
    },
    /// A value has a type that the key does not take.
    #[error("{} is {found}; write {wanted}", Plain(key))]
    Type {
        /// The key.
        key: String,
        /// The type of the value, with its article.
        found: &'static str,
        /// What to write.
        wanted: &'static str,
    },
    /// `[defaults]` has a key that each gateway must have for itself.
    #[error("{0} cannot have a default, because every gateway needs its own; give it in [gateways.<profile>]")]
    OfOne(&'static str),
    /// One gateway has a key that is the same for all.
    #[error("{0} is the same for all services; give it in [defaults]")]
    OfAll(String),
    /// Brackets are nested deeper than the parser can go.
    #[error("more than {most} brackets are open at once from here on; close one of them")]
    Nesting {
        /// The limit.
        most: usize,
    },
    /// Nothing would be rendered, which is probably a mistake.
    #[error("the manifest names no gateway, dashboard or watch; add a table such as [gateways.coder]")]
    Empty,
}
