//! s6 itself.

use std::fs;

use camino::Utf8Path;

use super::Finding;
use crate::s6::Programs;

const CHECK: &str = "s6";

/// What gatewayctl and the rendered scripts call, beside what [`Programs`] asks for.
const SCRIPTS_CALL: [&str; 6] =
    ["with-contenv", "s6-setuidgid", "s6-envuidgid", "s6-log", "s6-setlock", "s6-permafailon"];

pub(super) fn check(directory: &Utf8Path, findings: &mut Vec<Finding>) -> Option<Programs> {
    let programs = match Programs::new(directory) {
        Ok(programs) => programs,
        Err(error) => {
            findings.push(Finding::said(CHECK, &error));
            return None;
        }
    };
    let missing: Vec<&str> =
        SCRIPTS_CALL.into_iter().filter(|program| fs::metadata(directory.join(program)).is_err()).collect();
    if missing.is_empty() {
        let version = version(&programs).unwrap_or_else(|| "of unknown version".to_owned());
        findings.push(Finding::ok(CHECK, format!("s6 {version} in {directory}")));
    } else {
        let seen = format!("no {} in {directory}, which run scripts call", missing.join(", "));
        findings.push(Finding::error(CHECK, seen, "install s6-overlay, of which these are part"));
    }
    Some(programs)
}

/// The version of s6: in the path of its package, as s6-overlay has it, or in the name of the library that its programs want.
pub(super) fn version(programs: &Programs) -> Option<String> {
    let path = programs.path("s6-svstat").canonicalize_utf8().ok()?;
    let of_package = path.components().find_map(|component| {
        let version = component.as_str().strip_prefix("s6-")?;
        version.starts_with(|first: char| first.is_ascii_digit()).then(|| version.to_owned())
    });
    of_package.or_else(|| {
        const LIBRARY: &[u8] = b"libs6.so.";
        let bytes = fs::read(&path).ok()?;
        let at = bytes.windows(LIBRARY.len()).position(|window| window == LIBRARY)? + LIBRARY.len();
        let digits = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.');
        String::from_utf8(digits.copied().collect()).ok().filter(|version| !version.is_empty())
    })
}

/// Whether this s6 counts the slots of a logged service twice: since 2.13, with the option `-C`.
pub(super) fn counts_loggers(version: &str) -> bool {
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().unwrap_or_default());
    (numbers.next(), numbers.next()) >= (Some(2), Some(13))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_count_loggers() {
        for (version, counts) in
            [("2.11", false), ("2.12.0.4", false), ("2.13.0.0", true), ("2.15.1.0", true), ("3.0", true)]
        {
            assert_eq!(counts_loggers(version), counts, "{version}");
        }
    }
}
