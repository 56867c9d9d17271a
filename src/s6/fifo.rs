//! The fifos that tell programs of s6 whether another one runs.

use camino::Utf8Path;
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

use super::error::S6Error;
use crate::disk::Context as _;

/// Whether a process reads this fifo. Every program of s6 learns in this way whether another one runs. A path that is not a fifo has no reader.
pub(super) fn has_reader(fifo: &Utf8Path) -> Result<bool, S6Error> {
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY | OFlags::CLOEXEC;
    match rustix::fs::open(fifo.as_std_path(), flags, Mode::empty()) {
        Ok(opened) => {
            let stat = rustix::fs::fstat(&opened).context("read", fifo)?;
            Ok(FileType::from_raw_mode(stat.st_mode).is_fifo())
        }
        Err(Errno::NXIO | Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::ISDIR) => Ok(false),
        Err(error) => Ok(Err(error).context("open", fifo)?),
    }
}
