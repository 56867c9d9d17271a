//! The fifos by which programs of s6 know that another one lives.

use camino::Utf8Path;
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

use super::error::S6Error;
use crate::disk::Context as _;

/// Whether somebody reads this fifo, which is how every program of s6 knows that another one lives. What is no fifo has no reader.
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
