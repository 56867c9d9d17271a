//! Where the programs say things, and how.

use std::fmt::Display;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::Outcome;
use crate::error::Error;
use crate::observer::Observer;

/// Something bad: an error, a line that goes.
pub(super) const RED: Style = AnsiColor::Red.on_default();
/// Something good: a line that comes, a directory that was written.
pub(super) const GREEN: Style = AnsiColor::Green.on_default();
/// Something to look at: a warning.
pub(super) const YELLOW: Style = AnsiColor::Yellow.on_default();
/// A heading.
pub(super) const BOLD: Style = Style::new().bold();
/// What matters less.
pub(super) const DIM: Style = Style::new().dimmed();

/// A text in a style.
pub(super) fn styled(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Standard output and error of a program. Both are given styled text; they drop the styles where they do not belong.
pub struct Streams<'a> {
    /// What was asked for.
    pub out: &'a mut dyn Write,
    /// Errors and progress.
    pub err: &'a mut dyn Write,
    /// Whether a person is there to watch progress on `err`.
    pub progress: bool,
}

impl Streams<'_> {
    /// Says what clap has to say, help or error, and returns its exit code.
    pub(super) fn clap(&mut self, error: &clap::Error) -> u8 {
        let text = error.render();
        let stream: &mut dyn Write = if error.use_stderr() { &mut *self.err } else { &mut *self.out };
        let said = write!(stream, "{}", text.ansi()).and_then(|()| stream.flush());
        match said {
            Err(cause) if !error.use_stderr() => self.end(Err(Error::Output(cause))),
            _ => u8::try_from(error.exit_code()).unwrap_or(1),
        }
    }

    /// Says how a command ended, and returns the exit code.
    pub(super) fn end(&mut self, result: Result<Outcome, Error>) -> u8 {
        let result = result.and_then(|outcome| self.out.flush().map(|()| outcome).map_err(Error::Output));
        match result {
            Ok(outcome) => outcome.code(),
            // Who reads the output has seen enough, as in `gen-service coder | head -1`.
            Err(Error::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Err(error) => {
                self.error(&error);
                if error.is_usage() { 2 } else { 1 }
            }
        }
    }

    /// Says what went wrong, one line per mistake.
    pub(super) fn error(&mut self, error: &Error) {
        for line in error.to_string().lines() {
            // There is nobody left to tell where even this fails.
            let _ = writeln!(self.err, "{} {line}", styled(RED.bold(), "error:"));
        }
    }

    /// Says a document in JSON.
    pub(super) fn json(&mut self, document: &impl Serialize) -> Result<(), Error> {
        serde_json::to_writer_pretty(&mut *self.out, document)
            .map_err(io::Error::from)
            .and_then(|()| writeln!(self.out))
            .map_err(Error::Output)
    }

    /// Tells of a long run on `err`, as long as it is wanted.
    pub(super) fn observer(&mut self, quiet: bool) -> Telling<'_> {
        Telling { err: &mut *self.err, quiet, progress: self.progress && !quiet, began: Instant::now(), shown: None }
    }
}

/// Tells of a long run: a counter for a person who watches, and a line for whoever has to wait.
pub(super) struct Telling<'a> {
    err: &'a mut dyn Write,
    quiet: bool,
    progress: bool,
    began: Instant,
    shown: Option<Instant>,
}

impl Observer for Telling<'_> {
    fn waiting(&mut self, what: &str) {
        if !self.quiet {
            let _ = writeln!(self.err, "waiting for {what}");
        }
    }

    fn progress(&mut self, done: usize, total: usize) {
        const PATIENCE: Duration = Duration::from_millis(500);
        const REFRESH: Duration = Duration::from_millis(100);
        if !self.progress {
            return;
        }
        let due = match self.shown {
            None => self.began.elapsed() >= PATIENCE && done < total,
            Some(last) => last.elapsed() >= REFRESH || done == total,
        };
        if due {
            self.shown = Some(Instant::now());
            let end = if done == total { "\r\x1b[K" } else { "" };
            let _ = write!(self.err, "\r{done} of {total} service directories{end}").and_then(|()| self.err.flush());
        }
    }
}
