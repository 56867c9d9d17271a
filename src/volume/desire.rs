//! What an operator wants a gateway to do, in the file in which Hermes keeps it.

use std::io;

use super::error::VolumeError;
use super::homes::Home;
use super::json::Object;
use super::paths::{STATE, below, directory_of};
use super::servant::{Deadline, Servant, ServantError};
use crate::base::text::reason;
use crate::manager::S6Manager;

/// Replaces `gateway_state.json` in the profile's directory `$1` by standard input. The file keeps its mode.
const REPLACE: &str = r#"
set -eu
cd "$1"
new=.gateway_state.json.gatewayctl
rm -rf "${new}"
trap 'rm -f "${new}"' EXIT
[ ! -e gateway_state.json ] || cp -p gateway_state.json "${new}"
cat >"${new}"
mv -f "${new}" gateway_state.json
"#;

/// Records whether the gateway that lives there should run after the next boot: `desired_state` in `gateway_state.json`, which Hermes leaves as it is
/// and [`Intent`](super::Intent) reads. Everything else in the file stays the same, to the byte. The user of the gateway writes it.
///
/// # Errors
/// If the profile is not on the volume, if the content of the file is not what Hermes writes, or if that user cannot write there.
pub(crate) fn record(
    manager: &S6Manager<'_>,
    home: &Home,
    running: bool,
    deadline: Deadline,
) -> Result<(), VolumeError> {
    let (volume, profile) = (home.open()?, &home.profile);
    let directory = directory_of(profile);
    if volume.home().dir(&directory).is_err() {
        return Err(VolumeError::NoProfile { profile: profile.clone(), home: volume.path().to_owned() });
    }
    let user = home.user();
    let path = volume.shown(&below(profile, STATE));
    let desire = |problem| VolumeError::Desire { path: path.clone(), user: user.clone(), problem };
    let text = match volume.home().read(&below(profile, STATE)) {
        Ok(file) if file.text.iter().all(u8::is_ascii_whitespace) => "{}".to_owned(),
        Ok(file) => String::from_utf8(file.text).map_err(|_| VolumeError::Foreign(path.clone()))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => "{}".to_owned(),
        Err(error) => return Err(desire(reason(&error))),
    };
    let state = Object::parse(&text).ok_or_else(|| VolumeError::Foreign(path.clone()))?;
    let text = state.with("desired_state", if running { "running" } else { "stopped" });
    let servant = Servant::new(manager.programs(), home.master(), volume.path(), deadline);
    let directory = volume.path().join(directory);
    match servant.run("/bin/sh", &["-c", REPLACE, "sh", directory.as_str()], text.as_bytes()) {
        Err(ServantError::Failed { said, .. }) => Err(desire(said)),
        result => Ok(result.map_err(VolumeError::from)?),
    }
}
