//! Finds out who may do what the operating system refused to this user.

#![expect(clippy::disallowed_methods, reason = "/etc/passwd and /etc/group")]

use std::fs;
use std::io;

use camino::Utf8Path;
use rustix::fs::Stat;

/// The directory in which s6 keeps what controls a service. Anyone who may enter it may control the service.
const SUPERVISE: &str = "supervise";

/// Who may do what was refused at this path, as the rest of a sentence. `None` if the refusal does not depend on the user.
pub(super) fn may(path: &Utf8Path, refusal: &io::Error) -> Option<String> {
    let user = rustix::process::geteuid();
    // If root is refused something, the owner cannot change that.
    if refusal.kind() != io::ErrorKind::PermissionDenied || user.is_root() {
        return None;
    }
    // The refusal comes from the last part of the path that exists.
    let (stat, last) = path.ancestors().find_map(|path| {
        let path = if path.as_str().is_empty() { Utf8Path::new(".") } else { path };
        Some((rustix::fs::stat(path.as_std_path()).ok()?, path))
    })?;
    if stat.st_uid == user.as_raw() {
        return Some(format!("{last} belongs to you, but its mode does not allow this: see ls -ld {last}"));
    }
    let owner = (stat.st_uid != 0).then(|| format!("user {}", name_of(stat.st_uid, "/etc/passwd")));
    let group = group_of(&stat, last).map(|group| format!("the members of group {group}"));
    let others: Vec<String> = owner.into_iter().chain(group).collect();
    Some(match others.as_slice() {
        [] => "only root may do that".to_owned(),
        [one] => format!("only root and {one} may do that"),
        several => format!("only root, {} may do that", several.join(" and ")),
    })
}

/// The group whose members may do more there than other users.
fn group_of(stat: &Stat, path: &Utf8Path) -> Option<String> {
    const WRITE: u32 = 0o020;
    const ENTER: u32 = 0o010;
    let more = stat.st_mode & !(stat.st_mode << 3);
    let matters = if path.file_name() == Some(SUPERVISE) { WRITE | ENTER } else { WRITE };
    (more & matters != 0).then(|| name_of(stat.st_gid, "/etc/group"))
}

/// The name of this number in such a file, or the number itself.
fn name_of(number: u32, file: &str) -> String {
    named(number, file).unwrap_or_else(|| number.to_string())
}

/// The name of this number in /etc/passwd or /etc/group.
pub(crate) fn named(number: u32, file: &str) -> Option<String> {
    let number = number.to_string();
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find(|line| line.split(':').nth(2) == Some(&number))?;
    line.split(':').next().map(str::to_owned)
}
