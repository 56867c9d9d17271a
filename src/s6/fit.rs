//! Which files a service directory may hold when it is published, and who may own them.

use camino::Utf8Path;
use rustix::fs::{FileType, Stat};

use super::error::Unfit;
use crate::base::text::Shown;
use crate::disk::SUPERVISORS;

/// The files of a service directory, of its log, or of neither, and whether they must be executable
/// (<https://skarnet.org/software/s6/servicedir.html>).
const FILES: [(&str, bool); 12] = [
    ("type", false),
    ("run", true),
    ("finish", true),
    ("down", false),
    ("notification-fd", false),
    ("lock-fd", false),
    ("timeout-kill", false),
    ("timeout-finish", false),
    ("max-death-tally", false),
    ("down-signal", false),
    ("flag-newpidns", false),
    ("flag-terminate", false),
];

/// The directories whose content s6 promises to ignore.
const FREE: [&str; 2] = ["data", "env"];

/// Whether a service directory may hold this entry.
pub(super) fn judge(root: &Utf8Path, below: &str, stat: &Stat, unfit: &mut Vec<Unfit>) -> bool {
    let full = root.join(below);
    let kind = FileType::from_raw_mode(stat.st_mode);
    let mode = stat.st_mode & 0o7777;
    let (above, name) = below.rsplit_once('/').unwrap_or(("", below));
    let free = FREE.contains(&below.split('/').next().unwrap_or_default());
    let known = FILES.iter().find(|(file, _)| *file == name && (above.is_empty() || above == "log"));
    let (problem, remedy) = if below.contains(char::REPLACEMENT_CHARACTER) {
        // The name is shown as well as possible, and would be published in that form. Two such names may look alike.
        ("has a name that is not UTF-8".to_owned(), "give it another name, or take it out of the tree")
    } else if kind.is_dir() && SUPERVISORS.contains(&name) {
        ("was made by a supervisor".to_owned(), "render into a directory that is not a scandir")
    } else if kind.is_dir() && (free || below == "log") {
        return own(&full, stat, unfit);
    } else if !kind.is_file() {
        let kind = if kind.is_symlink() {
            "a symlink"
        } else if kind.is_dir() {
            "a directory"
        } else {
            "a fifo, socket or device"
        };
        (format!("is {kind}, which the service directory of a gateway must not hold"), "take it out of the tree")
    } else if !free && known.is_none() {
        (format!("is not a file of a service directory ({})", Shown(name)), "take it out of the tree")
    } else if !free && known.is_some_and(|(_, executed)| *executed) && mode & 0o111 != 0o111 {
        (format!("has mode {mode:04o} and cannot be executed"), "chmod 0755 it, or render the tree again")
    } else {
        return own(&full, stat, unfit);
    };
    unfit.push(Unfit::new(full, problem, remedy));
    false
}

/// Whether only root and this user can change it. Anyone who can write a service directory can run code as root at its next start.
pub(super) fn own(path: &Utf8Path, stat: &Stat, unfit: &mut Vec<Unfit>) -> bool {
    let uid = rustix::process::geteuid().as_raw();
    let mode = stat.st_mode & 0o7777;
    let problem = if stat.st_uid != uid && stat.st_uid != 0 {
        format!("belongs to user {}, who could change what runs as {uid}", stat.st_uid)
    } else if mode & 0o022 != 0 {
        format!("has mode {mode:04o}, so others could change what runs")
    } else {
        return true;
    };
    unfit.push(Unfit::new(path, problem, "chown it to the user who installs it, and chmod go-w it"));
    false
}
