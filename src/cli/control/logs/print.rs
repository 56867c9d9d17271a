//! Prints the lines of logs.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::line::Line;
use super::source::Source;
use crate::base::text::Escaping;
use crate::cli::ascii::one_line;
use crate::cli::documents::LogLine;
use crate::cli::outcome::About;
use crate::cli::streams::{Streams, styled};
use crate::error::Error;
use crate::spec::ServiceName;

/// The colours of the names, in turn.
const COLOURS: [AnsiColor; 6] =
    [AnsiColor::Cyan, AnsiColor::Yellow, AnsiColor::Green, AnsiColor::Magenta, AnsiColor::Blue, AnsiColor::BrightRed];

/// Prints lines.
pub(super) struct Printer {
    as_json: bool,
    with_names: bool,
    services: Vec<ServiceName>,
}

impl Printer {
    /// A printer for these logs.
    pub(super) fn new(as_json: bool, with_names: bool, sources: &[Source]) -> Self {
        Self { as_json, with_names, services: sources.iter().map(|source| source.service.clone()).collect() }
    }

    /// Prints a line of the log at this place, as a document or as text. If names are wanted, the name of the service comes before the text, as
    /// in the log of the container.
    pub(super) fn print(&self, place: usize, line: &Line, streams: &mut Streams<'_>) -> Result<(), Error> {
        let service = &self.services[place];
        let said = if self.as_json { document(service, line, streams.out) } else { self.text(place, line, streams) };
        said.map_err(Error::Output)
    }

    fn text(&self, place: usize, line: &Line, streams: &mut Streams<'_>) -> io::Result<()> {
        if self.with_names {
            let colour: Style = COLOURS[place % COLOURS.len()].on_default();
            let name = format!("{}:", self.services[place].word());
            // Both streams share one buffer.
            write!(streams.out, "{} ", styled(colour, name))?;
        }
        let mut escaping = Escaping::new(&mut *streams.raw);
        let out: &mut dyn Write = if streams.is_terminal { &mut escaping } else { &mut *streams.raw };
        out.write_all(&line.bytes)?;
        out.write_all(b"\n")
    }
}

fn document(service: &ServiceName, line: &Line, out: &mut dyn Write) -> io::Result<()> {
    let (at, text) = line.parts();
    one_line(out, &LogLine { about: About::named(service), at, line: text, cut: line.cut })
}
