//! A stand-in for s6-rc, for machines that cannot download the real one. It has the programs that s6-overlay and gatewayctl call, s6-rc-update, which
//! people call, and the two that the services of s6-rc itself run. It does everything that those can notice in the same way: the format of the
//! definitions and its mistakes, the content of a live directory, the order of a change, and the exit codes. The database has its own format, because
//! only these programs read it.

mod change;
mod compile;
mod database;
mod definitions;
mod internal;
mod live;
mod update;

use std::fmt::Display;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, io};

/// The directory of the programs of s6 and execline. `docker build` and `docker exec` do not have it on PATH.
const PROGRAMS: &str = "/command";

/// A failure ends the program with this code, after this line.
#[derive(Debug)]
struct Failure {
    code: u8,
    said: String,
}

/// A mistake in a definition.
fn wrong<T>(said: impl Into<String>) -> Result<T, Failure> {
    Err(Failure { code: 1, said: said.into() })
}

/// An operation at a path that the system refuses.
fn refused<E: Display>(what: &str, path: &Path) -> impl FnOnce(E) -> Failure {
    let said = format!("unable to {what} {}", path.display());
    move |error| Failure { code: 111, said: format!("{said}: {error}") }
}

fn bad_usage(program: &str) -> Failure {
    Failure { code: 100, said: format!("usage: {program}: this stand-in does not take that") }
}

/// The options before the words, as getopt reads them. Some letters have a value.
struct Options {
    given: Vec<(char, Option<String>)>,
    words: Vec<String>,
}

impl Options {
    fn of(program: &str, arguments: &[String], alone: &str, valued: &str) -> Result<Self, Failure> {
        let mut options = Self { given: Vec::new(), words: Vec::new() };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.as_slice().first().filter(|argument| argument.starts_with('-')) {
            arguments.next();
            if argument == "--" {
                break;
            }
            let mut letters = argument[1..].chars();
            while let Some(letter) = letters.next() {
                if alone.contains(letter) {
                    options.given.push((letter, None));
                } else if valued.contains(letter) {
                    let attached = letters.as_str();
                    let value = if attached.is_empty() { arguments.next().cloned() } else { Some(attached.to_owned()) };
                    options.given.push((letter, Some(value.ok_or_else(|| bad_usage(program))?)));
                    break;
                } else {
                    return Err(bad_usage(program));
                }
            }
        }
        options.words = arguments.cloned().collect();
        Ok(options)
    }

    fn has(&self, letter: char) -> bool {
        self.given.iter().any(|(given, _)| *given == letter)
    }

    fn value(&self, letter: char) -> Option<&str> {
        self.given.iter().rev().find(|(given, _)| *given == letter)?.1.as_deref()
    }

    fn number(&self, letter: char, default: u64) -> Result<u64, Failure> {
        let Some(value) = self.value(letter) else { return Ok(default) };
        value.parse().map_err(|_| Failure { code: 100, said: format!("-{letter} takes a number, not {value}") })
    }
}

/// The content of a file, if it exists.
fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => Ok(Some(read.map_err(refused("read", path))?)),
    }
}

fn main() -> ExitCode {
    let mut words = env::args();
    let called = words.next().unwrap_or_default();
    let program = called.rsplit('/').next().unwrap_or_default();
    let arguments: Vec<String> = words.collect();
    let ended = match program {
        "s6-rc-compile" => compile::run(&arguments).map(|()| 0),
        "s6-rc-init" => live::run(&arguments).map(|()| 0),
        "s6-rc" => change::run(&arguments),
        "s6-rc-update" => update::run(&arguments),
        "s6-rc-oneshot-run" => internal::run_oneshot(&arguments),
        "s6-rc-fdholder-filler" => internal::fill().map(|()| 0),
        _ => Err(bad_usage(program)),
    };
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(Failure { code, said }) => {
            eprintln!("{program}: fatal: {said}");
            ExitCode::from(code)
        }
    }
}
