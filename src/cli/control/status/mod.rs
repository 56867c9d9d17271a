//! `gatewayctl status`.

mod look;
mod row;
mod screen;
mod table;

use std::thread;
use std::time::Duration;

use super::args::Common;
use crate::cli::outcome::Outcome;
use crate::cli::streams::Streams;
use crate::error::Error;
use crate::spec::ServiceName;
use look::{look, notes};
use row::{Row, State};
use table::table;

/// Shows the state of these services, or of all. With a time, shows it again after each such time until nobody reads it.
pub(super) fn run(
    services: &[ServiceName],
    every: Option<Duration>,
    common: &Common,
    streams: &mut Streams<'_>,
) -> Result<Outcome, Error> {
    let Some(every) = every else { return show(services, common, streams) };
    loop {
        let shown = if streams.is_terminal && !common.json {
            redraw(services, every, common, streams)
        } else {
            show(services, common, streams).and_then(|_| {
                let separated = if common.json { Ok(()) } else { writeln!(streams.out) };
                separated.and_then(|()| streams.out.flush()).map_err(Error::Output)
            })
        };
        match shown {
            Err(error @ Error::Output(_)) => return Err(error),
            // The next look may succeed.
            Err(error) => streams.error(&error),
            Ok(()) => {}
        }
        thread::sleep(every);
    }
}

/// Shows them on a terminal, in place of the last table.
fn redraw(services: &[ServiceName], every: Duration, common: &Common, streams: &mut Streams<'_>) -> Result<(), Error> {
    let rows = look(services, common, streams)?;
    screen::draw(&rows, &notes(&rows, common), every, streams).map_err(Error::Output)
}

/// Shows them once.
fn show(services: &[ServiceName], common: &Common, streams: &mut Streams<'_>) -> Result<Outcome, Error> {
    let rows = look(services, common, streams)?;
    if common.json {
        streams.json(&rows.iter().map(Row::document).collect::<Vec<_>>())?;
    } else if !common.quiet {
        if !rows.is_empty() {
            table(&rows, &mut *streams.out).map_err(Error::Output)?;
        }
        for note in notes(&rows, common) {
            streams.note(&note);
        }
    }
    Ok(outcome(&rows, !services.is_empty()))
}

/// The outcome of these rows. A service that nobody named does not count if its definition keeps it down, or if only root may see it.
fn outcome(rows: &[Row], named: bool) -> Outcome {
    let is_hidden = |row: &&Row| matches!(row.state, State::Hidden);
    let counts = |row: &&Row| named || !(row.is_optional || is_hidden(row) && row.service.is_roots());
    let counted = || rows.iter().filter(counts);
    if rows.iter().any(|row| matches!(row.state, State::Missing)) {
        Outcome::NoSuch
    } else if counted().any(|row| !row.state.is_up() && !is_hidden(&row)) {
        Outcome::SomeDown
    } else if counted().any(|row| is_hidden(&row)) || !rows.is_empty() && rows.iter().all(|row| is_hidden(&row)) {
        Outcome::Differs
    } else {
        Outcome::Done
    }
}
