//! Makes volumes as Hermes leaves them, for programs that read them.

use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;

/// Makes a profile in this directory, and gives it to this user. `gateway_state` says how its gateway was when it was last seen.
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
