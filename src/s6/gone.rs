//! The names that runs of this program give in a scandir, all with a dot, where s6-svscan does not look.

use std::io;

use rustix::io::Errno;

use crate::disk::{Dir, rename_new};

/// Where a run writes before it renames, in the scandir.
pub(crate) const STAGING: &str = ".gatewayctl.tmp";

/// What the names of directories on their way out start with; then come the process that took them out, and a number.
pub(super) const GONE: &str = ".gatewayctl.gone.";

/// Takes a directory that a run made and that is not to be there after all out of the scandir, if a supervisor may work in it already: the
/// next run sees to it. `false` if none does.
pub(super) fn evacuate(scandir: &Dir, name: &str) -> io::Result<bool> {
    match scandir.stat(&format!("{name}/supervise")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        there => there?,
    };
    for count in 0..u32::MAX {
        match rename_new((scandir, name), (scandir, &format!("{GONE}{}.{count}", std::process::id()))) {
            Err(Errno::EXIST | Errno::NOTEMPTY) => {}
            renamed => return Ok(renamed.map(|()| true)?),
        }
    }
    Ok(false)
}
