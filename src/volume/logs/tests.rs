#![expect(clippy::disallowed_methods, reason = "a log directory of the test's own")]

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use camino::{Utf8Path, Utf8PathBuf};
use proptest::prelude::*;

use super::*;

/// A directory as s6-log keeps one, without s6-log, which makes all steps of a rotation at once.
struct Log {
    volume: tempfile::TempDir,
    rotations: u32,
}

impl Log {
    fn new() -> Self {
        let volume = tempfile::tempdir().unwrap();
        let log = Self { volume, rotations: 0 };
        fs::create_dir_all(log.path("")).unwrap();
        fs::write(log.path(CURRENT), "").unwrap();
        log
    }

    fn home(&self) -> &Utf8Path {
        Utf8Path::from_path(self.volume.path()).unwrap()
    }

    fn path(&self, name: &str) -> Utf8PathBuf {
        self.home().join("logs/gateways/coder").join(name)
    }

    fn directory(&self) -> LogDir {
        let volume = Volume::open(self.home()).unwrap();
        let own = fs::metadata(self.home()).unwrap().uid();
        LogDir::open(&volume, &ServiceName::Gateway("coder".parse().unwrap()), Some(own)).unwrap()
    }

    fn say(&self, line: &str) {
        let mut current = fs::OpenOptions::new().append(true).open(self.path(CURRENT)).unwrap();
        writeln!(current, "{line}").unwrap();
    }

    /// One of the four steps of a rotation (the source of s6-log 2.11 to 2.15: `rotator`, `finish`).
    fn step(&mut self, step: u32) {
        let named = self.path(&format!("@{:024x}.s", self.rotations));
        match step {
            0 => fs::rename(self.path(CURRENT), self.path(PREVIOUS)).unwrap(),
            1 => fs::write(self.path(CURRENT), "").unwrap(),
            2 => fs::hard_link(self.path(PREVIOUS), named).unwrap(),
            _ => {
                fs::remove_file(self.path(PREVIOUS)).unwrap();
                self.rotations += 1;
            }
        }
    }
}

/// Ends a reader that follows once it has shown this line.
struct Until<'a> {
    shown: Vec<u8>,
    last: &'a str,
}

impl Write for Until<'_> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.shown.extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.shown.ends_with(format!("{}\n", self.last).as_bytes()) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        Ok(())
    }
}

#[test]
fn at_each_step_of_a_rotation_each_line_is_shown_once_and_in_its_order() {
    let mut log = Log::new();
    let (mut said, mut line) = (Vec::new(), 0);
    for rotation in 0..3 {
        for step in 0..4 {
            // Between the first step and the second there is nothing to write to.
            if step != 1 {
                log.say(&line.to_string());
                said.push(format!("{line}\n"));
                line += 1;
            }
            log.step(step);
            for lines in [1, 2, 100] {
                let mut shown = Vec::new();
                log.directory().show(Some(lines), &mut shown).unwrap();
                let expected = said[said.len().saturating_sub(lines)..].concat();
                assert_eq!(String::from_utf8(shown).unwrap(), expected, "rotation {rotation}, step {step}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whoever follows may look after any steps, and sees the rest later.
    #[test]
    fn who_follows_misses_nothing_whenever_he_looks(looks in proptest::collection::vec(1_u32..12, 1..12)) {
        let mut log = Log::new();
        let directory = log.directory();
        let mut file = directory.show(None, &mut io::sink()).unwrap();
        let (mut said, mut shown, mut steps) = (Vec::new(), Vec::new(), 0);
        for steps_until_look in looks {
            for _ in 0..steps_until_look {
                if steps % 4 != 1 {
                    log.say(&steps.to_string());
                    said.push(steps.to_string());
                }
                log.step(steps % 4);
                steps += 1;
            }
            while let Next::File(next) = directory.after(&file).unwrap() {
                directory.copy_all(&mut file, &mut shown).unwrap();
                file = next;
            }
            directory.copy_all(&mut file, &mut shown).unwrap();
            let lines: Vec<&str> = std::str::from_utf8(&shown).unwrap().lines().collect();
            prop_assert_eq!(&lines, &said);
        }
    }
}

#[test]
fn who_follows_misses_nothing_of_rotations_as_fast_as_can_be() {
    let mut log = Log::new();
    let directory = log.directory();
    let file = directory.show(None, &mut io::sink()).unwrap();
    let lines = 300;
    let last = (lines - 1).to_string();
    let shown = thread::scope(|scope| {
        let follower = scope.spawn(|| {
            let mut out = Until { shown: Vec::new(), last: &last };
            let ended = directory.follow(file, &mut out).unwrap_err();
            assert!(matches!(ended, VolumeError::Output(_)), "{ended}");
            out.shown
        });
        for line in 0..lines {
            log.say(&line.to_string());
            if line + 1 < lines {
                (0..4).for_each(|step| log.step(step));
            }
        }
        follower.join().unwrap()
    });
    let expected: Vec<String> = (0..lines).map(|line| format!("{line}\n")).collect();
    assert_eq!(String::from_utf8(shown).unwrap(), expected.concat());
}
