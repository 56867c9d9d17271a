//! Makes a directory from bytes, so that one input is a whole tree.
//!
//! A line is an entry, `KIND MODE PATH CONTENT`. All parts except the path are as short as possible:
//!
//! - `f` is a file; `o` is a file that another user owns; `r` is a file that has its content 3000 times; `b` is a file of 16 MiB and one
//!   byte
//! - `d` is a directory, `l` is a symlink to its content, `p` is a fifo
//!
//! The mode is octal. The path never leads out of the directory. In path and content, `\n` is a line break and `\s` a blank. Entries that
//! cannot be made are omitted.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, OwnedFd};

use camino::Utf8Path;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};

/// The most entries that are made from one input.
const MOST: usize = 60;

/// The deepest path: a little deeper than what is read. The code that removes the directory at the end has a limited stack, too.
const DEEPEST: usize = 120;

/// The owner of an `o`.
const SOMEBODY: u32 = 65_534;

/// Makes below this directory what the bytes say.
pub(super) fn make(directory: &Utf8Path, data: &[u8]) {
    for line in data.split(|byte| *byte == b'\n').take(MOST) {
        let mut words = line.splitn(4, |byte| *byte == b' ');
        let (Some([kind]), Some(mode), Some(path)) = (words.next(), words.next(), words.next()) else { continue };
        let mode = std::str::from_utf8(mode).ok().and_then(|mode| u32::from_str_radix(mode, 8).ok());
        let Some(mode) = mode.map(|mode| mode & 0o7777) else { continue };
        let content = plain(words.next().unwrap_or_default());
        // An entry that cannot be made is omitted, such as one with too long a name, or a file in the place of a directory.
        let _ = one(directory, *kind, mode, &plain(path), &content);
    }
}

fn plain(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.iter().copied().peekable();
    let mut text = Vec::new();
    while let Some(byte) = bytes.next() {
        let special = if byte == b'\\' { bytes.next_if(|next| matches!(next, b'n' | b's')) } else { None };
        text.push(match special {
            Some(b'n') => b'\n',
            Some(_) => b' ',
            None => byte,
        });
    }
    text
}

/// It goes through no symlink, because an input may have made one.
fn one(directory: &Utf8Path, kind: u8, mode: u32, path: &[u8], content: &[u8]) -> io::Result<()> {
    let mut parts: Vec<&[u8]> =
        path.split(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b"." | b"..")).collect();
    parts.truncate(DEEPEST);
    let Some(name) = parts.pop() else { return Ok(()) };
    let mut above = open(CWD, directory.as_str().as_bytes())?;
    for part in parts {
        above = inner(&above, part)?;
    }
    match kind {
        b'd' => {
            let directory = inner(&above, name)?;
            rustix::fs::fchmod(&directory, Mode::from_raw_mode(mode))?;
        }
        b'f' | b'o' | b'r' | b'b' => {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let mut file = File::from(rustix::fs::openat(&above, name, flags, Mode::RWXU)?);
            match kind {
                b'r' => file.write_all(&content.repeat(3000))?,
                b'b' => file.set_len((16 << 20) + 1)?,
                _ => file.write_all(content)?,
            }
            if kind == b'o' {
                std::os::unix::fs::fchown(&file, Some(SOMEBODY), None)?;
            }
            rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?;
        }
        b'l' => rustix::fs::symlinkat(content, &above, name)?,
        b'p' => {
            rustix::fs::mknodat(&above, name, FileType::Fifo, Mode::RWXU, 0)?;
            rustix::fs::chmodat(&above, name, Mode::from_raw_mode(mode), AtFlags::empty())?;
        }
        _ => {}
    }
    Ok(())
}

/// Opens a directory in an open one, and creates it if it does not exist.
fn inner(above: &OwnedFd, name: &[u8]) -> io::Result<OwnedFd> {
    match rustix::fs::mkdirat(above, name, Mode::RWXU) {
        Ok(()) => {
            let made = open(above, name)?;
            rustix::fs::fchmod(&made, Mode::from_raw_mode(0o755))?;
            Ok(made)
        }
        Err(rustix::io::Errno::EXIST) => open(above, name),
        Err(error) => Err(error.into()),
    }
}

fn open(above: impl AsFd, name: &[u8]) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(above, name, flags, Mode::empty())?)
}
