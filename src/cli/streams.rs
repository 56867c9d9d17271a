//! The output of the programs: standard output, standard error, styles and JSON.

use std::cell::RefCell;
use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal as _, StdoutLock, Write, stderr, stdout};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::ascii::{one_line, pretty};
use super::documents::{ErrorKind, MessageLevel, Said};
use super::outcome::Outcome;
use crate::base::Observer;
use crate::base::text::{Escaping, Plain};
use crate::error::{Error, Exit};

/// Something bad: an error, or a line that is removed.
pub(super) const RED: Style = AnsiColor::Red.on_default();
/// Something good: a line that is added, or a directory that was written.
pub(super) const GREEN: Style = AnsiColor::Green.on_default();
/// Something to check: a warning.
pub(super) const YELLOW: Style = AnsiColor::Yellow.on_default();
/// A heading.
pub(super) const BOLD: Style = Style::new().bold();
/// Something that matters less.
pub(super) const DIM: Style = Style::new().dimmed();

/// A text in a style.
pub(super) fn styled(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Standard output and standard error of a program. Both take styled text, and drop the styles if the reader does not show them.
pub(super) struct Streams<'a> {
    /// The answer of the command.
    pub out: &'a mut dyn Write,
    /// The same stream without styles, for bytes that somebody else wrote.
    pub raw: &'a mut dyn Write,
    /// Whether standard output is a terminal.
    pub is_terminal: bool,
    /// Errors and progress.
    pub err: &'a mut dyn Write,
    /// Whether a person watches progress on `err`.
    pub progress: bool,
    /// Whether a program reads `err`.
    pub as_json: bool,
}

/// Runs a program with the standard streams of this process, and returns its exit code.
pub(super) fn with_streams(run: impl FnOnce(Streams<'_>) -> u8) -> ExitCode {
    // The stream that strips styles writes in small pieces, so the buffer is below it. Text keeps its order in both streams to the buffer.
    let buffer = Shared(Rc::new(RefCell::new(BufWriter::new(stdout().lock()))));
    let mut raw = buffer.clone();
    let styled: Box<dyn Write> = Box::new(buffer);
    let mut out = AutoStream::new(styled, AutoStream::choice(&stdout()));
    let mut err = anstream::stderr();
    ExitCode::from(run(Streams {
        out: &mut out,
        raw: &mut raw,
        is_terminal: stdout().is_terminal(),
        err: &mut err,
        progress: stderr().is_terminal(),
        // A guess, for wrong arguments. The parsed arguments replace it.
        as_json: std::env::args_os().any(|word| word == "--json"),
    }))
}

#[derive(Clone)]
struct Shared(Rc<RefCell<BufWriter<StdoutLock<'static>>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.borrow_mut().flush()
    }
}

impl Streams<'_> {
    /// Prints a help or an error of clap, and returns its exit code.
    pub(super) fn clap(&mut self, error: &clap::Error) -> u8 {
        let text = error.render();
        if error.use_stderr() && self.as_json {
            let text = text.to_string();
            // The usage follows after an empty line.
            let lines: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
            let message = lines.join(" ");
            self.message(MessageLevel::Error, Some(ErrorKind::Usage), message.trim_start_matches("error: "));
            return Exit::Usage.code();
        }
        let stream: &mut dyn Write = if error.use_stderr() { &mut *self.err } else { &mut *self.out };
        let end = if text.to_string().ends_with('\n') { "" } else { "\n" };
        let said = write!(stream, "{}{end}", text.ansi()).and_then(|()| stream.flush());
        match said {
            Err(cause) if !error.use_stderr() => self.end(Err(Error::Output(cause))),
            _ if error.use_stderr() => Exit::Usage.code(),
            _ => Exit::Done.code(),
        }
    }

    /// Reports how a command ended, and returns the exit code.
    pub(super) fn end(&mut self, result: Result<Outcome, Error>) -> u8 {
        let result = result.and_then(|outcome| self.out.flush().map(|()| outcome).map_err(Error::Output));
        match result {
            Ok(outcome) => outcome.exit().code(),
            // The reader closed the output early, as in `gen-service coder | head -1`.
            Err(Error::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done.code(),
            Err(error) => {
                self.error(&error);
                error.exit().code()
            }
        }
    }

    /// Prints an error, with a line for each mistake.
    pub(super) fn error(&mut self, error: &Error) {
        for line in error.to_string().lines() {
            self.message(MessageLevel::Error, Some(kind(error)), line);
        }
    }

    /// Prints a warning: something is odd, but the command goes on.
    pub(super) fn warning(&mut self, warning: &str) {
        self.message(MessageLevel::Warning, None, warning);
    }

    /// Prints a note: all is well, but the user may not expect it.
    pub(super) fn note(&mut self, note: &str) {
        self.message(MessageLevel::Note, None, note);
    }

    fn message(&mut self, level: MessageLevel, kind: Option<ErrorKind>, message: &str) {
        // Keeps the order of both streams. The end of the run reports a failure to write.
        let _ = self.out.flush();
        message_to(self.err, self.as_json, level, kind, message);
    }

    /// Prints a JSON document.
    pub(super) fn json(&mut self, document: &impl Serialize) -> Result<(), Error> {
        pretty(self.out, document).map_err(Error::Output)
    }

    /// Shows bytes that somebody else wrote. For a terminal, it escapes everything that the terminal would act on.
    pub(super) fn foreign(&mut self, show: impl FnOnce(&mut dyn Write) -> Result<(), Error>) -> Result<(), Error> {
        self.out.flush().map_err(Error::Output)?;
        if self.is_terminal { show(&mut Escaping::new(&mut *self.raw)) } else { show(&mut *self.raw) }
    }

    /// Reports a long run on `err`, unless `quiet`.
    pub(super) fn observer(&mut self, quiet: bool) -> Telling<'_> {
        Telling {
            err: &mut *self.err,
            quiet,
            progress: self.progress && !quiet && !self.as_json,
            as_json: self.as_json,
            began: Instant::now(),
            bar: None,
        }
    }
}

