//! The programs of s6, each called by absolute path: `/command` is on PATH only inside the supervision tree.

#![expect(clippy::disallowed_methods, reason = "the programs of s6, as the user who calls them")]

use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};

use super::error::S6Error;
use crate::base::child::{self, Said};

/// The programs of s6.
#[derive(Debug, Clone)]
pub struct Programs {
    directory: Utf8PathBuf,
}

impl Programs {
    /// The programs of s6 in this directory.
    ///
    /// # Errors
    /// If a program that is needed is missing.
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

    /// The path of a program.
    pub(crate) fn path(&self, program: &str) -> Utf8PathBuf {
        self.directory.join(program)
    }

    /// Whether this program exists.
    pub(crate) fn has(&self, program: &str) -> bool {
        self.path(program).exists()
    }

    /// Calls a program and returns what it wrote to standard output.
    ///
    /// # Errors
    /// If it cannot be called, or if its exit code is not 0.
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
