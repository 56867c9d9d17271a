//! `gatewayctl health`.

use super::args::Common;
use super::common::s6;
use crate::base::text::Plain;
use crate::boot::unwell;
use crate::cli::documents;
use crate::cli::outcome::{About, Outcome};
use crate::cli::streams::{RED, Streams, styled};
use crate::error::Error;
use crate::health::{Depth, Ill};
use crate::spec::ServiceName;

pub(super) fn run(
    services: &[ServiceName],
    depth: Depth,
    common: &Common,
    streams: &mut Streams<'_>,
) -> Result<Outcome, Error> {
    let ills = {
        let manager = s6(common, streams)?;
        unwell(manager.scandir(), manager.programs(), services, depth)?
    };
    if common.json {
        streams.json(&ills.iter().map(document).collect::<Vec<_>>())?;
    } else if !common.quiet {
        for ill in &ills {
            writeln!(streams.out, "{} {}", styled(RED, ill.who()), Plain(&ill.problem.to_string()))
                .map_err(Error::Output)?;
        }
    }
    Ok(if ills.is_empty() { Outcome::Done } else { Outcome::Differs })
}

fn document(ill: &Ill) -> documents::Ill {
    let about = ill.service.as_ref().map_or_else(About::nobodys, About::named);
    documents::Ill { about, problem: (&ill.problem).into(), said: ill.problem.to_string() }
}
