//! How many more gateways an s6-svscan can take.

#![expect(clippy::disallowed_methods, reason = "the programs of s6")]

use std::fs;

use super::error::S6Error;
use super::process::Svscan;
use super::programs::Programs;
use super::scandir::Scandir;

/// The slots of an s6-svscan. Each is for one supervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    /// The slots that are taken.
    pub(crate) taken: u32,
    /// The slots that exist.
    pub(crate) most: u32,
    /// The slots that a gateway with its logger takes: two, or one before s6 2.13.
    pub(crate) each: u32,
}

impl Room {
    /// The room in this scandir, according to the options of its s6-svscan. If no s6-svscan watches it yet, the default of this version of s6 counts.
    ///
    /// # Errors
    /// If the scandir cannot be read.
    pub(crate) fn of(scandir: &Scandir, svscan: Option<Svscan>, programs: &Programs) -> Result<Self, S6Error> {
        let twice = programs.version().is_none_or(|version| counts_loggers(&version));
        let most = svscan.and_then(|svscan| svscan.most).unwrap_or(if twice { 1000 } else { 500 });
        let mut taken = 0;
        for name in scandir.names()? {
            let path = scandir.path().join(&name);
            if !name.starts_with('.') && path.is_dir() {
                taken += 1 + u32::from(twice && path.join("log").is_dir());
            }
        }
        Ok(Self { taken, most, each: if twice { 2 } else { 1 } })
    }

    /// How many more gateways with loggers fit.
    pub(crate) fn left(self) -> u32 {
        self.most.saturating_sub(self.taken) / self.each
    }

    /// How many of those may go to gateways that a manifest names. The dashboard, the watch, the watchdog and the metrics server come after them, and
    /// without these the container would stop.
    pub(crate) fn left_for_named(self) -> u32 {
        self.left().saturating_sub((self.most / 100).min(4))
    }

    /// How many may go to gateways that no manifest names. A tenth is kept for gateways that somebody names later, but no more than ten.
    pub(crate) fn left_for_unnamed(self) -> u32 {
        let left = self.left();
        left - (left / 10).min(10)
    }

    /// Whether loggers count, so that each gateway takes two slots.
    pub(crate) fn counts_loggers(self) -> bool {
        self.each == 2
    }
}

impl Programs {
    /// The version of s6. It is in the path of its package in s6-overlay, and else in the name of the library that its programs need.
    pub(crate) fn version(&self) -> Option<String> {
        let path = self.path("s6-svstat").canonicalize_utf8().ok()?;
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
}

/// Whether this s6 counts a logged service twice. It does since 2.13, with the option `-C`.
fn counts_loggers(version: &str) -> bool {
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

    #[test]
    fn what_nobody_named_leaves_room_for_what_somebody_names() {
        let room = |taken, most| Room { taken, most, each: 2 }.left_for_unnamed();
        assert_eq!(
            [room(0, 1000), room(900, 1000), room(994, 1000), room(1000, 1000), room(1200, 1000)],
            [490, 45, 3, 0, 0]
        );
    }

    #[test]
    fn what_a_manifest_names_leaves_room_for_the_other_services() {
        let room = |taken, most, each| Room { taken, most, each }.left_for_named();
        assert_eq!([room(0, 1000, 2), room(0, 500, 1), room(0, 3, 1), room(994, 1000, 2)], [496, 496, 3, 0]);
    }
}
