//! A live s6-svscan (Debian's `s6`), in a scandir of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};

use crate::measure::{LIMIT, quiet};

pub(crate) const S6: &str = "/usr/bin";

/// Why nothing can be supervised here, if so.
pub(crate) fn lacking() -> Option<&'static str> {
    if !Path::new(S6).join("s6-svscan").exists() {
        Some("no s6")
    } else if !rustix::process::geteuid().is_root() {
        Some("not root")
    } else {
        None
    }
}

pub(crate) struct Svscan {
    scandir: PathBuf,
    process: Child,
}

impl Svscan {
    /// In this scandir, which becomes an empty one.
    pub(crate) fn start(scandir: &Path) -> Self {
        crate::measure::remove(scandir);
        fs::create_dir(scandir).unwrap();
        let mut command = quiet("sh");
        // Each supervisor with a logger has a pipe that s6-svscan keeps.
        command.args(["-c", "ulimit -n 8192; exec s6-svscan -c 1000 \"$0\""]).arg(scandir).stderr(Stdio::null());
        let process = command.spawn().unwrap();
        until(|| has_reader(&scandir.join(".s6-svscan/control")));
        Self { scandir: scandir.to_owned(), process }
    }

    /// Another one, in an empty scandir.
    pub(crate) fn anew(self) -> Self {
        let scandir = self.scandir.clone();
        drop(self);
        Self::start(&scandir)
    }
}

impl Drop for Svscan {
    fn drop(&mut self) {
        let _ = quiet(format!("{S6}/s6-svscanctl")).arg("-t").arg(&self.scandir).stderr(Stdio::null()).status();
        let _ = self.process.wait();
    }
}

pub(crate) fn has_reader(fifo: &Path) -> bool {
    rustix::fs::open(fifo, OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()).is_ok()
}

pub(crate) fn until(holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < LIMIT, "that does not come true");
        sleep(Duration::from_millis(1));
    }
}
