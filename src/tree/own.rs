//! Which of what is below `--out` is gen-service's own.

use camino::{Utf8Path, Utf8PathBuf};
use thiserror::Error;

use crate::base::text::Shown;
use crate::disk::{Entry, Snapshot};
use crate::render::{KNOWN, mark};
use crate::spec::ServiceName;

/// Why a target directory, or something in it, is left alone.
#[derive(Debug, Error)]
pub enum TargetError {
    /// `--out` names something that is not a directory.
    #[error("{path} is {kind}, not a directory; give --out another path")]
    NotADirectory {
        /// What `--out` named.
        path: Utf8PathBuf,
        /// What stands there: `a file`, `a dangling symlink`.
        kind: &'static str,
    },
    /// Something that gen-service did not write stands where a service directory would go.
    #[error("{path} {reason}; move it away, or overwrite it with --force")]
    Foreign {
        /// What stands there.
        path: Utf8PathBuf,
        /// Why it is not taken for one of gen-service's own: `is a symlink`, `holds notes.txt, which …`.
        reason: String,
    },
    /// A supervisor runs in the directory that would be replaced, or did once.
    #[error("{path} holds supervise, so it may be live; render into another directory and publish from there")]
    Live {
        /// The live service directory.
        path: Utf8PathBuf,
    },
}

/// Whether the `run` of a directory says that gen-service wrote it for this service.
pub(super) fn is_marked(found: &Snapshot<'_>, service: &ServiceName) -> bool {
    let mark = mark(service);
    match found.get("run") {
        Some(Entry::File { content: Some(content), .. }) => {
            content.split(|&byte| byte == b'\n').nth(2) == Some(mark.as_bytes())
        }
        _ => false,
    }
}

/// Why what was found below `parent` is not to be replaced: it is not gen-service's own, or somebody added to it.
pub(super) fn obstacle(parent: &Utf8Path, found: &Snapshot<'_>, service: &ServiceName) -> Option<TargetError> {
    let path = parent.join(service.directory());
    let reason = match found.itself()? {
        Entry::Directory { .. } => {
            if ["supervise", "log/supervise"].iter().any(|path| found.get(path).is_some()) {
                return Some(TargetError::Live { path });
            }
            match found.below().find(|(path, _)| !KNOWN.contains(path)) {
                Some((stray, _)) => format!("holds {}, which gen-service never writes", Shown(stray)),
                None if is_marked(found, service) => return None,
                None => "was not written by gen-service".to_owned(),
            }
        }
        other => format!("is {}, not a directory", other.kind()),
    };
    Some(TargetError::Foreign { path, reason })
}
