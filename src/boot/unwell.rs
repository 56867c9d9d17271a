//! What is not well, but for what is not to be.

use super::serving::{How, Serving};
use crate::health::{Depth, Ill, Problem, examine};
use crate::s6::{Programs, S6Error, Scandir};
use crate::spec::ServiceName;
use crate::volume::Homes;

/// What is not well of these services, or of all, as [`examine`] has it; but for gateways whose profile the gateway of default serves now: they end
/// with a failure, and are to stay down.
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
    // The volume is looked at only if there is a reason to.
    if ills.iter().any(is_failed)
        && let Some(serving) = Serving::here(scandir, &Homes::usual()).filter(Serving::is_settled)
    {
        let is_served =
            |name: &ServiceName| serving.how_of(name, scandir.service(name).ok().as_ref()) == Some(How::Now);
        ills.retain(|ill| !is_failed(ill) || !ill.service.as_ref().is_some_and(is_served));
    }
    Ok(ills)
}
