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

/// Shows how these services are, or all, and, if a time is given, again after each such time, until nobody reads it any more.
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
            // What cannot be seen now may be seen later.
            Err(error) => streams.error(&error),
            Ok(()) => {}
        }
        thread::sleep(every);
    }
}

/// Shows them on a terminal, over what it showed before.
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

/// What these rows come to. What nobody asked about by name does not count if it is down by its definition, or is root's own.
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
