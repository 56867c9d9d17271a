//! The table that `status` prints for a person.

use anstyle::Style;

use super::row::Row;
use crate::cli::streams::{BOLD, Streams, styled};
use crate::error::Error;

pub(super) fn table(rows: &[Row], streams: &mut Streams<'_>) -> Result<(), Error> {
    let first = if rows.iter().all(|row| row.service.profile().is_some()) { "PROFILE" } else { "SERVICE" };
    let titles = [first, "STATE", "FOR", "PID", "LAST EXIT", "RESTARTS", "PORT", "NEXT BOOT"];
    let cells: Vec<[String; 8]> = rows.iter().map(cells).collect();
    let mut widths = titles.map(str::len);
    for row in &cells {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.len());
        }
    }
    let mut line = |cells: [&str; 8], style: &dyn Fn(usize) -> Style| {
        let padded = cells.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
            let width = if column == 7 { 0 } else { width };
            styled(style(column), format_args!("{cell:<width$}"))
        });
        let padded: Vec<String> = padded.collect();
        writeln!(streams.out, "{}", padded.join("  ")).map_err(Error::Output)
    };
    line(titles, &|_| BOLD)?;
    for (row, cells) in rows.iter().zip(&cells) {
        let colour = row.state.word().1;
        line(cells.each_ref().map(String::as_str), &|column| if column == 1 { colour } else { Style::new() })?;
    }
    Ok(())
}

fn cells(row: &Row) -> [String; 8] {
    let or_dash = |cell: Option<String>| cell.unwrap_or_else(|| "-".to_owned());
    let status = row.status();
    [
        row.service.word(),
        row.state.word().0.text().to_owned(),
        or_dash(status.map(|status| duration(status.seconds))),
        or_dash(status.and_then(|status| status.pid).map(|pid| pid.to_string())),
        or_dash(status.and_then(|status| status.last).map(|last| last.to_string())),
        or_dash(row.deaths.map(|deaths| deaths.to_string())),
        or_dash(row.port.map(|port| port.to_string())),
        or_dash(row.next_boot().map(|next| next.text().to_owned())),
    ]
}

/// A time as a person says it, in its two largest units.
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
