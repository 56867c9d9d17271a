//! Makes Hermes create a profile, as the service user.

use super::paths::directory_of;
use super::servant::{Servant, ServantError};
use crate::spec::ProfileName;
use crate::spec::options::HermesProgram;

/// Removes what a killed Hermes had begun: directories, and the files with which it begins.
const CLEAR: &str = r#"
[ -d "$1" ] && [ ! -L "$1" ] || exit 0
found=$(find "$1" ! -type d ! -name .env ! -name .no-bundled-skills) || exit 1
[ -n "${found}" ] || rm -rf -- "$1"
"#;

impl Servant<'_> {
    /// Makes the service user's Hermes create this profile, which does not exist yet.
    ///
    /// # Errors
    /// If it cannot do so, or takes too long.
    pub(crate) fn create(&self, hermes: &HermesProgram, profile: &ProfileName) -> Result<(), ServantError> {
        let directory = self.home.join(directory_of(profile));
        self.run("/bin/sh", &["-euc", CLEAR, "sh", directory.as_str()], b"")?;
        // Without this option, Hermes would also write a program beside `hermes`, which is for a person's own machine.
        self.run(hermes.as_str(), &["profile", "create", profile.as_str(), "--no-alias"], b"")
    }
}
