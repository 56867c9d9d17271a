//! Makes Hermes create the profiles that root's manifest names and the volume lacks.

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

/// Hermes may take this many times the usual wait for a state to make a profile: a minute by default. It takes two seconds.
const PATIENCE: u32 = 6;

/// Makes the missing profiles of this container that no other container had before, several at once. If one cannot be made, the others still are. But
/// if one takes too long, a process holds it up, and the rest waits for another run.
pub(super) fn create(sources: Sources<'_>, programs: &Programs, limit: Duration, done: &mut Reconciled) {
    let missing: Vec<&(ProfileName, Options)> =
        sources.manifest.gateways.iter().filter(|one| is_missing(sources, one)).collect();
    let is_late = AtomicBool::new(false);
    let home = sources.volume.path();
    let one = |(profile, options): &&(ProfileName, Options)| -> Result<Result<(), String>, Infallible> {
        if is_late.load(Ordering::Relaxed) {
            return Ok(Err("another profile took too long".to_owned()));
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
            let problem = format!("Hermes did not make it: {why}");
            done.broken.push(Broken { name: profile.to_string(), problem });
        }
    }
}

/// Whether Hermes should make this profile.
pub(super) fn is_missing(sources: Sources<'_>, (profile, options): &(ProfileName, Options)) -> bool {
    !options.is_isolated()
        && sources.selection.takes(profile)
        && sources.selection.awaits(profile).is_none()
        && sources.volume.lacks(profile)
}
