//! A live s6-svscan (Debian's `s6`) in its own scandir.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};

use crate::measure::{LIMIT, quiet};

pub(crate) const S6: &str = "/usr/bin";

/// The reason why nothing can be supervised here, if there is one.
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
    /// Starts s6-svscan in this scandir, and empties it first.
    pub(crate) fn start(scandir: &Path) -> Self {
        crate::measure::remove(scandir);
        fs::create_dir(scandir).unwrap();
        let mut command = quiet("sh");
        // s6-svscan keeps a pipe for each supervisor with a logger.
        command.args(["-c", "ulimit -n 8192; exec s6-svscan -c 1000 \"$0\""]).arg(scandir).stderr(Stdio::null());
        let process = command.spawn().unwrap();
        until(|| has_reader(&scandir.join(".s6-svscan/control")));
        Self { scandir: scandir.to_owned(), process }
    }

    /// Starts another one, in an empty scandir.
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
        assert!(began.elapsed() < LIMIT, "this does not happen within the time limit");
        sleep(Duration::from_millis(1));
    }
}
