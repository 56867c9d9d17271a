//! The states of the services, and the notes for a person.

use std::collections::BTreeMap;

use super::row::{Row, State};
use crate::base::parallel;
use crate::boot::{How, Next, NextBoot, Serving};
use crate::cli::control::args::Common;
use crate::cli::control::common::{NEVER_RAN, boots_as_recorded, host, never_ran, profile_on, s6};
use crate::cli::control::container_args::usual_state;
use crate::cli::streams::Streams;
use crate::error::Error;
use crate::manager::{S6Manager, ServiceManager as _};
use crate::s6::{LiveService, Phase, S6Error, Scandir};
use crate::spec::{ProfileName, ServiceName};
use crate::volume::Homes;

/// The states now.
pub(super) fn look(services: &[ServiceName], common: &Common, streams: &mut Streams<'_>) -> Result<Vec<Row>, Error> {
    let Some(host) = host(common) else { return rows(&s6(common, streams)?, services) };
    let row = |service: &ServiceName| {
        let state = State::Running(host.is_running(&profile_on(&host, service)?)?);
        Ok(Row { state, ..Row::new(service) })
    };
    services.iter().map(row).collect()
}

/// Notes on what the rows do not show.
pub(super) fn notes(rows: &[Row], common: &Common) -> Vec<String> {
    let mut notes = Vec::new();
    if host(common).is_none() {
        let here = Scandir::open(&common.scandir).ok();
        for row in rows.iter().filter(|row| matches!(row.state, State::Missing)) {
            let near = row.service.profile().and_then(|profile| here.as_ref()?.near(profile));
            notes.extend(near.map(|near| format!("there is no {}; did you mean {}?", row.service, near.word())));
        }
        if rows.is_empty() {
            notes.push(format!("{} has no gateway; gatewayctl register PROFILE adds one", common.scandir));
        }
        if rows.iter().any(|row| matches!(row.state, State::Hidden)) {
            notes.push(
                "only root and the members of its control group can see the state of a hidden gateway".to_owned(),
            );
        }
    }
    let default = ServiceName::from(ProfileName::default());
    let mut gateways = rows.iter().filter(|row| row.service.profile().is_some());
    // A user with other gateways up knows how to start one.
    let is_new = rows.iter().any(|row| row.service == default) && gateways.all(|row| !row.state.is_up());
    if is_new && boots_as_recorded() && never_ran() {
        notes.push(NEVER_RAN.to_owned());
    }
    notes
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
    let boot = NextBoot::new(Homes::usual(), usual_state(), boots_as_recorded());
    // Files that another user can write are read first, before several threads start.
    let written = |(name, service): &(ServiceName, Option<LiveService>)| {
        let how = serving.as_ref().and_then(|serving| serving.how_of(name, service.as_ref()));
        (how, service.as_ref().and_then(|service| boot.of(service)))
    };
    let wanted: Vec<_> = wanted.into_iter().map(|one| (written(&one), one)).collect();
    let row = |((how, next), (name, service)): &((Option<How>, Option<Next>), _)| -> Result<Row, Error> {
        let (name, service): (&ServiceName, &Option<LiveService>) = (name, service);
        let mut row = Row { next: *next, ..Row::new(name) };
        if let Some(service) = service {
            row.port = service.port();
            match service.look(programs) {
                Ok((status, deaths)) => {
                    let phase = status.phase(!deaths.is_empty());
                    row.deaths = Some(deaths.len());
                    row.is_optional = phase == Phase::Stopped && name.profile().is_none() && service.has_down();
                    row.state = State::Known(status, phase);
                }
                Err(S6Error::NotSupervised(_)) => row.state = State::Unsupervised,
                Err(S6Error::Foreign(_)) => row.state = State::Foreign,
                Err(error) if error.is_refusal() => row.state = State::Hidden,
                Err(error) => return Err(error.into()),
            }
        }
        if let Some(how) = how
            && matches!(row.state, State::Missing | State::Known(_, Phase::Stopped | Phase::Failed))
        {
            (row.state, row.next) = (State::Served(*how), None);
        }
        Ok(row)
    };
    parallel::each(&wanted, parallel::SMALL, row, |_| Ok(()))
}
