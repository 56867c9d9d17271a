#![expect(clippy::disallowed_methods, reason = "a log directory that the test made")]

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::thread;

use camino::{Utf8Path, Utf8PathBuf};
use proptest::prelude::*;

use super::*;
use crate::spec::ServiceName;
use crate::volume::home::Volume;
use crate::volume::logs::{CURRENT, PREVIOUS};

/// A log directory like one of s6-log. s6-log itself would do all steps of a rotation at once.
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

/// The whole past, or everything that has come by now.
fn all(mut read: impl FnMut(&mut [u8]) -> Result<usize, VolumeError>) -> String {
    let mut shown = Vec::new();
    let mut block = [0; 7];
    loop {
        match read(&mut block).unwrap() {
            0 => return String::from_utf8(shown).unwrap(),
            length => shown.extend_from_slice(&block[..length]),
        }
    }
}

#[test]
fn at_each_step_of_a_rotation_each_line_is_shown_once_and_in_its_order() {
    let mut log = Log::new();
    let (mut said, mut line) = (Vec::new(), 0);
    for rotation in 0..3 {
        for step in 0..4 {
            // Between the first step and the second, there is no file to write to.
            if step != 1 {
                log.say(&line.to_string());
                said.push(format!("{line}\n"));
                line += 1;
            }
            log.step(step);
            for lines in [1, 2, 100] {
                let mut tail = Tail::of(log.directory(), Past::Lines(lines)).unwrap();
                let expected = said[said.len().saturating_sub(lines)..].concat();
                assert_eq!(all(|block| tail.past(block)), expected, "rotation {rotation}, step {step}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A reader that follows may look after any step, and sees the rest later.
    #[test]
    fn who_follows_misses_nothing_whenever_he_looks(looks in proptest::collection::vec(1_u32..12, 1..12)) {
        let mut log = Log::new();
        let mut tail = Tail::of(log.directory(), Past::Current).unwrap();
        prop_assert_eq!(all(|block| tail.past(block)), "");
        let (mut said, mut shown, mut steps) = (String::new(), String::new(), 0);
        for steps_until_look in looks {
            for _ in 0..steps_until_look {
                if steps % 4 != 1 {
                    log.say(&steps.to_string());
                    said.extend([steps.to_string(), "\n".to_owned()]);
                }
                log.step(steps % 4);
                steps += 1;
            }
            shown += &all(|block| tail.next(block));
            prop_assert_eq!(&shown, &said);
        }
    }
}

#[test]
fn who_follows_misses_nothing_of_rotations_as_fast_as_can_be() {
    let mut log = Log::new();
    let mut tail = Tail::of(log.directory(), Past::Current).unwrap();
    let lines = 300;
    let expected = (0..lines).map(|line| format!("{line}\n")).collect::<Vec<_>>().concat();
    let whole = expected.len();
    let shown = thread::scope(|scope| {
        let follower = scope.spawn(move || {
            let mut shown = String::new();
            while shown.len() < whole {
                shown += &all(|block| tail.next(block));
                thread::yield_now();
            }
            shown
        });
        for line in 0..lines {
            log.say(&line.to_string());
            if line + 1 < lines {
                (0..4).for_each(|step| log.step(step));
            }
        }
        follower.join().unwrap()
    });
    assert_eq!(shown, expected);
}

#[test]
fn what_is_asked_for_since_a_time_is_in_no_file_that_was_put_aside_before() {
    let log = Log::new();
    let named = |seconds: i64| log.path(&format!("@{:016x}00000000.s", (1_i64 << 62) + 37 + seconds));
    let now = 1_795_914_537;
    for (seconds, text) in [(now - 9_000, "long ago\n"), (now - 60, "a minute ago\n"), (now, "now\n")] {
        fs::write(named(seconds), text).unwrap();
    }
    log.say("after");
    let since = |time| {
        let mut tail = Tail::of(log.directory(), Past::Since(time)).unwrap();
        all(|block| tail.past(block))
    };
    assert_eq!(since(None), "long ago\na minute ago\nnow\nafter\n");
    assert_eq!(since(Some(now - 9_000)), since(None));
    // An hour earlier than asked for, because clocks and leap seconds differ by less.
    assert_eq!(since(Some(now)), "a minute ago\nnow\nafter\n");
    assert_eq!(since(Some(now + 9_000)), "after\n");
    assert_eq!((since(Some(i64::MIN)), since(Some(i64::MAX))), (since(None), "after\n".to_owned()));
}
