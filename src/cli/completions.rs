//! Completions: a script for each shell. The script asks the program itself for the next words, so the names of profiles are current.

use std::ffi::OsStr;

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::CompleteEnv;
use clap_complete::engine::CompletionCandidate;
use clap_complete::env::Shells;

use super::outcome::Outcome;
use super::streams::Streams;
use crate::error::Error;

/// The commands that make each shell complete the words of a program.
macro_rules! how_to_install {
    ($program:literal) => {
        concat!(
            "To complete in each new shell:\n",
            "  bash    echo 'source <(",
            $program,
            " completions bash)' >>~/.bashrc\n",
            "  zsh     echo 'source <(",
            $program,
            " completions zsh)' >>~/.zshrc   (after compinit)\n",
            "  fish    ",
            $program,
            " completions fish >~/.config/fish/completions/",
            $program,
            ".fish\n",
            "  elvish  ",
            $program,
            " completions elvish >>~/.config/elvish/rc.elv"
        )
    };
}
pub(super) use how_to_install;

/// The variable with the question of a script. The usual name, `COMPLETE`, could be set for another program.
const VARIABLE: &str = "GEN_SERVICE_COMPLETE";

/// Print a script that completes commands, options and names in your shell
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// Your shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// A shell that can complete.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

impl Completions {
    /// Prints the script.
    pub(super) fn run(&self, program: &str, streams: &mut Streams<'_>) -> Result<Outcome, Error> {
        let (shells, name) = (Shells::builtins(), self.shell.to_possible_value());
        let shell = name.as_ref().and_then(|name| shells.completer(name.get_name()));
        let written = shell
            .map_or(Ok(()), |shell| shell.write_registration(VARIABLE, program, program, program, &mut *streams.out));
        written.map_err(Error::Output).map(|()| Outcome::Done)
    }
}

/// Answers a script that asks for the next words. Returns whether one asked.
///
/// # Errors
/// If the shell of the script is unknown, or nobody reads the answer.
pub(super) fn answers<C: CommandFactory>() -> clap::error::Result<bool> {
    CompleteEnv::with_factory(C::command).var(VARIABLE).try_complete(std::env::args_os(), None)
}

/// The names that begin with this word.
pub(super) fn beginning_with(word: &OsStr, names: impl IntoIterator<Item = String>) -> Vec<CompletionCandidate> {
    let Some(word) = word.to_str() else { return Vec::new() };
    names.into_iter().filter(|name| name.starts_with(word)).map(CompletionCandidate::new).collect()
}

/// The value of an option on the command line that a shell completes. clap tells a completer only the current word.
pub(super) fn given(option: &str) -> Option<String> {
    let mut words = std::env::args_os().filter_map(|word| word.into_string().ok());
    while let Some(word) = words.next() {
        match word.strip_prefix(option) {
            Some("") => return words.next(),
            Some(rest) if rest.starts_with('=') => return Some(rest[1..].to_owned()),
            _ => {}
        }
    }
    None
}
