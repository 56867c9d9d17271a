//! `gatewayctl health`.

use serde::Serialize;

use super::args::Common;
use super::common::s6;
use crate::base::text::Plain;
use crate::boot::{How, Serving};
use crate::cli::outcome::{About, Outcome};
use crate::cli::streams::{RED, Streams, styled};
use crate::error::Error;
use crate::health::{Depth, Ill, Problem, examine};
use crate::manager::S6Manager;
use crate::spec::ServiceName;
use crate::volume::Homes;

pub(super) fn run(
    services: &[ServiceName],
    depth: Depth,
    common: &Common,
    streams: &mut Streams<'_>,
) -> Result<Outcome, Error> {
    let ills = {
        let manager = s6(common, streams)?;
        let ills = examine(manager.scandir(), manager.programs(), services, depth)?;
        without_served(ills, &manager)
    };
    if common.json {
        streams.json(&ills.iter().map(Said::of).collect::<Vec<_>>())?;
    } else if !common.quiet {
        for ill in &ills {
            writeln!(streams.out, "{} {}", styled(RED, ill.who()), Plain(&ill.problem.to_string()))
                .map_err(Error::Output)?;
        }
    }
    Ok(if ills.is_empty() { Outcome::Done } else { Outcome::Differs })
}

/// Those that are not well, but for gateways whose profile the gateway of default serves now: they end with a failure, and are to stay down.
fn without_served(mut ills: Vec<Ill>, manager: &S6Manager<'_>) -> Vec<Ill> {
    let is_failed = |ill: &Ill| matches!(ill.problem, Problem::Failed(_));
    // The volume is looked at only if there is a reason to.
    if ills.iter().any(is_failed)
        && let Some(serving) = Serving::here(manager.scandir(), &Homes::usual()).filter(Serving::is_settled)
    {
        let is_served =
            |name: &ServiceName| serving.how_of(name, manager.scandir().service(name).ok().as_ref()) == Some(How::Now);
        ills.retain(|ill| !is_failed(ill) || !ill.service.as_ref().is_some_and(is_served));
    }
    ills
}

/// One that is not well, in JSON.
#[derive(Serialize)]
struct Said {
    #[serde(flatten)]
    about: About,
    problem: &'static str,
    #[serde(rename = "said")]
    sentence: String,
}

impl Said {
    fn of(ill: &Ill) -> Self {
        let about = ill.service.as_ref().map_or_else(About::nobodys, About::named);
        Self { about, problem: ill.problem.word(), sentence: ill.problem.to_string() }
    }
}
