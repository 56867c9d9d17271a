//! The words of the documents.

#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(in crate::cli) enum Change {
    Created,
    Updated,
    Unchanged,
    Removed,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(in crate::cli) enum DifferenceKind {
    Missing,
    Stray,
    Different,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(in crate::cli) enum StateWord {
    /// It runs.
    Up,
    /// It runs, and somebody has paused it.
    Paused,
    /// It has been told to start, and has not run yet.
    Starting,
    /// It has ended, and starts again.
    Restarting,
    /// It has been told to stop, and has not ended yet.
    Stopping,
    /// It is down because somebody said so.
    Stopped,
    /// It has spent its crash budget, or ended with exit 78, and stays down.
    Failed,
    /// It is down; a service manager of a host does not say why.
    Down,
    /// No supervisor runs in its service directory.
    Unsupervised,
    /// This user may not see it.
    Hidden,
    /// Another user can change what its supervisor is asked by.
    Foreign,
    /// The gateway of the root profile serves its profile.
    Served,
    /// The gateway of the root profile would serve its profile, and somebody has stopped that.
    Parked,
    /// The gateway of the root profile is to serve its profile, and does not.
    Unserved,
    /// It is not there.
    Missing,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(in crate::cli) enum NextBootWord {
    /// It is there, and starts.
    Up,
    /// It is there, and stays down.
    Down,
    /// It is not there.
    Gone,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(in crate::cli) enum Level {
    Ok,
    Warning,
    Error,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(in crate::cli) enum MessageLevel {
    Error,
    Warning,
    Note,
    /// Something that is waited for.
    Progress,
}

/// What kind of error it is.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(in crate::cli) enum ErrorKind {
    /// The command line, or an input, is wrong: exit code 2.
    Usage,
    /// What was named is not there: exit code 4.
    Absent,
    /// This user may not do that: exit code 1.
    Denied,
    /// Something that was waited for did not happen: exit code 1.
    Timeout,
    /// A signal ended the run: exit code 128 and its number.
    Signal,
    /// Anything else: exit code 1.
    Failed,
}

impl StateWord {
    /// The word itself.
    pub(in crate::cli) fn text(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Paused => "paused",
            Self::Starting => "starting",
            Self::Restarting => "restarting",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Down => "down",
            Self::Unsupervised => "unsupervised",
            Self::Hidden => "hidden",
            Self::Foreign => "foreign",
            Self::Served => "served",
            Self::Parked => "parked",
            Self::Unserved => "unserved",
            Self::Missing => "missing",
        }
    }
}

impl NextBootWord {
    /// The word itself.
    pub(in crate::cli) fn text(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Gone => "gone",
        }
    }
}
