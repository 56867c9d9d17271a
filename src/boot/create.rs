//! Has Hermes make the profiles that root's manifest names and the volume lacks.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::outcome::Reconciled;
use super::wanted::Sources;
use crate::base::parallel;
use crate::s6::Programs;
use crate::spec::ProfileName;
use crate::spec::options::Options;
use crate::volume::{Broken, Deadline, Master, Servant, ServantError};

/// So many times as long as any state is waited for, Hermes may take to make a profile: a minute, unless told otherwise. It takes two seconds.
const PATIENCE: u32 = 6;

/// Has those made that are this container's, and that no other one had before, some at once. One that cannot be made stops no other; but once one took
/// too long, somebody holds them up, and the others are left for another time.
pub(super) fn create(sources: Sources<'_>, programs: &Programs, limit: Duration, done: &mut Reconciled) {
    let missing: Vec<&(ProfileName, Options)> =
        sources.manifest.gateways.iter().filter(|one| is_missing(sources, one)).collect();
    let is_late = AtomicBool::new(false);
    let home = sources.volume.path();
    let one = |(profile, options): &&(ProfileName, Options)| -> Result<Result<(), String>, Infallible> {
        if is_late.load(Ordering::Relaxed) {
            return Ok(Err("another one took too long".to_owned()));
        }
        let user = options.user.clone().unwrap_or_default();
        let servant = Servant::new(programs, Master::of(&user), home, Deadline::after(PATIENCE * limit));
        let made = servant.create(&options.hermes.clone().unwrap_or_default(), profile);
        is_late.fetch_or(matches!(made, Err(ServantError::Late { .. })), Ordering::Relaxed);
        Ok(made.map_err(|error| error.to_string()))
    };
    let Ok(made) = parallel::each(&missing, 1, one, |_| Ok(()));
    for ((profile, _), made) in missing.into_iter().zip(made) {
        if let Err(why) = made {
            let problem = format!("Hermes has not made it: {why}");
            done.broken.push(Broken { name: profile.to_string(), problem });
        }
    }
}

/// Whether Hermes is to make this profile.
pub(super) fn is_missing(sources: Sources<'_>, (profile, options): &(ProfileName, Options)) -> bool {
    !options.is_isolated()
        && sources.selection.takes(profile)
        && sources.selection.awaits(profile).is_none()
        && sources.volume.lacks(profile)
}
