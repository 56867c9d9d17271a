//! Tells which things below `--out` belong to gen-service.

use camino::Utf8PathBuf;
use thiserror::Error;

use crate::base::text::Shown;
use crate::disk::{Entry, Snapshot};
use crate::render::{MARK, is_known, mark, note};
use crate::spec::ServiceName;

/// Why a target directory, or something in it, is not touched.
#[derive(Debug, Error)]
pub enum TargetError {
    /// `--out` is something that is not a directory.
    #[error("{path} is {kind}, not a directory; give --out another path")]
    NotADirectory {
        /// The path that `--out` gave.
        path: Utf8PathBuf,
        /// What is there: `a file`, `a dangling symlink`.
        kind: &'static str,
    },
    /// At the place of a service directory is something that gen-service did not write.
    #[error("{path} {reason}; move it away, or overwrite it with --force")]
    Foreign {
        /// Its path.
        path: Utf8PathBuf,
        /// Why it does not count as gen-service's own: `is a symlink`, `holds notes.txt, which …`.
        reason: String,
    },
    /// The bundle that is started at boot is in a form to which nothing can be added.
    #[error("{path} {reason}; {remedy}")]
    Bundle {
        /// The path that is wrong.
        path: Utf8PathBuf,
        /// What is wrong with it: `is not a directory`.
        reason: &'static str,
        /// What to do about it.
        remedy: &'static str,
    },
    /// A supervisor runs in the directory that would be replaced, or ran there before.
    #[error(
        "{path} holds supervise, so a supervisor may run in it; render into another directory and publish from there"
    )]
    Live {
        /// The live service directory.
        path: Utf8PathBuf,
    },
}

/// Whether the text that was found says that gen-service wrote it for this service. In a directory, `run` says it. A single file says it
/// itself.
pub(super) fn is_marked(found: &Snapshot<'_>, service: &ServiceName) -> bool {
    match found.itself() {
        Some(Entry::File { content: Some(content), .. }) => **content == *note(service).as_bytes(),
        _ => third_line(found) == Some(mark(service).as_bytes()),
    }
}

/// The line of the `run` of a directory that says which service it belongs to.
fn third_line<'a>(found: &'a Snapshot<'_>) -> Option<&'a [u8]> {
    match found.get("run") {
        Some(Entry::File { content: Some(run), .. }) => run.split(|&byte| byte == b'\n').nth(2),
        _ => None,
    }
}

/// Why a run must not replace what was found at `path`: it does not belong to gen-service, or somebody added to it. If `alone`, it must be
/// a single file, else a directory.
pub(super) fn obstacle(
    path: Utf8PathBuf,
    found: &Snapshot<'_>,
    service: &ServiceName,
    alone: bool,
) -> Option<TargetError> {
    let strange = "was not written by gen-service".to_owned();
    let reason = match found.itself()? {
        Entry::File { .. } if alone => {
            if is_marked(found, service) {
                return None;
            }
            strange
        }
        Entry::Directory { .. } if !alone => {
            if ["supervise", "log/supervise"].iter().any(|path| found.get(path).is_some()) {
                return Some(TargetError::Live { path });
            }
            match found.below().find(|(path, entry)| !is_known(path, entry, service)) {
                Some((stray, _)) => format!("holds {}, which gen-service never writes", Shown(stray)),
                None if is_marked(found, service) => return None,
                None if third_line(found).is_some_and(|line| line.starts_with(MARK.as_bytes())) => {
                    format!("was written by gen-service, but not for {service}")
                }
                None => strange,
            }
        }
        other => format!("is {}, not a {}", other.kind(), if alone { "file" } else { "directory" }),
    };
    Some(TargetError::Foreign { path, reason })
}
