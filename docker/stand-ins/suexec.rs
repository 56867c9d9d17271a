//! Gives `/run` to the user who runs the container, if that is not root, and starts `/init` as that user. s6-overlay has a set-uid program for this,
//! too. It works only for the first process of a container, and nobody in the container can start that process again.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};
use std::{env, fs, process};

fn main() -> ExitCode {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    // The first number is the real user, who called this program.
    let number =
        |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok());
    let (Some(uid), Some(gid), 1) = (number("Uid:"), number("Gid:"), process::id()) else {
        eprintln!("suexec: this is not the first process");
        return ExitCode::from(100);
    };
    if let Err(error) = std::os::unix::fs::chown("/run", Some(uid), Some(gid)) {
        eprintln!("suexec: cannot give /run to user {uid}: {error}");
        return ExitCode::from(100);
    }
    let error = Command::new("/init").args(env::args_os().skip(1)).uid(uid).gid(gid).exec();
    eprintln!("suexec: cannot start /init: {error}");
    ExitCode::from(111)
}
