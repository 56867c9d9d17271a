//! The kinds of service managers.

use std::fmt;

/// The kinds of service managers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// s6, as in a container with s6-overlay.
    S6,
    /// The user manager of systemd.
    Systemd,
    /// launchd of macOS.
    Launchd,
    /// The task scheduler of Windows.
    Windows,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::S6 => "s6",
            Self::Systemd => "systemd",
            Self::Launchd => "launchd",
            Self::Windows => "windows",
        })
    }
}
