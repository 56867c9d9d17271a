//! SIGINT, SIGTERM and SIGHUP. On one of them, a run that changes something takes back what it did, and ends.

#![expect(clippy::disallowed_methods, reason = "/proc/self")]

use std::fmt;
use std::io::{self, Read as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

static SEEN: OnceLock<Arc<AtomicUsize>> = OnceLock::new();

/// A signal that asks a run to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signal(i32);

impl Signal {
    /// Those that end a run.
    pub(crate) const ALL: [Self; 3] = [Self(SIGHUP), Self(SIGINT), Self(SIGTERM)];

    /// The exit code of a program that this signal ended: 128 plus the signal's number.
    pub fn exit_code(self) -> u8 {
        u8::try_from(128 + self.0).unwrap_or(1)
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            SIGHUP => f.write_str("SIGHUP"),
            SIGINT => f.write_str("SIGINT"),
            SIGTERM => f.write_str("SIGTERM"),
            other => write!(f, "signal {other}"),
        }
    }
}

/// From now on these signals do not end the process. Each wait checks whether one came. A signal stays ignored if the caller of this
/// program had it ignored, as `nohup` does.
///
/// # Errors
/// If the operating system refuses.
pub(crate) fn watch() -> io::Result<()> {
    let seen = SEEN.get_or_init(Arc::default);
    let ignored = ignored();
    for Signal(signal) in Signal::ALL {
        if ignored >> (signal - 1) & 1 == 0 {
            signal_hook::flag::register_usize(signal, Arc::clone(seen), usize::try_from(signal).unwrap_or_default())?;
        }
    }
    Ok(())
}

/// The signals that this process ignores, one bit each, as the kernel reports them.
fn ignored() -> u64 {
    // The file has about 1,500 bytes. The kernel makes it anew for each reader.
    let mut status = [0; 8192];
    let read = std::fs::File::open("/proc/self/status").and_then(|mut file| file.read(&mut status)).unwrap_or_default();
    let status = String::from_utf8_lossy(&status[..read]);
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}

/// The last of these signals since [`watch`].
pub(crate) fn seen() -> Option<Signal> {
    let number = SEEN.get()?.load(Ordering::Relaxed);
    i32::try_from(number).ok().filter(|&number| number != 0).map(Signal)
}

/// Whether one of these signals came.
pub(crate) fn interrupted() -> bool {
    seen().is_some()
}
