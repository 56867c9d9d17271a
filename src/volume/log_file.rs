//! The files of a log: their names, their last lines, and parts of them.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

/// The name of a file that s6-log has closed: `@`, a time of 24 hexadecimal digits, and how it was closed.
pub(super) fn archived(name: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(name).ok()?;
    let time = name.strip_prefix('@')?.strip_suffix(".s").or_else(|| name.strip_prefix('@')?.strip_suffix(".u"))?;
    (time.len() == 24 && time.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| name.to_owned())
}

/// The place at which the last `lines` lines between `first` and `end` begin, and how many lines are missing there. It reads from the end.
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
            // The file was truncated while it was read.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok((end, missing)),
            read => read?,
        }
        for (place, byte) in block.iter().enumerate().rev() {
            let place = begin + place as u64;
            // A line break at the very end ends the last line. No line begins after it.
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

/// The least name that s6-log gives to a file that it closes after this time, in seconds since 1970. It is the TAI64N label of a time that is an hour
/// earlier. That is more than leap seconds and clocks differ (<https://cr.yp.to/libtai/tai64.html>).
pub(super) fn label(seconds: i64) -> String {
    format!("@{:016x}", (1_i64 << 62).saturating_add(seconds).saturating_sub(3600).max(0))
}

/// Reads the bytes at this place of a file, as many as there are before `end`; 0 if there are none, or if the file was truncated.
pub(super) fn block(file: &File, at: u64, end: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let most = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX).min(buffer.len());
    loop {
        match file.read_at(&mut buffer[..most], at) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn last_lines() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"zero\none\ntwo\nthree").unwrap();
        // Only the text from `one` on counts.
        for (lines, expected) in [(0, (18, 0)), (1, (13, 0)), (2, (9, 0)), (3, (5, 0)), (4, (5, 1)), (9, (5, 6))] {
            assert_eq!(last(&file, 5, 18, lines).unwrap(), expected, "{lines}");
        }
        for (lines, expected) in [(1, (9, 0)), (2, (5, 0)), (3, (0, 0)), (4, (0, 1))] {
            assert_eq!(last(&file, 0, 13, lines).unwrap(), expected, "{lines}");
        }
        assert_eq!(last(&file, 3, 3, 2).unwrap(), (3, 2));
    }

    #[test]
    fn names_sort_by_the_time_of_a_label() {
        // s6-log 2.11.3.2 closed this file at the time of `then`.
        let (name, then) = ("@400000006b0b7b4e08b44f69.s", 1_795_914_537);
        assert!(
            label(0) < label(1) && label(-1) < label(0) && label(i64::MIN) <= label(0) && label(0) < label(i64::MAX)
        );
        assert!(*name > *label(then) && *name < *label(then + 2 * 3600));
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
