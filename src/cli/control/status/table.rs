//! The table that `status` prints for a person.

use std::io::{self, Write};

use anstyle::Style;
use tabwriter::TabWriter;

use super::row::Row;
use crate::cli::streams::{BOLD, styled};

/// Writes the table, with two spaces between its columns.
pub(super) fn table(rows: &[Row], out: &mut dyn Write) -> io::Result<()> {
    let mut table = TabWriter::new(out).ansi(true).minwidth(0).padding(2);
    let first = if rows.iter().all(|row| row.service.profile().is_some()) { "PROFILE" } else { "SERVICE" };
    let titles = [first, "STATE", "FOR", "PID", "LAST EXIT", "RESTARTS", "PORT", "NEXT BOOT"];
    writeln!(table, "{}", titles.map(|title| styled(BOLD, title)).join("\t"))?;
    for row in rows {
        writeln!(table, "{}", cells(row).join("\t"))?;
    }
    table.flush()
}

fn cells(row: &Row) -> [String; 8] {
    let or_dash = |cell: Option<String>| cell.unwrap_or_else(|| "-".to_owned());
    let status = row.status();
    let (state, colour): (_, Style) = row.state.word();
    [
        row.service.word(),
        styled(colour, state.text()),
        or_dash(status.map(|status| duration(status.seconds))),
        or_dash(status.and_then(|status| status.pid).map(|pid| pid.to_string())),
        or_dash(status.and_then(|status| status.last).map(|last| last.to_string())),
        or_dash(row.deaths.map(|deaths| deaths.to_string())),
        or_dash(row.port.map(|port| port.to_string())),
        or_dash(row.next_boot().map(|next| next.text().to_owned())),
    ]
}

/// A time for a person, in its two largest units.
fn duration(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    if days > 0 {
        format!("{days}d {}h", hours % 24)
    } else if hours > 0 {
        format!("{hours}h {}m", minutes % 60)
    } else if minutes > 0 {
        format!("{minutes}m {}s", seconds % 60)
    } else {
        format!("{seconds}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (seconds, said) in [(0, "0s"), (59, "59s"), (60, "1m 0s"), (3_661, "1h 1m"), (90_000, "1d 1h")] {
            assert_eq!(duration(seconds), said);
        }
    }
}
