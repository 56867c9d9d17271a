//! A scandir on a real file system, and runs of the programs there.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::model::{ROOT, Recording};
use super::record::{OPTIONS, calls};
use super::replay::Replay;
use crate::support::{GATEWAYCTL, Ran, run, set_mode, succeeds, tool};

/// What statfs says of a tmpfs.
const TMPFS: i64 = 0x0102_1994;

/// A directory that is not on a tmpfs, and that only root can change, with staging trees and scandirs in it.
pub(super) struct Stage(TempDir);

impl Stage {
    pub(super) fn new() -> Self {
        let places = [env!("CARGO_TARGET_TMPDIR"), "/var/tmp", "/tmp"].map(Path::new);
        let place = places.into_iter().find(|place| is_on_disk(place) && is_roots(place));
        let place = place.unwrap_or_else(|| {
            panic!("each of {places:?} is on a tmpfs, which syncs nothing, or does not belong to root")
        });
        let directory = tempfile::tempdir_in(place).unwrap();
        set_mode(directory.path(), 0o755);
        Self(directory)
    }

    /// A path in it, without symlinks.
    pub(super) fn path(&self, below: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(below)
    }

    /// Renders these into a staging tree.
    pub(super) fn render(&self, tree: &str, arguments: &[&str]) {
        succeeds(self.path(""), arguments.iter().copied().chain(["--quiet", "--down", "--out", tree]));
    }

    /// gatewayctl with these arguments. `@` in them stands for the directory.
    fn command(&self, program: &[&str], arguments: &[&str]) -> Command {
        let s6 = PathBuf::from(tool("s6-svscanctl"));
        let mut command = Command::new(program[0]);
        command.args(&program[1..]).args(["--manager", "s6", "--s6-bin-dir"]).arg(s6.parent().unwrap());
        let directory = self.path("");
        let directory = directory.to_str().unwrap().trim_end_matches('/');
        command.args(arguments.iter().map(|argument| argument.replace('@', directory))).current_dir(directory);
        command.env("HERMES_HOME", "/not/for/this").env_remove("NO_COLOR");
        command
    }

    /// Runs gatewayctl.
    pub(super) fn gatewayctl(&self, arguments: &[&str]) -> Ran {
        run(self.command(&[GATEWAYCTL], arguments))
    }

    /// Kills gatewayctl at a system call into which strace injects a signal.
    pub(super) fn killed(&self, inject: &str, arguments: &[&str]) {
        let program = [&tool("strace"), "-f", "-qq", "-o", "/dev/null", "-e", inject, GATEWAYCTL];
        let status = self.command(&program, arguments).status().unwrap();
        assert_eq!(status.signal(), Some(9), "{status}");
    }

    /// Records a run of gatewayctl in this scandir, under these options of strace.
    pub(super) fn record(&self, scandir: &str, options: &[&str], arguments: &[&str], code: i32) -> Recording {
        let scandir = self.path(scandir);
        let trace = self.path("trace");
        let replay = Replay::begin(&scandir, umask());
        let strace = tool("strace");
        let program =
            [&[strace.as_str(), "-o", trace.to_str().unwrap()], &OPTIONS[..], options, &[GATEWAYCTL]].concat();
        let ran = run(self.command(&program, arguments));
        assert_eq!(ran.code, code, "{}{}", ran.out, ran.err);
        let mut recording = replay.run(&calls(&fs::read_to_string(trace).unwrap()));
        // The model agrees with the disk, to the bit.
        let there = recording.read(&scandir);
        assert_eq!(recording.tree(&recording.now, ROOT), there);
        recording
    }
}

fn is_on_disk(place: &Path) -> bool {
    #[allow(clippy::useless_conversion, reason = "the type differs on other machines")]
    rustix::fs::statfs(place).is_ok_and(|file_system| i64::from(file_system.f_type) != TMPFS)
}

/// Whether root's programs work there. They refuse a directory that another user can change.
fn is_roots(place: &Path) -> bool {
    place.canonicalize().unwrap().ancestors().all(|directory| {
        let metadata = fs::metadata(directory).unwrap();
        metadata.uid() == 0 && (metadata.mode() & 0o022 == 0 || metadata.mode() & 0o1000 != 0)
    })
}

/// The umask of this process and of its children.
fn umask() -> u32 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("Umask:")).unwrap();
    u32::from_str_radix(line.trim(), 8).unwrap()
}
