//! A line of a log, and its time.

use std::cmp::Ordering;

/// A line of a log, or a piece of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// The time of the line, or else of the last line before it that has one, as s6-log writes it; empty if there is none.
    pub(super) when: String,
    /// What the file holds, without the end of the line.
    pub(super) bytes: Vec<u8>,
    /// Whether the line is longer, and goes on in the next piece.
    pub(super) cut: bool,
}

impl Line {
    /// The time that s6-log has put before the line, if it has, and what the line says. What is not UTF-8 is U+FFFD.
    pub(super) fn parts(&self) -> (Option<String>, String) {
        let text = String::from_utf8_lossy(&self.bytes);
        let (at, line) = timed(&text);
        (at.map(str::to_owned), line.to_owned())
    }
}

/// Lines stand in the order of their times. Lines of one log never change places, since the time of none is before that of the one before it.
impl Ord for Line {
    fn cmp(&self, other: &Self) -> Ordering {
        self.when.cmp(&other.when)
    }
}

impl PartialOrd for Line {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// How s6-log writes a time (its directive `T`: <https://skarnet.org/software/s6/s6-log.html>).
const FORM: &str = "0000-00-00 00:00:00.000000000";

/// The time at the beginning of a line, if there is one.
pub(super) fn time(line: &[u8]) -> Option<&str> {
    line.get(..FORM.len()).and_then(|at| std::str::from_utf8(at).ok()).filter(|at| is_time(at))
}

fn is_time(at: &str) -> bool {
    at.len() == FORM.len()
        && at.chars().zip(FORM.chars()).all(|(c, form)| if form == '0' { c.is_ascii_digit() } else { c == form })
}

/// The time that s6-log has put before a line, and the line.
fn timed(line: &str) -> (Option<&str>, &str) {
    match line.split_once("  ") {
        Some((at, rest)) if is_time(at) => (Some(at), rest),
        _ => (None, line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: &str = "2026-11-28 21:03:00.123456789";

    #[test]
    fn times_of_s6_log() {
        assert_eq!(timed(&format!("{AT}  up  and running")), (Some(AT), "up  and running"));
        for line in ["", "up  and running", "2026-11-28 21:03:00.12345678x  up", "é026-11-28 21:03:00.12345678  up"] {
            assert_eq!(timed(line), (None, line));
        }
    }
}
