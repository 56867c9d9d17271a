//! `gatewayctl logs`.

use std::io::{self, Write};

use super::args::Common;
use super::common::s6;
use crate::cli::ascii::one_line;
use crate::cli::documents::LogLine;
use crate::cli::outcome::{About, Outcome};
use crate::cli::streams::Streams;
use crate::error::Error;
use crate::spec::ServiceName;
use crate::volume::{Homes, LogDir, owner_of};

/// A line that is longer is cut, since somebody else wrote it: 64 KiB.
const LONGEST: usize = 64 << 10;

pub(super) fn run(
    service: &ServiceName,
    lines: Option<usize>,
    follow: bool,
    common: &Common,
    streams: &mut Streams<'_>,
) -> Result<Outcome, Error> {
    let log = {
        let manager = s6(common, streams)?;
        let live = manager.scandir().service(service)?;
        let volume = Homes::usual().of_service(&live).open()?;
        LogDir::open(&volume, service, owner_of(&live, manager.programs(), &volume))?
    };
    let show = |out: &mut dyn Write| -> Result<(), Error> {
        let shown = log.show(lines, out)?;
        if follow { Ok(log.follow(shown, out)?) } else { Ok(()) }
    };
    if common.json {
        let mut documents = Documents { service, begun: Vec::new(), out: &mut *streams.out };
        show(&mut documents)?;
        documents.end().map_err(Error::Output)?;
    } else {
        streams.foreign(show)?;
    }
    Ok(Outcome::Done)
}

/// Writes each line of a log as a document.
struct Documents<'a> {
    service: &'a ServiceName,
    /// A line whose end has not come yet.
    begun: Vec<u8>,
    out: &'a mut dyn Write,
}

impl Documents<'_> {
    /// Writes what has no end.
    fn end(mut self) -> io::Result<()> {
        let rest = std::mem::take(&mut self.begun);
        if rest.is_empty() { Ok(()) } else { self.line(&rest, false) }
    }

    fn line(&mut self, line: &[u8], cut: bool) -> io::Result<()> {
        let line = String::from_utf8_lossy(line);
        let (at, line) = timed(&line);
        let (at, line) = (at.map(str::to_owned), line.to_owned());
        one_line(self.out, &LogLine { about: About::named(self.service), at, line, cut })
    }
}

impl Write for Documents<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = &bytes[..bytes.len().min(LONGEST)];
        let (line, is_whole) = match piece.iter().position(|&byte| byte == b'\n') {
            Some(end) => (&piece[..=end], true),
            None => (piece, false),
        };
        self.begun.extend_from_slice(line);
        if is_whole || self.begun.len() >= LONGEST {
            let mut whole = std::mem::take(&mut self.begun);
            if is_whole {
                whole.pop();
            }
            self.line(&whole, !is_whole)?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The time that s6-log has put before a line (its directive `T`: <https://skarnet.org/software/s6/s6-log.html>), and the line.
fn timed(line: &str) -> (Option<&str>, &str) {
    const FORM: &str = "0000-00-00 00:00:00.000000000";
    let is_time = |at: &str| {
        at.chars().zip(FORM.chars()).all(|(c, form)| if form == '0' { c.is_ascii_digit() } else { c == form })
    };
    match line.split_once("  ") {
        Some((at, rest)) if at.len() == FORM.len() && is_time(at) => (Some(at), rest),
        _ => (None, line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_s6_log() {
        let at = "2026-11-28 21:03:00.123456789";
        assert_eq!(timed(&format!("{at}  up  and running")), (Some(at), "up  and running"));
        for line in ["", "up  and running", "2026-11-28 21:03:00.12345678x  up", "é026-11-28 21:03:00.12345678  up"] {
            assert_eq!(timed(line), (None, line));
        }
    }

    #[test]
    fn lines_are_documents_wherever_they_are_cut() {
        let service: ServiceName = "coder".parse::<crate::spec::ProfileName>().unwrap().into();
        let said = |pieces: &[&[u8]]| {
            let mut out = Vec::new();
            let mut documents = Documents { service: &service, begun: Vec::new(), out: &mut out };
            for piece in pieces {
                documents.write_all(piece).unwrap();
            }
            documents.end().unwrap();
            let text = String::from_utf8(out).unwrap();
            let values = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
            values.map(|value| (value["line"].as_str().unwrap().to_owned(), value["cut"] == true)).collect::<Vec<_>>()
        };
        let whole = |line: &str| (line.to_owned(), false);
        assert_eq!(said(&[b"a\nb", b"c\n\n", b"d"]), [whole("a"), whole("bc"), whole(""), whole("d")]);
        assert_eq!(said(&[b"\xff\x1b[2J\n"]), [whole("\u{fffd}\u{1b}[2J")]);
        let long = said(&[&vec![b'x'; 2 * LONGEST + 1], b"\n"]);
        let lengths: Vec<(usize, bool)> = long.iter().map(|(line, cut)| (line.len(), *cut)).collect();
        assert_eq!(lengths, [(LONGEST, true), (LONGEST, true), (1, false)]);
    }
}
