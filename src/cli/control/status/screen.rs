//! The screen of `status --watch`.

use std::io::{self, Write};
use std::time::Duration;

use console::{Term, truncate_str};
use jiff::ZonedDateTime;

use super::row::Row;
use super::table::table;
use crate::base::text::Plain;
use crate::cli::streams::{DIM, Streams, styled};

/// Draws the rows and notes over the last screen. It cuts what does not fit, because a terminal that scrolls would show two tables.
pub(super) fn draw(rows: &[Row], notes: &[String], every: Duration, streams: &mut Streams<'_>) -> io::Result<()> {
    const HOME: &str = "\x1b[H";
    const ERASE_LINE: &str = "\x1b[K";
    const ERASE_REST: &str = "\x1b[J";
    let now = ZonedDateTime::now().strftime("%F %T").to_string();
    let text = text(rows, notes, &format!("{now}, every {} s; press Ctrl-C to end", every.as_secs()))?;
    let lines: Vec<&str> = text.lines().collect();
    let (height, width) = Term::stdout().size();
    let room = usize::from(height).max(4) - 2;
    let shown = if lines.len() <= room { lines.len() } else { room - 1 };
    // The terminal always gets the raw codes. It gets colours only if they are wanted.
    write!(streams.raw, "{HOME}")?;
    for line in &lines[..shown] {
        write!(streams.out, "{}", truncate_str(line, usize::from(width), ""))?;
        writeln!(streams.raw, "{ERASE_LINE}")?;
    }
    if shown < lines.len() {
        writeln!(streams.raw, "… {} more lines{ERASE_LINE}", lines.len() - shown)?;
    }
    write!(streams.raw, "{ERASE_REST}")?;
    streams.out.flush()
}

fn text(rows: &[Row], notes: &[String], head: &str) -> io::Result<String> {
    let mut text = Vec::new();
    writeln!(text, "{}\n", styled(DIM, head))?;
    if !rows.is_empty() {
        table(rows, &mut text)?;
    }
    for note in notes {
        writeln!(text, "{} {}", styled(DIM.bold(), "note:"), Plain(note))?;
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}
