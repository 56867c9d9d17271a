//! Makes text that somebody else wrote safe to show. Nothing in the result moves a cursor, sets a title or hides what it says.

use std::fmt;
use std::io::{self, Write};

/// Whether a terminal shows this character and does nothing else. Control characters (C0, DEL, C1), line and paragraph separators, and
/// characters that turn the direction of the text around them are not plain.
pub(crate) fn is_plain(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text on one line. Every character that is not plain is shown escaped: `\u{1b}`, `\n`.
pub(crate) struct Plain<'a>(pub(crate) &'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            write_plain(f, c)?;
        }
        Ok(())
    }
}

fn write_plain(f: &mut impl fmt::Write, c: char) -> fmt::Result {
    match c {
        '\n' | '\r' | '\t' => write!(f, "{}", c.escape_default()),
        c if is_plain(c) => f.write_char(c),
        c => write!(f, "{}", c.escape_unicode()),
    }
}

/// At most `most` characters of what somebody else said, on one line.
pub(crate) fn excerpt(bytes: &[u8], most: usize) -> String {
    // A character has at most four bytes, so anything longer is cut before it is read.
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * most + 4)]);
    let text = text.trim();
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", Plain(&text[..end])),
        None => Plain(text).to_string(),
    }
}

/// Writes to a terminal what somebody else wrote. Lines and tabs stay. Every other character that is not plain is shown escaped. Bytes that
/// are not UTF-8 are shown one by one: `\x9b`.
pub(crate) struct Escaping<'a> {
    out: &'a mut dyn Write,
    /// The beginning of a character whose end has not come yet.
    begun: Vec<u8>,
}

impl<'a> Escaping<'a> {
    pub(crate) fn new(out: &'a mut dyn Write) -> Self {
        Self { out, begun: Vec::new() }
    }
}

impl Write for Escaping<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.begun.extend_from_slice(bytes);
        let mut shown = String::with_capacity(self.begun.len());
        let mut rest = self.begun.as_slice();
        loop {
            let (text, wrong) = match std::str::from_utf8(rest) {
                Ok(text) => (text, None),
                Err(error) => {
                    let text = std::str::from_utf8(&rest[..error.valid_up_to()]).unwrap_or_default();
                    (text, Some(error.error_len()))
                }
            };
            for c in text.chars() {
                if matches!(c, '\n' | '\t') {
                    shown.push(c);
                } else {
                    write_plain(&mut shown, c).map_err(io::Error::other)?;
                }
            }
            rest = &rest[text.len()..];
            match wrong {
                Some(Some(length)) => {
                    shown.extend(rest[..length].iter().map(|byte| format!("\\x{byte:02x}")));
                    rest = &rest[length..];
                }
                // The end of the text, or the beginning of a character.
                _ => break,
            }
        }
        self.begun = rest.to_vec();
        self.out.write_all(shown.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The word among `known` that a person probably meant by `word`, if one is near enough: mistyped, or in capitals.
pub(crate) fn near<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const NEAR: f64 = 0.75;
    let word = word.to_lowercase();
    let likeness = |known: &'a str| (strsim::jaro_winkler(known, &word), known);
    let best = known.into_iter().map(likeness).max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(likeness, _)| *likeness > NEAR).map(|(_, known)| known)
}

/// The operating system's message in the style of the other messages: lower case, without Rust's error number.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => String::new(),
    }
}

/// Each item on its own line.
pub(crate) fn lines(items: &[impl fmt::Display]) -> String {
    let lines: Vec<String> = items.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// A piece of input for a message: on one line, with control characters escaped, and not too long.
pub(crate) struct Shown<'a>(pub(crate) &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 60;
        match self.0.char_indices().nth(MOST) {
            Some((end, _)) => write!(f, "{:?}…", &self.0[..end]),
            None => write!(f, "{:?}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_acts_on_is_left() {
        let hostile = "a\u{1b}]0;x\u{7} \u{9b}2J\u{202e}b\nc\td\r\u{2028}é\u{7f}";
        let plain = Plain(hostile).to_string();
        assert_eq!(plain, "a\\u{1b}]0;x\\u{7} \\u{9b}2J\\u{202e}b\\nc\\td\\r\\u{2028}é\\u{7f}");
        assert!(plain.chars().all(is_plain));
        assert_eq!(excerpt(b"  abcdef\n", 4), "abcd…");
        assert_eq!(excerpt(b"ab\xffc\n", 9), "ab\u{fffd}c");
        assert_eq!(excerpt(&vec![b'x'; 1_000_000], 3), "xxx…");
    }

    #[test]
    fn what_was_probably_meant() {
        let known = ["coder", "writer", "default"];
        for (word, meant) in [("codr", "coder"), ("Coder", "coder"), ("wirter", "writer"), ("deflaut", "default")] {
            assert_eq!(near(word, known), Some(meant));
        }
        for word in ["", "x", "researcher"] {
            assert_eq!(near(word, known), None, "{word}");
        }
        assert_eq!(near("coder", []), None);
    }

    #[test]
    fn lines_stay_lines_wherever_they_are_cut() {
        let text = "é\u{1b}[31m\tx\n".as_bytes();
        let hostile = [text, b"\xff\xc3\n"].concat();
        for cut in 0..hostile.len() {
            let mut out = Vec::new();
            let mut escaping = Escaping::new(&mut out);
            escaping.write_all(&hostile[..cut]).unwrap();
            escaping.write_all(&hostile[cut..]).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), "é\\u{1b}[31m\tx\n\\xff\\xc3\n", "{cut}");
        }
    }
}
