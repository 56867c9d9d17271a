//! What an operator said that a gateway is to do, in the file in which Hermes keeps it.

use std::io;

use serde_json::{Map, Value};

use super::servant::Servant;
use super::volume::{Volume, read};
use crate::error::{Context as _, Error};
use crate::manager::S6Manager;
use crate::options::UserName;
use crate::profile::ProfileName;
use crate::s6::{RunScript, S6Error};

/// Puts standard input in the place of `gateway_state.json` in the profile's directory `$1`, with the mode that it had.
const REPLACE: &str = r#"
set -eu
cd "$1"
new=.gateway_state.json.gatewayctl
rm -f "${new}"
[ ! -e gateway_state.json ] || cp -p gateway_state.json "${new}"
cat >"${new}"
mv -f "${new}" gateway_state.json
"#;

/// Records that the gateway of this profile is to run after the next boot, or not: `desired_state` in `gateway_state.json`, which
/// Hermes leaves as it is and [`Intent`](super::Intent) reads. It is written by the user that the gateway runs as.
///
/// # Errors
/// Where there is no such profile on the volume, or that user cannot write there.
pub(crate) fn record(
    manager: &S6Manager<'_>,
    volume: &Volume,
    profile: &ProfileName,
    running: bool,
) -> Result<(), Error> {
    let directory = volume.directory_of(profile);
    if !directory.is_dir() {
        return Err(S6Error::NoProfile { profile: profile.clone(), home: volume.home().to_owned() }.into());
    }
    let path = directory.join("gateway_state.json");
    let mut state: Map<String, Value> = match read(&path) {
        // As Hermes itself: what it cannot read, it writes anew.
        Ok(file) => serde_json::from_slice(&file.text).unwrap_or_default(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Map::new(),
        Err(error) => return Err(error).context("read", &path),
    };
    state.insert("desired_state".to_owned(), if running { "running" } else { "stopped" }.into());
    let text = Value::Object(state).to_string();
    let user = user_of(manager, profile);
    let written = Servant::new(manager.programs(), &user).script(REPLACE, &directory, &text);
    written.map_err(|error| match error {
        S6Error::Failed { said, .. } => S6Error::Desire { path, user: user.to_string(), said }.into(),
        error => error.into(),
    })
}

/// Who the gateway runs as, by its run script.
fn user_of(manager: &S6Manager<'_>, profile: &ProfileName) -> UserName {
    let service = manager.scandir().gateway(profile).ok();
    let script = service.and_then(|service| RunScript::of(service.path()));
    script.and_then(|script| script.user.parse().ok()).unwrap_or_default()
}
