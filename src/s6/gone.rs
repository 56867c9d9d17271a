//! The names that runs of this program use in a scandir. All start with a dot, so s6-svscan ignores them.

use std::io;

use rustix::io::Errno;

use crate::disk::{Dir, rename_new};

/// The directory in the scandir in which a run writes before it renames.
pub(crate) const STAGING: &str = ".gatewayctl.tmp";

/// The beginning of the name of a directory on its way out. The process that took it out and a number follow.
pub(super) const GONE: &str = ".gatewayctl.gone.";

/// The same for a directory that did not end within the time that it was waited for.
pub(super) const STUCK: &str = ".gatewayctl.stuck.";

/// The same for their locks.
pub(super) const LOCK: &str = ".gatewayctl.lock.";

/// Moves a directory out of the scandir's sight. A run made it and has to take it back, but a supervisor may already work in it. The next run
/// finishes the removal. `false` if no supervisor works in it.
pub(super) fn evacuate(scandir: &Dir, name: &str) -> io::Result<bool> {
    match scandir.stat(&format!("{name}/supervise")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        there => there?,
    };
    for count in 0..u32::MAX {
        let number = format!("{}.{count}", std::process::id());
        if is_taken(scandir, &number) {
            continue;
        }
        match rename_new((scandir, name), (scandir, &format!("{GONE}{number}"))) {
            Err(Errno::EXIST | Errno::NOTEMPTY) => {}
            renamed => return Ok(renamed.map(|()| true)?),
        }
    }
    Ok(false)
}

/// Whether a directory on its way out has this number (process and count), whether a run still waits for it or not.
pub(super) fn is_taken(scandir: &Dir, number: &str) -> bool {
    [GONE, STUCK].iter().any(|prefix| scandir.stat(&format!("{prefix}{number}")).is_ok())
}
