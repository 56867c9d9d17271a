//! Which service manager is in charge here.

#![expect(clippy::disallowed_methods, reason = "the signs of a machine's service manager")]

use camino::{Utf8Path, Utf8PathBuf};

use super::kind::Kind;
use crate::s6::Scandir;

/// Where to look for the signs of the service managers. The default is this machine.
#[derive(Debug, Clone)]
pub struct Signs {
    /// `/`, or a directory that takes its place.
    pub root: Utf8PathBuf,
    /// The scandir in which to look for a live s6-svscan.
    pub scandir: Utf8PathBuf,
    /// The operating system, as `std::env::consts::OS` names it.
    pub os: &'static str,
}

/// Finds out from the signs which service manager is in charge; `None` if there is none.
///
/// It is s6 if PID 1 is called `s6-svscan` and `/run/s6/basedir` is a directory, or if the scandir has a live s6-svscan. Otherwise it is windows or
/// launchd, by the operating system, or systemd, by `/run/systemd/system` (as in `sd_booted`). `/proc/1/exe` is unreadable to ordinary users, so it
/// is not looked at.
pub fn detect(signs: &Signs) -> Option<Kind> {
    let comm = std::fs::read_to_string(signs.root.join("proc/1/comm")).unwrap_or_default();
    let overlay = comm.trim_end() == "s6-svscan" && signs.root.join("run/s6/basedir").is_dir();
    if overlay || has_svscan(&signs.scandir) {
        return Some(Kind::S6);
    }
    match signs.os {
        "windows" => Some(Kind::Windows),
        "macos" => Some(Kind::Launchd),
        _ if signs.root.join("run/systemd/system").is_dir() => Some(Kind::Systemd),
        _ => None,
    }
}

fn has_svscan(scandir: &Utf8Path) -> bool {
    // A user who may not open the fifo at least sees that it exists.
    Scandir::open(scandir).is_ok_and(|scandir| scandir.is_live().unwrap_or(true))
}
