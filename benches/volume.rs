//! Volumes as Hermes leaves them, for who reads them.

use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;

/// A profile in this directory, which becomes this user's, whose gateway was so when it was last seen, as `gateway_state` says it.
pub(crate) fn profile(directory: &Path, user: u32, state: &str) {
    let own = |path: &Path| chown(path, Some(user), Some(user)).unwrap();
    fs::create_dir_all(directory).unwrap();
    let state = format!(r#"{{"kind":"hermes-gateway","gateway_state":"{state}"}}"#);
    for (file, text) in [("SOUL.md", ""), ("gateway_state.json", state.as_str())] {
        fs::write(directory.join(file), text).unwrap();
        own(&directory.join(file));
    }
    own(directory);
}
