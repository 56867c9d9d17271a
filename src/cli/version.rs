//! The text of `--version`.

use std::sync::LazyLock;

use crate::hermes::on_pypi;
use crate::s6::TESTED_WITH;

static LONG: LazyLock<String> = LazyLock::new(|| {
    let commit = option_env!("GEN_SERVICE_BUILT_FROM").map_or_else(String::new, |commit| format!(" ({commit})"));
    let mut tested: Vec<String> = TESTED_WITH.map(|(s6, from)| format!("s6 {s6} ({from})")).into();
    tested.extend(
        on_pypi()
            .map(|(oldest, newest)| format!("hermes-agent {}.{} to {}.{}", oldest.0, oldest.1, newest.0, newest.1)),
    );
    format!("{}{commit}\ntested with {}", env!("CARGO_PKG_VERSION"), tested.join(", "))
});

/// The version, the commit if the build recorded one, and the versions of s6 and Hermes that the tests use. `-V` prints only the version.
pub(super) fn long() -> &'static str {
    &LONG
}
