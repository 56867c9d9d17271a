//! Staging trees: what is accepted of them, and what of that arrives in a scandir.

#![expect(clippy::disallowed_methods, reason = "the target made these directories")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use super::check::{one_plain_line, scratch};
use super::entries::make;
use crate::base::{Observer, Patience};
use crate::s6::{Checked, Published, S6Error, STAGING, Scandir, publish, read_tree};

/// The files of a service directory that are executed. The list is separate from the list in the code that it tests.
const EXECUTED: [&str; 2] = ["run", "finish"];
const READ: [&str; 10] = [
    "type",
    "down",
    "notification-fd",
    "lock-fd",
    "timeout-kill",
    "timeout-finish",
    "max-death-tally",
    "down-signal",
    "flag-newpidns",
    "flag-terminate",
];

/// A staging tree, made as `entries` says.
///
/// # Panics
/// If something that is accepted is not accepted by a second look at each entry; if a complaint is not one plain line; or if what is
/// published in an empty scandir differs from the tree in a byte or a mode.
pub fn staging_tree(data: &[u8]) {
    let (_directory, scratch) = scratch();
    let (tree, scandir) = (scratch.join("tree"), scratch.join("service"));
    for directory in [&tree, &scandir] {
        fs::create_dir(directory).expect("it can be made");
        fs::set_permissions(directory, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("it is ours");
    }
    fs::write(scratch.join("outside"), "nobody's").expect("it can be written");
    make(&tree, data);
    let fit = names(tree.as_std_path()).iter().filter(|name| is_fit(&tree.as_std_path().join(name))).count();
    let all = names(tree.as_std_path()).len();
    let begun = fs::symlink_metadata(tree.join(STAGING)).is_ok();
    let accepted = match read_tree(&tree) {
        Ok(accepted) => accepted,
        Err(S6Error::Unfit(unfit)) => {
            assert!(begun || fit < all || all == 0, "everything is fit, but it was refused: {unfit:?}");
            assert!(!unfit.is_empty());
            return unfit.iter().for_each(one_plain_line);
        }
        Err(error) => {
            assert!(begun || fit < all, "everything is fit, but it cannot be read: {error}");
            return one_plain_line(error);
        }
    };
    assert!(begun || (fit == all && fit > 0), "only {fit} of {all} are fit, but all are accepted");
    arrives(&tree, &scandir, &accepted);
}

fn arrives(tree: &camino::Utf8Path, path: &camino::Utf8Path, accepted: &[Checked]) {
    let scandir = Scandir::open(path).expect("it is there");
    let observer: RefCell<Box<dyn Observer>> = RefCell::new(Box::new(()));
    let patience = Patience { limit: Duration::from_secs(5), observer: &observer, interrupted: None };
    let done = publish(&scandir, accepted, false, patience).expect("what is accepted can be published");
    assert!(done.changes.iter().all(|change| *change == Published::Created), "{:?}", done.changes);
    let done = publish(&scandir, accepted, false, patience).expect("what is there can be published again");
    assert!(done.changes.iter().all(|change| *change == Published::Unchanged), "{:?}", done.changes);
    for checked in accepted {
        let name = checked.service().directory();
        let (wanted, there) = (tree.join(&name), path.join(&name));
        assert!(is_fit(wanted.as_std_path()), "{name} is accepted");
        assert_eq!(fs::symlink_metadata(&there).expect("it is there").mode() & 0o7777, 0o755, "{name}");
        assert_eq!(held(there.as_std_path()), held(wanted.as_std_path()), "{name}");
    }
}

fn names(directory: &Path) -> Vec<std::ffi::OsString> {
    let entries = fs::read_dir(directory).expect("it can be listed");
    entries.map(|entry| entry.expect("it can be listed").file_name()).collect()
}

/// Whether an entry of a tree is a service directory that may be published.
fn is_fit(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let profile = name.strip_prefix("gateway-").unwrap_or_default().as_bytes();
    let is_other = ["dashboard", "watch", "watchdog", "metrics"].contains(&name);
    let lower = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_gateway = profile.first().is_some_and(lower)
        && profile.iter().all(|byte| lower(byte) || matches!(byte, b'-' | b'_'))
        && name.len() <= 251;
    let is_directory = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir());
    let has = |below: &str| path.join(below).symlink_metadata().is_ok();
    (is_gateway || is_other)
        && is_directory
        && is_own(path)
        && has("run")
        && (!has("log") || has("log/run"))
        && is_fit_below(path, &[])
}

fn is_fit_below(directory: &Path, above: &[&str]) -> bool {
    names(directory).iter().all(|name| {
        let path = directory.join(name);
        let Some(name) = name.to_str() else { return false };
        let metadata = fs::symlink_metadata(&path).expect("it is there");
        let is_free = ["data", "env"].contains(above.first().unwrap_or(&name));
        if metadata.is_dir() {
            let is_known = is_free || (above.is_empty() && name == "log");
            let is_shallow = above.len() < 99;
            let above = [above, &[name]].concat();
            !["supervise", "event"].contains(&name)
                && is_known
                && is_shallow
                && is_own(&path)
                && is_fit_below(&path, &above)
        } else {
            let is_placed = above.is_empty() || above == ["log"];
            let runs = EXECUTED.contains(&name) && metadata.mode() & 0o111 == 0o111;
            let is_known = is_free || (is_placed && (runs || READ.contains(&name)));
            metadata.is_file() && is_known && metadata.len() <= 16 << 20 && is_own(&path)
        }
    })
}

fn is_own(path: &Path) -> bool {
    let metadata = fs::symlink_metadata(path).expect("it is there");
    [0, rustix::process::geteuid().as_raw()].contains(&metadata.uid()) && metadata.mode() & 0o022 == 0
}

/// Every entry below a directory, with its mode, and what stands in it.
fn held(directory: &Path) -> BTreeMap<Vec<u8>, (u32, Vec<u8>)> {
    let mut found = BTreeMap::new();
    for name in names(directory) {
        let path = directory.join(&name);
        let metadata = fs::symlink_metadata(&path).expect("it is there");
        let mut content = Vec::new();
        if metadata.is_dir() {
            let prefix = [name.as_bytes(), b"/"].concat();
            found.extend(held(&path).into_iter().map(|(below, entry)| ([&prefix[..], &below].concat(), entry)));
        } else if metadata.is_file() {
            content = fs::read(&path).expect("it can be read");
        }
        found.insert(name.as_bytes().to_vec(), (metadata.mode(), content));
    }
    found
}
