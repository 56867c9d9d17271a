//! Reads the files that a person wrote: manifests and environment files.

#![expect(clippy::disallowed_methods, reason = "a person named these files")]

use std::fs::File;
use std::io::{self, Read as _};

use camino::Utf8Path;

use super::env_file::parse;
use super::mistake::{EnvFileError, Mistake, Place, Problem, SourceError};
use crate::spec::environment::Environment;

/// No such file has more than 64 MiB. This limit catches a device that never ends.
const MOST: u64 = 64 << 20;

/// The name of standard input on a command line, and in a message.
const STANDARD_INPUT: (&str, &str) = ("-", "standard input");

/// The text of a file, or of standard input for `-`, and its name in messages.
///
/// # Errors
/// One mistake: in the whole file, or in the first line that is not UTF-8.
pub(crate) fn read(path: &Utf8Path) -> Result<(&Utf8Path, String), SourceError> {
    let (path, bytes) = if path == STANDARD_INPUT.0 {
        (Utf8Path::new(STANDARD_INPUT.1), bytes(io::stdin()))
    } else {
        (path, File::open(path).and_then(bytes))
    };
    let text = text(path, bytes).map_err(|mistake| SourceError(vec![mistake]))?;
    Ok((path, text))
}

/// The entries of an environment file.
///
/// # Errors
/// Every mistake in it.
pub(crate) fn env_file(path: &Utf8Path) -> Result<Environment, Vec<Mistake>> {
    let text = text(path, File::open(path).and_then(bytes)).map_err(|mistake| vec![mistake])?;
    parse(&text).map_err(|mistakes| {
        let at = |(line, problem)| Mistake::at(Place::Line(path.to_owned(), line), problem);
        mistakes.into_iter().map(at).collect()
    })
}

fn text(path: &Utf8Path, bytes: io::Result<Vec<u8>>) -> Result<String, Mistake> {
    let bytes = bytes.map_err(|error| Mistake::at(Place::File(path.to_owned()), Problem::Unreadable(error)))?;
    String::from_utf8(bytes).map_err(|error| {
        let before = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]);
        let line = before.matches('\n').count() + 1;
        Mistake::at(Place::Line(path.to_owned(), line), EnvFileError::NotUtf8)
    })
}

fn bytes(input: impl io::Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(MOST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 64 MiB"));
    }
    Ok(bytes)
}
