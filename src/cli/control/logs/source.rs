//! One log, line by line.

use super::filter::Filter;
use super::line::{Line, time};
use crate::spec::ServiceName;
use crate::volume::{Tail, VolumeError};

/// The longest line: 64 KiB. A longer one is cut, because somebody else wrote it.
const LONGEST: usize = 64 << 10;

/// The bytes of one read.
const BLOCK: usize = 16 << 10;

/// The log of one service.
pub(super) struct Source {
    pub(super) service: ServiceName,
    /// Whether reading it failed.
    pub(super) failed: bool,
    tail: Tail,
    lines: Lines,
}

impl Source {
    pub(super) fn new(service: ServiceName, tail: Tail) -> Self {
        Self { service, failed: false, tail, lines: Lines::default() }
    }

    /// The next old line that passes the filter. Without `follow`, the last line may lack its end.
    pub(super) fn past(&mut self, filter: &Filter<'_>, follow: bool) -> Result<Option<Line>, VolumeError> {
        loop {
            let line = match self.lines.next(|block| self.tail.past(block))? {
                None if !follow => self.lines.rest(),
                line => line,
            };
            match line {
                Some(line) if !filter.passes(&line) => {}
                line => return Ok(line),
            }
        }
    }

    /// The next new line, if there is one.
    pub(super) fn next(&mut self) -> Result<Option<Line>, VolumeError> {
        self.lines.next(|block| self.tail.next(block))
    }
}

/// Splits blocks into lines.
#[derive(Default)]
struct Lines {
    /// The last block, and how much of it is used.
    block: Vec<u8>,
    used: usize,
    /// A line whose end has not come yet.
    begun: Vec<u8>,
    when: String,
}

impl Lines {
    /// The next line. `None` if `read` gives nothing.
    fn next(
        &mut self,
        mut read: impl FnMut(&mut [u8]) -> Result<usize, VolumeError>,
    ) -> Result<Option<Line>, VolumeError> {
        loop {
            if self.used == self.block.len() {
                self.block.resize(BLOCK, 0);
                let length = read(&mut self.block);
                self.used = 0;
                self.block.truncate(*length.as_ref().unwrap_or(&0));
                if length? == 0 {
                    return Ok(None);
                }
            }
            let new = &self.block[self.used..];
            let new = &new[..new.len().min(LONGEST - self.begun.len())];
            let end = new.iter().position(|&byte| byte == b'\n');
            self.begun.extend_from_slice(&new[..end.unwrap_or(new.len())]);
            self.used += end.map_or(new.len(), |end| end + 1);
            if end.is_some() || self.begun.len() == LONGEST {
                return Ok(Some(self.line(end.is_none())));
            }
        }
    }

    /// The last line, if it lacks its end.
    fn rest(&mut self) -> Option<Line> {
        (!self.begun.is_empty()).then(|| self.line(false))
    }

    fn line(&mut self, cut: bool) -> Line {
        let bytes = std::mem::take(&mut self.begun);
        if let Some(at) = time(&bytes).filter(|at| **at > *self.when) {
            at.clone_into(&mut self.when);
        }
        Line { when: self.when.clone(), bytes, cut }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: &str = "2026-11-28 21:03:00.123456789";

    /// The lines of these blocks.
    fn lines(blocks: &[&[u8]]) -> Vec<Line> {
        let mut blocks = blocks.iter().flat_map(|block| block.chunks(BLOCK));
        let mut lines = Lines::default();
        let mut found = Vec::new();
        let mut read = |buffer: &mut [u8]| {
            let block = blocks.next().unwrap_or_default();
            buffer[..block.len()].copy_from_slice(block);
            Ok(block.len())
        };
        while let Some(line) = lines.next(&mut read).unwrap() {
            found.push(line);
        }
        found.extend(lines.rest());
        found
    }

    fn said(blocks: &[&[u8]]) -> Vec<(String, bool)> {
        lines(blocks).iter().map(|line| (line.parts().1, line.cut)).collect()
    }

    #[test]
    fn lines_are_found_wherever_they_are_cut() {
        let whole = |line: &str| (line.to_owned(), false);
        assert_eq!(said(&[b"a\nb", b"c\n\n", b"d"]), [whole("a"), whole("bc"), whole(""), whole("d")]);
        assert_eq!(said(&[b"\xff\x1b[2J\n"]), [whole("\u{fffd}\u{1b}[2J")]);
        let long = said(&[&vec![b'x'; 2 * LONGEST + 1], b"\n"]);
        let lengths: Vec<(usize, bool)> = long.iter().map(|(line, cut)| (line.len(), *cut)).collect();
        assert_eq!(lengths, [(LONGEST, true), (LONGEST, true), (1, false)]);
    }

    #[test]
    fn a_line_without_a_time_has_that_of_the_line_before_it() {
        let later = AT.replace("21:03", "21:04");
        let text = format!("first\n{later}  a\nTraceback\n{AT}  the clock went back\n");
        let when: Vec<String> = lines(&[text.as_bytes()]).into_iter().map(|line| line.when).collect();
        assert_eq!(when, ["", &later, &later, &later]);
    }
}