/// Prints a message beside the answer.
fn message_to(err: &mut dyn Write, as_json: bool, level: MessageLevel, kind: Option<ErrorKind>, message: &str) {
    let (word, style) = match level {
        MessageLevel::Error => ("error:", RED.bold()),
        MessageLevel::Warning => ("warning:", YELLOW.bold()),
        MessageLevel::Note => ("note:", DIM.bold()),
        MessageLevel::Progress => ("", Style::new()),
    };
    // If even this fails, nobody can be told.
    let _ = if as_json {
        one_line(err, &Said { level, kind, message: message.to_owned() })
    } else if word.is_empty() {
        writeln!(err, "{}", Plain(message))
    } else {
        writeln!(err, "{} {}", styled(style, word), Plain(message))
    };
}

/// The kind of an error.
fn kind(error: &Error) -> ErrorKind {
    match error.exit() {
        Exit::Signal(_) => ErrorKind::Signal,
        Exit::Usage => ErrorKind::Usage,
        Exit::Absent => ErrorKind::Absent,
        _ if error.is_timeout() => ErrorKind::Timeout,
        _ if error.is_refusal() => ErrorKind::Denied,
        _ => ErrorKind::Failed,
    }
}

/// Reports a long run: a counter for a person who watches, and a line when the run has to wait.
pub(super) struct Telling<'a> {
    err: &'a mut dyn Write,
    quiet: bool,
    progress: bool,
    as_json: bool,
    began: Instant,
    bar: Option<ProgressBar>,
}

impl Telling<'_> {
    /// Prints a line, above the counter if one is shown.
    fn say(&mut self, level: MessageLevel, message: &str) {
        let Self { err, as_json, bar, .. } = self;
        let mut say = || message_to(*err, *as_json, level, None, message);
        match bar {
            Some(bar) => bar.suspend(say),
            None => say(),
        }
    }
}

impl Observer for Telling<'_> {
    fn waiting(&mut self, what: &str) {
        if !self.quiet {
            self.say(MessageLevel::Progress, &format!("waiting for {what}"));
        }
    }

    fn warning(&mut self, what: &str) {
        self.say(MessageLevel::Warning, what);
    }

    fn progress(&mut self, done: usize, total: usize) {
        const PATIENCE: Duration = Duration::from_millis(500);
        if !self.progress || self.bar.is_none() && (self.began.elapsed() < PATIENCE || done == total) {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| counter(total));
        bar.set_position(done as u64);
        if done == total {
            bar.finish_and_clear();
            self.bar = None;
        }
    }
}

/// A counter for a person who watches.
fn counter(total: usize) -> ProgressBar {
    const TEN_TIMES_A_SECOND: u8 = 10;
    let style = ProgressStyle::with_template("{bar:30} {pos} of {len} service directories, {eta} left");
    let bar = ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::stderr_with_hz(TEN_TIMES_A_SECOND));
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
