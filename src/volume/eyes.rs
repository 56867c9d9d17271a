//! Eyes on the directory of the profiles. They wake the run that follows the profiles.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;

use super::home::Volume;
use crate::base::interrupted;
use crate::disk::Dir;

/// The name of the directory of the profiles, below the home.
const PROFILES: &str = "profiles";

/// The longest sleep. It limits the delay of a signal that comes just before the sleep.
const NAP: Duration = Duration::from_secs(1);

/// The pause after an event of no interest. The home is busy, and a user who floods it with events costs little.
const BLINK: Duration = Duration::from_millis(20);

/// A watch on the home and the profiles of a volume. It sees nothing that happened before it was opened.
#[derive(Debug)]
pub(crate) struct Eyes {
    /// Without it, the waits only take time. A machine gives out a limited number of these.
    inotify: Option<OwnedFd>,
    profiles: Option<i32>,
}

impl Eyes {
    /// Watches from now on.
    pub(crate) fn open(volume: &Volume) -> Self {
        let changes = WatchFlags::CREATE | WatchFlags::DELETE | WatchFlags::MOVED_FROM | WatchFlags::MOVED_TO;
        let gone = WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF;
        let watch = |inotify: &OwnedFd, directory: &Dir| {
            // By its descriptor, because another directory may be at its path.
            let path = format!("/proc/self/fd/{}", directory.as_fd().as_raw_fd());
            inotify::add_watch(inotify, path, changes | gone | WatchFlags::ONLYDIR)
        };
        let Ok(inotify) = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK) else {
            return Self::closed();
        };
        if watch(&inotify, volume.home()).is_err() {
            return Self::closed();
        }
        let profiles = volume.home().dir(PROFILES).ok().and_then(|directory| watch(&inotify, &directory).ok());
        Self { inotify: Some(inotify), profiles }
    }

    /// Eyes that see nothing. A wait with them only takes time.
    pub(crate) fn closed() -> Self {
        Self { inotify: None, profiles: None }
    }

    /// Waits until something happens to the profiles, until this time is over, or until a signal comes. Returns whether something happened.
    pub(crate) fn wait(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || interrupted() {
                return false;
            }
            let nap = left.min(NAP);
            let Some(inotify) = &self.inotify else {
                std::thread::sleep(nap);
                continue;
            };
            match poll(&mut [PollFd::new(inotify, PollFlags::IN)], Some(&timespec(nap))) {
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) if is_of_interest(inotify, self.profiles) => return true,
                Ok(_) => std::thread::sleep(BLINK.min(left)),
                Err(_) => std::thread::sleep(nap),
            }
        }
    }
}

/// Whether one of the events is of interest. A lost event may have been.
fn is_of_interest(inotify: &OwnedFd, profiles: Option<i32>) -> bool {
    let lost = ReadFlags::QUEUE_OVERFLOW | ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF | ReadFlags::IGNORED;
    let mut space = [MaybeUninit::uninit(); 16 << 10];
    let mut reader = inotify::Reader::new(inotify, &mut space);
    loop {
        match reader.next() {
            Ok(event) => {
                let named = event.file_name().is_some_and(|name| name.to_bytes() == PROFILES.as_bytes());
                if event.events().intersects(lost) || Some(event.wd()) == profiles || named {
                    return true;
                }
            }
            Err(Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec { tv_sec: i64::try_from(duration.as_secs()).unwrap_or(1), tv_nsec: duration.subsec_nanos().into() }
}
