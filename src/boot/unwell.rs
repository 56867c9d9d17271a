//! What is not well, without the gateways that should not run.

use super::serving::{How, Serving};
use crate::health::{Depth, Ill, Problem, examine};
use crate::s6::{Programs, S6Error, Scandir};
use crate::spec::ServiceName;
use crate::volume::Homes;

/// What is wrong with these services, or with all, as [`examine`] finds it. Gateways whose profile the gateway of default serves now are left out:
/// they end with a failure, and have to stay down.
///
/// # Errors
/// If the scandir cannot be read.
pub(crate) fn unwell(
    scandir: &Scandir,
    programs: &Programs,
    named: &[ServiceName],
    depth: Depth,
) -> Result<Vec<Ill>, S6Error> {
    let mut ills = examine(scandir, programs, named, depth)?;
    let is_failed = |ill: &Ill| matches!(ill.problem, Problem::Failed(_));
    // The volume is read only if a gateway has failed.
    if ills.iter().any(is_failed)
        && let Some(serving) = Serving::here(scandir, &Homes::usual()).filter(Serving::is_settled)
    {
        let is_served =
            |name: &ServiceName| serving.how_of(name, scandir.service(name).ok().as_ref()) == Some(How::Now);
        ills.retain(|ill| !is_failed(ill) || !ill.service.as_ref().is_some_and(is_served));
    }
    Ok(ills)
}
