//! A line of a log, and its time.

use std::cmp::Ordering;

/// A line of a log, or a piece of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// The time of the line as s6-log writes it. A line without a time has that of the line before it. Empty if no line has one.
    pub(super) when: String,
    /// The bytes of the file, without the end of the line.
    pub(super) bytes: Vec<u8>,
    /// Whether the line goes on in the next piece.
    pub(super) cut: bool,
}

impl Line {
    /// The time that s6-log put before the line, if any, and the text of the line. Bytes that are not UTF-8 become U+FFFD.
    pub(super) fn parts(&self) -> (Option<String>, String) {
        let text = String::from_utf8_lossy(&self.bytes);
        let (at, line) = timed(&text);
        (at.map(str::to_owned), line.to_owned())
    }
}

/// Lines are in the order of their times. The lines of one log keep their order, because `when` never goes back.
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

/// The form of a time of s6-log (its directive `T`: <https://skarnet.org/software/s6/s6-log.html>).
const FORM: &str = "0000-00-00 00:00:00.000000000";

/// The time at the beginning of a line, if there is one.
pub(super) fn time(line: &[u8]) -> Option<&str> {
    line.get(..FORM.len()).and_then(|at| std::str::from_utf8(at).ok()).filter(|at| is_time(at))
}

fn is_time(at: &str) -> bool {
    at.len() == FORM.len()
        && at.chars().zip(FORM.chars()).all(|(c, form)| if form == '0' { c.is_ascii_digit() } else { c == form })
}

/// The time that s6-log put before a line, and the text of the line.
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
