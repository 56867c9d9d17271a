//! Where the programs say things, and how.

use std::cell::RefCell;
use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal as _, StdoutLock, Write, stderr, stdout};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter};

use super::outcome::Outcome;
use crate::base::Observer;
use crate::base::text::{Escaping, Plain, is_plain};
use crate::error::Error;

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

/// Standard output and error of a program. Both are given styled text; they drop the styles if they do not belong there.
pub(super) struct Streams<'a> {
    /// What was asked for.
    pub out: &'a mut dyn Write,
    /// The same, below the styles: for the bytes of somebody else, which are no styled text.
    pub raw: &'a mut dyn Write,
    /// Whether those bytes would reach a terminal.
    pub is_terminal: bool,
    /// Errors and progress.
    pub err: &'a mut dyn Write,
    /// Whether a person is there to watch progress on `err`.
    pub progress: bool,
}

/// Runs a program with the standard streams of this process, and gives its exit code.
pub(super) fn with_streams(run: impl FnOnce(Streams<'_>) -> u8) -> ExitCode {
    // The buffer is below the stream that strips styles, which writes in small pieces; both ways into it keep their order.
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
                error.exit_code()
            }
        }
    }

    /// Says what went wrong, one line per mistake.
    pub(super) fn error(&mut self, error: &Error) {
        for line in error.to_string().lines() {
            self.complain(RED, "error:", line);
        }
    }

    /// Says what is odd and stops nothing.
    pub(super) fn warning(&mut self, warning: &str) {
        self.complain(YELLOW, "warning:", warning);
    }

    /// Something that whoever asked may not expect, although all is well.
    pub(super) fn note(&mut self, note: &str) {
        self.complain(DIM, "note:", note);
    }

    fn complain(&mut self, style: Style, word: &str, line: &str) {
        // There is nobody left to tell if even this fails.
        let _ = writeln!(self.err, "{} {}", styled(style.bold(), word), Plain(line));
    }

    /// Says a document in JSON.
    pub(super) fn json(&mut self, document: &impl Serialize) -> Result<(), Error> {
        let mut serializer = serde_json::Serializer::with_formatter(&mut *self.out, Ascii(PrettyFormatter::new()));
        document
            .serialize(&mut serializer)
            .map_err(io::Error::from)
            .and_then(|()| writeln!(self.out))
            .map_err(Error::Output)
    }

    /// Shows the bytes of somebody else: untouched, but to a terminal with everything escaped that it would act on.
    pub(super) fn foreign(&mut self, show: impl FnOnce(&mut dyn Write) -> Result<(), Error>) -> Result<(), Error> {
        self.out.flush().map_err(Error::Output)?;
        if self.is_terminal { show(&mut Escaping::new(&mut *self.raw)) } else { show(&mut *self.raw) }
    }

    /// Tells of a long run on `err`, as long as it is wanted.
    pub(super) fn observer(&mut self, quiet: bool) -> Telling<'_> {
        Telling { err: &mut *self.err, quiet, progress: self.progress && !quiet, began: Instant::now(), shown: None }
    }
}

/// Pretty JSON in which nothing is left that a terminal acts on: JSON itself escapes no more than the first 32 characters.
struct Ascii<'a>(PrettyFormatter<'a>);

impl Formatter for Ascii<'_> {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        for c in fragment.chars() {
            if is_plain(c) {
                writer.write_all(c.encode_utf8(&mut [0; 4]).as_bytes())?;
            } else {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
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
            let _ = writeln!(self.err, "waiting for {}", Plain(what));
        }
    }

    fn warning(&mut self, what: &str) {
        // There is nobody left to tell if even this fails.
        let _ = writeln!(self.err, "{} {}", styled(YELLOW.bold(), "warning:"), Plain(what));
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
