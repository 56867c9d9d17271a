//! The files of a log: their names, their last lines, and parts of them.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt as _;

use super::error::VolumeError;

/// The name of a file that s6-log has put aside: `@`, a time in 24 hexadecimal digits, and how it was closed.
pub(super) fn archived(name: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(name).ok()?;
    let time = name.strip_prefix('@')?.strip_suffix(".s").or_else(|| name.strip_prefix('@')?.strip_suffix(".u"))?;
    (time.len() == 24 && time.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| name.to_owned())
}

/// Where the last `lines` lines of what is between `first` and `end` begin, and how many of them are missing there. Read from the end.
pub(super) fn last(file: &File, first: u64, end: u64, lines: usize) -> io::Result<(u64, usize)> {
    const BLOCK: u64 = 64 << 10;
    let mut buffer = vec![0; 64 << 10];
    let (mut at, mut missing) = (end, lines);
    if lines == 0 {
        return Ok((end, 0));
    }
    while at > first {
        let begin = at.saturating_sub(BLOCK).max(first);
        let block = &mut buffer[..usize::try_from(at - begin).unwrap_or_default()];
        match file.read_exact_at(block, begin) {
            // It was cut while it was read.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok((end, missing)),
            read => read?,
        }
        for (place, byte) in block.iter().enumerate().rev() {
            let place = begin + place as u64;
            // The line break at the very end ends the last line, and begins none.
            if *byte == b'\n' && place + 1 != end {
                missing -= 1;
                if missing == 0 {
                    return Ok((place + 1, 0));
                }
            }
        }
        at = begin;
    }
    Ok((first, if first < end { missing - 1 } else { missing }))
}

/// Writes a part of a file, a block at a time.
pub(super) fn copy(
    file: &File,
    mut at: u64,
    end: u64,
    out: &mut dyn Write,
    wrong: impl Fn(io::Error) -> VolumeError,
) -> Result<(), VolumeError> {
    let mut buffer = vec![0; 64 << 10];
    while at < end {
        let most = usize::try_from(end - at).unwrap_or(usize::MAX).min(buffer.len());
        let read = match file.read_at(&mut buffer[..most], at) {
            // It was cut.
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(wrong(error)),
        };
        out.write_all(&buffer[..read]).map_err(VolumeError::Output)?;
        at += read as u64;
    }
    out.flush().map_err(VolumeError::Output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_lines() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"zero\none\ntwo\nthree").unwrap();
        // From `one` on, as if there were no more before.
        for (lines, expected) in [(0, (18, 0)), (1, (13, 0)), (2, (9, 0)), (3, (5, 0)), (4, (5, 1)), (9, (5, 6))] {
            assert_eq!(last(&file, 5, 18, lines).unwrap(), expected, "{lines}");
        }
        for (lines, expected) in [(1, (9, 0)), (2, (5, 0)), (3, (0, 0)), (4, (0, 1))] {
            assert_eq!(last(&file, 0, 13, lines).unwrap(), expected, "{lines}");
        }
        assert_eq!(last(&file, 3, 3, 2).unwrap(), (3, 2));
    }

    #[test]
    fn names_of_archived_files() {
        assert!(archived(b"@4000000067432f0a1b2c3d4e.s").is_some());
        for name in [
            "current",
            "@4000000067432f0a1b2c3d4.s",
            "@4000000067432f0a1b2c3d4e",
            "@4000000067432f0a1b2c3dxx.u",
            "@../../x.s",
        ] {
            assert_eq!(archived(name.as_bytes()), None, "{name}");
        }
    }
}
