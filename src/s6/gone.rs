//! The names that runs of this program give in a scandir, all with a dot, where s6-svscan does not look.

use std::io;

use rustix::io::Errno;

use crate::disk::{Dir, rename_new};

/// Where a run writes before it renames, in the scandir.
pub(crate) const STAGING: &str = ".gatewayctl.tmp";

/// What the names of directories on their way out start with; then come the process that took them out, and a number.
pub(super) const GONE: &str = ".gatewayctl.gone.";

/// The same, of those that did not end although they were waited for.
pub(super) const STUCK: &str = ".gatewayctl.stuck.";

/// The same, of their locks.
pub(super) const LOCK: &str = ".gatewayctl.lock.";

/// Takes a directory that a run made and that is not to be there after all out of the scandir, if a supervisor may work in it already: the
/// next run sees to it. `false` if none does.
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

/// Whether a directory on its way out has this number, process and count, whether it is still waited for or not.
pub(super) fn is_taken(scandir: &Dir, number: &str) -> bool {
    [GONE, STUCK].iter().any(|prefix| scandir.stat(&format!("{prefix}{number}")).is_ok())
}
