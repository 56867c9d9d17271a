//! `gatewayctl status`.

use anstyle::Style;
use serde_json::json;

use super::args::Common;
use super::common::{kind, manager, s6};
use crate::base::parallel;
use crate::cli::outcome::Outcome;
use crate::cli::streams::{BOLD, DIM, GREEN, RED, Streams, styled};
use crate::error::Error;
use crate::manager::{Kind, S6Manager};
use crate::s6::{LiveService, S6Error, Status};
use crate::spec::ProfileName;

/// What is shown of a gateway.
struct Row {
    profile: ProfileName,
    state: State,
    port: Option<u16>,
    deaths: Option<usize>,
}

enum State {
    Known(Status),
    /// The service directory is there, but no supervisor runs in it.
    Unsupervised,
    /// This user may not ask.
    Hidden,
    /// Another user can change what s6 asks its supervisor by.
    Foreign,
    /// There is none.
    Missing,
    /// A service manager of a host only tells whether it runs.
    Running(bool),
}

pub(super) fn run(profiles: &[ProfileName], common: &Common, streams: &mut Streams<'_>) -> Result<Outcome, Error> {
    let rows = if kind(common).is_some_and(|kind| kind != Kind::S6) {
        let host = manager(common, streams)?;
        let row = |profile: &ProfileName| {
            let state = State::Running(host.is_running(profile)?);
            Ok(Row { profile: profile.clone(), state, port: None, deaths: None })
        };
        profiles.iter().map(row).collect::<Result<Vec<_>, Error>>()?
    } else {
        let manager = s6(common, streams)?;
        rows(&manager, profiles)?
    };
    if common.json {
        streams.json(&rows.iter().map(Row::json).collect::<Vec<_>>())?;
    } else if !common.quiet && !rows.is_empty() {
        table(&rows, streams)?;
    }
    let any = |wanted: fn(&State) -> bool| rows.iter().any(|row| wanted(&row.state));
    Ok(if any(|state| matches!(state, State::Missing)) {
        Outcome::NoSuch
    } else if any(|state| !state.is_up()) {
        Outcome::SomeDown
    } else {
        Outcome::Done
    })
}

fn rows(manager: &S6Manager<'_>, profiles: &[ProfileName]) -> Result<Vec<Row>, Error> {
    let mut found = manager.scandir().gateways()?;
    let wanted: Vec<(ProfileName, Option<LiveService>)> = if profiles.is_empty() {
        found.into_iter().map(|(profile, service)| (profile, Some(service))).collect()
    } else {
        profiles.iter().map(|profile| (profile.clone(), found.remove(profile))).collect()
    };
    let programs = manager.programs();
    let row = |(profile, service): &(ProfileName, Option<LiveService>)| -> Result<Row, Error> {
        let mut row = Row { profile: profile.clone(), state: State::Missing, port: None, deaths: None };
        if let Some(service) = service {
            row.port = service.port();
            match service.status(programs) {
                Ok(status) => {
                    row.deaths = Some(service.deaths(programs)?);
                    row.state = State::Known(status);
                }
                Err(S6Error::NotSupervised(_)) => row.state = State::Unsupervised,
                Err(S6Error::Foreign(_)) => row.state = State::Foreign,
                Err(S6Error::Failed { code: 111, said, .. }) if said.ends_with("Permission denied") => {
                    row.state = State::Hidden;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(row)
    };
    // Each row asks two programs, which takes longer than a thread does to start.
    parallel::each(&wanted, 1, row, |_| Ok(()))
}

impl State {
    fn is_up(&self) -> bool {
        match self {
            Self::Known(status) => status.up,
            Self::Running(running) => *running,
            Self::Unsupervised | Self::Foreign | Self::Missing => false,
            // Nothing is known against it.
            Self::Hidden => true,
        }
    }

    fn word(&self) -> (&'static str, Style) {
        match self {
            Self::Known(Status { up: true, .. }) | Self::Running(true) => ("up", GREEN),
            Self::Known(Status { wanted_up: true, .. }) => ("restarting", RED),
            Self::Known(_) | Self::Running(false) => ("down", RED),
            Self::Unsupervised => ("unsupervised", RED),
            Self::Hidden => ("hidden", DIM),
            Self::Foreign => ("foreign", RED),
            Self::Missing => ("missing", RED),
        }
    }
}

impl Row {
    fn status(&self) -> Option<&Status> {
        match &self.state {
            State::Known(status) => Some(status),
            _ => None,
        }
    }

    fn json(&self) -> serde_json::Value {
        let status = self.status();
        json!({
            "profile": self.profile.as_str(),
            "state": self.state.word().0,
            "seconds": status.map(|status| status.seconds),
            "pid": status.and_then(|status| status.pid),
            "last_exit": status.and_then(|status| status.last.clone()),
            "restarts": self.deaths,
            "port": self.port,
        })
    }

    fn cells(&self) -> [String; 7] {
        let or_dash = |cell: Option<String>| cell.unwrap_or_else(|| "-".to_owned());
        let status = self.status();
        [
            self.profile.to_string(),
            self.state.word().0.to_owned(),
            or_dash(status.map(|status| duration(status.seconds))),
            or_dash(status.and_then(|status| status.pid).map(|pid| pid.to_string())),
            or_dash(status.and_then(|status| status.last.clone())),
            or_dash(self.deaths.map(|deaths| deaths.to_string())),
            or_dash(self.port.map(|port| port.to_string())),
        ]
    }
}

fn table(rows: &[Row], streams: &mut Streams<'_>) -> Result<(), Error> {
    const TITLES: [&str; 7] = ["PROFILE", "STATE", "FOR", "PID", "LAST EXIT", "RESTARTS", "PORT"];
    let cells: Vec<[String; 7]> = rows.iter().map(Row::cells).collect();
    let mut widths = TITLES.map(str::len);
    for row in &cells {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.len());
        }
    }
    let mut line = |cells: [&str; 7], style: &dyn Fn(usize) -> Style| {
        let padded = cells.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
            let width = if column == 6 { 0 } else { width };
            styled(style(column), format_args!("{cell:<width$}"))
        });
        let padded: Vec<String> = padded.collect();
        writeln!(streams.out, "{}", padded.join("  ")).map_err(Error::Output)
    };
    line(TITLES, &|_| BOLD)?;
    for (row, cells) in rows.iter().zip(&cells) {
        let colour = row.state.word().1;
        line(cells.each_ref().map(String::as_str), &|column| if column == 1 { colour } else { Style::new() })?;
    }
    Ok(())
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
