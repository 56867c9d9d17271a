//! `gatewayctl status`.

use std::collections::BTreeMap;

use anstyle::Style;
use serde::Serialize;

use super::args::Common;
use super::common::{NEVER_RAN, boots_as_recorded, host, never_ran, profile_on, s6};
use crate::base::parallel;
use crate::boot::{How, Serving};
use crate::cli::outcome::{About, Outcome};
use crate::cli::streams::{BOLD, DIM, GREEN, RED, Streams, styled};
use crate::error::Error;
use crate::manager::{S6Manager, ServiceManager as _};
use crate::s6::{LiveService, S6Error, Status};
use crate::spec::{ProfileName, ServiceName};
use crate::volume::Homes;

/// What is shown of a service.
struct Row {
    service: ServiceName,
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
    /// It has none, or one that is down, since the gateway of the root profile serves its profile.
    Served(How),
    /// There is none.
    Missing,
    /// A service manager of a host only tells whether it runs.
    Running(bool),
}

pub(super) fn run(services: &[ServiceName], common: &Common, streams: &mut Streams<'_>) -> Result<Outcome, Error> {
    let rows = if let Some(host) = host(common) {
        let row = |service: &ServiceName| {
            let state = State::Running(host.is_running(&profile_on(&host, service)?)?);
            Ok(Row { service: service.clone(), state, port: None, deaths: None })
        };
        services.iter().map(row).collect::<Result<Vec<_>, Error>>()?
    } else {
        let manager = s6(common, streams)?;
        rows(&manager, services)?
    };
    if common.json {
        streams.json(&rows.iter().map(Row::said).collect::<Vec<_>>())?;
    } else if !common.quiet && !rows.is_empty() {
        table(&rows, streams)?;
        let default = ServiceName::from(ProfileName::default());
        let mut gateways = rows.iter().filter(|row| row.service.profile().is_some());
        // Whoever has others up knows how.
        let is_new = rows.iter().any(|row| row.service == default) && gateways.all(|row| !row.state.is_up());
        if is_new && boots_as_recorded() && never_ran() {
            streams.note(NEVER_RAN);
        }
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

fn rows(manager: &S6Manager<'_>, services: &[ServiceName]) -> Result<Vec<Row>, Error> {
    let mut found = manager.scandir().services()?;
    let serving = Serving::here(manager.scandir(), &Homes::usual()).filter(Serving::is_settled);
    let wanted: Vec<(ServiceName, Option<LiveService>)> = if services.is_empty() {
        let served = serving.iter().flat_map(Serving::profiles).map(ServiceName::from);
        let served: Vec<ServiceName> = served.filter(|name| !found.contains_key(name)).collect();
        let mut all: BTreeMap<ServiceName, Option<LiveService>> =
            found.into_iter().map(|(name, service)| (name, Some(service))).collect();
        all.extend(served.into_iter().map(|name| (name, None)));
        all.into_iter().collect()
    } else {
        services.iter().map(|name| (name.clone(), found.remove(name))).collect()
    };
    let programs = manager.programs();
    // What another user wrote, read before what takes several threads.
    let how = |(name, service): &(ServiceName, Option<LiveService>)| {
        serving.as_ref().and_then(|serving| serving.how_of(name, service.as_ref()))
    };
    let wanted: Vec<_> = wanted.into_iter().map(|one| (how(&one), one)).collect();
    let row = |(how, (name, service)): &(Option<How>, (ServiceName, Option<LiveService>))| -> Result<Row, Error> {
        let mut row = Row { service: name.clone(), state: State::Missing, port: None, deaths: None };
        if let Some(service) = service {
            row.port = service.port();
            match service.look(programs) {
                Ok((status, deaths)) => {
                    row.deaths = Some(deaths.len());
                    row.state = State::Known(status);
                }
                Err(S6Error::NotSupervised(_)) => row.state = State::Unsupervised,
                Err(S6Error::Foreign(_)) => row.state = State::Foreign,
                Err(error) if error.is_refusal() => row.state = State::Hidden,
                Err(error) => return Err(error.into()),
            }
        }
        if let Some(how) = how
            && matches!(row.state, State::Missing | State::Known(Status { up: false, wanted_up: false, .. }))
        {
            row.state = State::Served(*how);
        }
        Ok(row)
    };
    parallel::each(&wanted, parallel::SMALL, row, |_| Ok(()))
}

impl State {
    fn is_up(&self) -> bool {
        match self {
            Self::Known(status) => status.up,
            Self::Running(running) => *running,
            Self::Served(how) => *how == How::Now,
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
            Self::Served(How::Now) => ("served", GREEN),
            Self::Served(How::Parked) => ("parked", RED),
            Self::Served(How::Next | How::Never) => ("unserved", RED),
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

    fn said(&self) -> Said {
        let status = self.status();
        Said {
            about: About::named(&self.service),
            state: self.state.word().0,
            seconds: status.map(|status| status.seconds),
            pid: status.and_then(|status| status.pid),
            last_exit: status.and_then(|status| status.last).map(|last| last.to_string()),
            restarts: self.deaths,
            port: self.port,
        }
    }

    fn cells(&self) -> [String; 7] {
        let or_dash = |cell: Option<String>| cell.unwrap_or_else(|| "-".to_owned());
        let status = self.status();
        [
            self.service.word(),
            self.state.word().0.to_owned(),
            or_dash(status.map(|status| duration(status.seconds))),
            or_dash(status.and_then(|status| status.pid).map(|pid| pid.to_string())),
            or_dash(status.and_then(|status| status.last).map(|last| last.to_string())),
            or_dash(self.deaths.map(|deaths| deaths.to_string())),
            or_dash(self.port.map(|port| port.to_string())),
        ]
    }
}

/// The same in JSON.
#[derive(Serialize)]
struct Said {
    #[serde(flatten)]
    about: About,
    state: &'static str,
    seconds: Option<u64>,
    pid: Option<u32>,
    last_exit: Option<String>,
    restarts: Option<usize>,
    port: Option<u16>,
}

fn table(rows: &[Row], streams: &mut Streams<'_>) -> Result<(), Error> {
    let first = if rows.iter().all(|row| row.service.profile().is_some()) { "PROFILE" } else { "SERVICE" };
    let titles = [first, "STATE", "FOR", "PID", "LAST EXIT", "RESTARTS", "PORT"];
    let cells: Vec<[String; 7]> = rows.iter().map(Row::cells).collect();
    let mut widths = titles.map(str::len);
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
    line(titles, &|_| BOLD)?;
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
