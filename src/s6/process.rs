//! The s6-svscan of a scandir, as a process.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use camino::Utf8Path;

/// An s6-svscan that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Svscan {
    /// Who it runs as: who supervises.
    pub(crate) uid: u32,
    /// How many services it has been told to take at most, by `-c` or `-C`.
    pub(crate) most: Option<u32>,
}

impl Svscan {
    /// The one that watches this scandir, where it can be found.
    pub(crate) fn of(scandir: &Utf8Path) -> Option<Self> {
        let wanted = scandir.canonicalize_utf8().ok()?;
        let processes = fs::read_dir("/proc").ok()?.flatten();
        processes.into_iter().find_map(|entry| {
            let path = entry.path();
            let words = fs::read(path.join("cmdline")).ok()?;
            let words = String::from_utf8(words).ok()?;
            let (most, watched) = arguments(words.split_terminator('\0'))?;
            let directory = fs::read_link(path.join("cwd")).unwrap_or_default().join(watched);
            (directory.canonicalize().ok()? == wanted).then_some(())?;
            Some(Self { uid: entry.metadata().ok()?.uid(), most })
        })
    }
}

/// The most services and the scandir in the command line of an s6-svscan (<https://skarnet.org/software/s6/s6-svscan.html>).
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
