//! Gives `/run` to the user who runs the container, if that is not root, and starts `/init` as that user: what s6-overlay has a set-uid program for.
//! It does so for the first process of a container only, which nobody in it can start again.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};
use std::{env, fs, process};

fn main() -> ExitCode {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    // The real one, which is who called this.
    let number =
        |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok());
    let (Some(uid), Some(gid), 1) = (number("Uid:"), number("Gid:"), process::id()) else {
        eprintln!("suexec: this is not the first process");
        return ExitCode::from(100);
    };
    if let Err(error) = std::os::unix::fs::chown("/run", Some(uid), Some(gid)) {
        eprintln!("suexec: /run belongs to somebody else, and cannot be given to user {uid}: {error}");
        return ExitCode::from(100);
    }
    let error = Command::new("/init").args(env::args_os().skip(1)).uid(uid).gid(gid).exec();
    eprintln!("suexec: cannot start /init: {error}");
    ExitCode::from(111)
}
