//! The s6-svscan of a scandir, as a process.

#![expect(clippy::disallowed_methods, reason = "/proc")]

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use camino::Utf8Path;

use crate::disk;

/// A running s6-svscan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Svscan {
    /// The user that it runs as, who supervises.
    pub(crate) uid: u32,
    /// The most services that it may take, given by `-c` or `-C`.
    pub(crate) most: Option<u32>,
}

impl Svscan {
    /// The s6-svscan that watches this scandir, if it can be found. It is a process of root or of the owner of the scandir.
    ///
    /// Any user can give a process this name and these arguments, so processes of other users are not believed. They are not looked at either: the
    /// owner of a process can block the reader of its command line for ever.
    pub(crate) fn of(scandir: &Utf8Path) -> Option<Self> {
        let wanted = scandir.canonicalize_utf8().ok()?;
        let owner = fs::metadata(&wanted).ok()?.uid();
        disk::names("/proc".into()).ok()?.into_iter().find_map(|name| {
            let path = Path::new("/proc").join(name);
            // Neither of these two reads looks into the process.
            let name = fs::read(path.join("comm")).ok()?;
            if name != b"s6-svscan\n" {
                return None;
            }
            let uid =
                only_uid(&fs::read_to_string(path.join("status")).ok()?).filter(|&uid| uid == 0 || uid == owner)?;
            let words = fs::read(path.join("cmdline")).ok()?;
            let words = String::from_utf8(words).ok()?;
            let (most, watched) = arguments(words.split_terminator('\0'))?;
            let directory = fs::read_link(path.join("cwd")).unwrap_or_default().join(watched);
            (directory.canonicalize().ok()? == wanted).then_some(())?;
            Some(Self { uid, most })
        })
    }
}

/// The user of a process, read from its `status`. All four ids must be the same; those of a set-uid program that another user started are not.
pub(super) fn only_uid(status: &str) -> Option<u32> {
    let mut uids = status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_whitespace();
    let first = uids.next()?;
    uids.all(|uid| uid == first).then(|| first.parse().ok()).flatten()
}

/// The most services and the scandir, read from the command line of an s6-svscan (<https://skarnet.org/software/s6/s6-svscan.html>).
fn arguments<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<(Option<u32>, &'a str)> {
    if !words.next()?.ends_with("s6-svscan") {
        return None;
    }
    let mut most = None;
    while let Some(word) = words.next() {
        let Some(mut letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
            return Some((most, word));
        };
        if letters == "-" {
            break;
        }
        while let Some(letter) = letters.chars().next() {
            letters = &letters[letter.len_utf8()..];
            if "cCdtXL".contains(letter) {
                let value = if letters.is_empty() { words.next()? } else { letters };
                if "cC".contains(letter) {
                    most = value.parse().ok();
                }
                letters = "";
            }
        }
    }
    Some((most, words.next().unwrap_or(".")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_a_process_is() {
        assert_eq!(only_uid("Name:\ts6-svscan\nUid:\t0\t0\t0\t0\nGid:\t0\n"), Some(0));
        assert_eq!(only_uid("Uid:\t10000\t0\t0\t0\n"), None);
        assert_eq!(only_uid("Name:\tx\n"), None);
    }

    #[test]
    fn command_lines() {
        for (line, expected) in [
            ("s6-svscan", Some((None, "."))),
            ("/package/admin/s6/command/s6-svscan -d4 -- /run/service", Some((None, "/run/service"))),
            ("s6-svscan -d3 -c 500 /run/service", Some((Some(500), "/run/service"))),
            ("s6-svscan -C1000 -S -t 0 scan", Some((Some(1000), "scan"))),
            ("s6-svscan -Sd 4 --", Some((None, "."))),
            ("s6-supervise gateway-a", None),
            ("", None),
        ] {
            assert_eq!(arguments(line.split_whitespace()), expected, "{line}");
        }
    }
}
