//! Log directories, which belong to the service user.

#![expect(clippy::disallowed_methods, reason = "the target made this directory")]

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use camino::Utf8Path;

use super::check::{one_plain_line, scratch};
use super::entries::make;
use crate::spec::ServiceName;
use crate::volume::{LogDir, Past, Tail, Volume, VolumeError};

/// Doctor shows no more than this of a log.
const END: usize = 64 << 10;

/// A log directory. The first line is the number of lines that are wanted. Then come entries, as `entries` says.
///
/// # Panics
/// If the last lines are not those that are counted in each file; if a symlink, a fifo or somebody else's file is shown; or if an error is
/// not one plain line.
pub fn log_directory(data: &[u8]) {
    let (number, entries) = data.split_at(data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len()));
    let number = std::str::from_utf8(number).ok().and_then(|number| number.parse().ok()).unwrap_or(usize::MAX);
    let (_directory, home) = scratch();
    let log = home.join("logs/gateways/coder");
    fs::create_dir_all(&log).expect("it can be made");
    fs::write(home.join("current"), "nobody's\n").expect("it can be written");
    make(&log, entries);
    let volume = Volume::open(&home).expect("it is there");
    let own = rustix::process::geteuid().as_raw();
    let service = ServiceName::Gateway("coder".parse().expect("it is a name"));
    let directory = || LogDir::open(&volume, &service, Some(own)).expect("it is there");
    // Between two steps of a rotation there is no `current`. Then the file that was written last is shown.
    let newest = if there(&log, "current") { "current" } else { "previous" };
    let current = readable(&log, newest);
    let mut older: Vec<String> = fs::read_dir(&log)
        .expect("it can be listed")
        .filter_map(|entry| entry.expect("it can be listed").file_name().into_string().ok())
        .filter(|name| is_archived(name))
        .collect();
    older.sort_unstable();
    older.extend((newest == "current" && there(&log, "previous")).then(|| "previous".to_owned()));
    for lines in [0, 1, 2, number, usize::MAX] {
        let shown = shown(directory(), Past::Lines(lines));
        let end = Tail::end(directory(), lines);
        let Some(current) = &current else {
            one_plain_line(shown.expect_err("there is nothing to show"));
            assert_eq!(end, None);
            continue;
        };
        let wanted = last(lines, current, older.iter().rev().map_while(|name| readable(&log, name)));
        assert_eq!(shown.expect("it can be shown"), wanted, "{lines} lines");
        assert_eq!(end.as_deref(), Some(&wanted[wanted.len().saturating_sub(END)..]), "the end of {lines} lines");
    }
    match (shown(directory(), Past::Current), current) {
        (Ok(whole), Some(current)) => assert_eq!(whole, current),
        (Err(error), None) => one_plain_line(error),
        (shown, current) => panic!("{shown:?}, and there is {current:?}"),
    }
}

/// The past of a log. Output that comes later is ignored.
fn shown(directory: LogDir, past: Past) -> Result<Vec<u8>, VolumeError> {
    let mut tail = Tail::of(directory, past)?;
    let (mut shown, mut block) = (Vec::new(), [0; 4096]);
    loop {
        match tail.past(&mut block)? {
            0 => break,
            length => shown.extend_from_slice(&block[..length]),
        }
    }
    assert_eq!(tail.next(&mut block)?, 0);
    Ok(shown)
}

fn there(log: &Utf8Path, name: &str) -> bool {
    fs::symlink_metadata(log.join(name)).is_ok()
}

/// The content of a file, if it belongs to the user.
fn readable(log: &Utf8Path, name: &str) -> Option<Vec<u8>> {
    let path = log.join(name);
    let metadata = fs::symlink_metadata(&path).ok()?;
    (metadata.is_file() && metadata.uid() == rustix::process::geteuid().as_raw()).then(|| fs::read(&path).ok())?
}

fn is_archived(name: &str) -> bool {
    let bytes = name.as_bytes();
    let digits = bytes.get(1..25).unwrap_or_default();
    bytes.len() == 27
        && bytes[0] == b'@'
        && digits.iter().all(u8::is_ascii_hexdigit)
        && matches!(&bytes[25..], b".s" | b".u")
}

/// The last lines of a log: those of `current`, and as many as are still missing from each older file, the newest first.
fn last(lines: usize, current: &[u8], older: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut text: Vec<u8> = Vec::new();
    let mut missing = lines;
    for file in std::iter::once(current.to_vec()).chain(older) {
        if missing == 0 {
            break;
        }
        let own: Vec<&[u8]> = file.split_inclusive(|byte| *byte == b'\n').collect();
        let taken = own.len().min(missing);
        text.splice(0..0, own[own.len() - taken..].concat());
        missing -= taken;
    }
    text
}
