//! The words of the documents.

#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;

use crate::boot::Action;
use crate::health::Problem;

#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(in crate::cli) enum Change {
    /// It is new.
    Created,
    /// It was there, differed, and was replaced.
    Updated,
    /// It was there, and does not differ.
    Unchanged,
    /// It was there, and was removed.
    Removed,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(in crate::cli) enum DifferenceKind {
    /// It should be there, but is not.
    Missing,
    /// It is there, but should not be.
    Stray,
    /// It is there, but its content, mode or kind differs.
    Different,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(in crate::cli) enum StateWord {
    /// It runs.
    Up,
    /// It runs, but somebody paused it (`s6-svc -p`).
    Paused,
    /// It was told to start, but does not run yet.
    Starting,
    /// It has ended, and starts again.
    Restarting,
    /// It was told to stop, but has not ended yet.
    Stopping,
    /// It is down on purpose: an operator stopped it, or its manifest has `down`.
    Stopped,
    /// It stays down because it used up its crash budget, or ended with exit 78.
    Failed,
    /// It is down. The service manager of a host does not say why.
    Down,
    /// No supervisor runs in its service directory.
    Unsupervised,
    /// Only root and the members of its control group can see it.
    Hidden,
    /// Another user can change its `supervise/`, so no command asks for its state.
    Foreign,
    /// The gateway of `default` serves its profile.
    Served,
    /// The gateway of `default` would serve its profile, but somebody stopped that.
    Parked,
    /// The gateway of `default` should serve its profile, but does not.
    Unserved,
    /// It is not there.
    Missing,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(in crate::cli) enum NextBootWord {
    /// The next boot starts it.
    Up,
    /// The next boot leaves it down.
    Down,
    /// The next boot forgets it, because nothing recorded it (`register --save` does).
    Gone,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(in crate::cli) enum Level {
    /// It is as it should be.
    Ok,
    /// It works, but perhaps not as you expect.
    Warning,
    /// It does not work, or somebody can do what they must not do.
    Error,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(in crate::cli) enum MessageLevel {
    /// Something failed.
    Error,
    /// Something is odd, but the command goes on.
    Warning,
    /// All is well, but perhaps not as you expect.
    Note,
    /// The command waits for something.
    Progress,
}

/// The kind of an error.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(in crate::cli) enum ErrorKind {
    /// The command line or an input is wrong: exit code 2.
    Usage,
    /// The service that you named is not there: exit code 4.
    Absent,
    /// This user may not do that: exit code 1.
    Denied,
    /// The command waited for something that did not happen: exit code 1.
    Timeout,
    /// A signal ended the run: exit code 128 and its number.
    Signal,
    /// Anything else: exit code 1.
    Failed,
}

/// The problem of a service.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(in crate::cli) enum ProblemWord {
    /// No s6-svscan watches the scandir.
    NotWatched,
    /// The container has not finished booting.
    Booting,
    /// There is no such service.
    Missing,
    /// Its supervisor or the supervisor of its logger does not run.
    Unsupervised,
    /// This user may not see it.
    Hidden,
    /// Its state cannot be read.
    Unknown,
    /// It has ended, and starts again.
    Restarting,
    /// It has ended, and stays down.
    Failed,
    /// It has been up for less than 5 seconds.
    Starting,
    /// It has died again and again.
    Loop,
    /// It is paused.
    Paused,
    /// It is up, but its logger is down.
    Unheard,
    /// It does not answer HTTP.
    Silent,
}

impl From<&Problem> for ProblemWord {
    fn from(problem: &Problem) -> Self {
        match problem {
            Problem::NotWatched(_) => Self::NotWatched,
            Problem::Booting => Self::Booting,
            Problem::Missing(_) => Self::Missing,
            Problem::NoSupervisor | Problem::NoLogger => Self::Unsupervised,
            Problem::Hidden => Self::Hidden,
            Problem::Untold(_) => Self::Unknown,
            Problem::Restarting(_) => Self::Restarting,
            Problem::Failed(_) => Self::Failed,
            Problem::Starting { .. } => Self::Starting,
            Problem::Loop { .. } => Self::Loop,
            Problem::Paused => Self::Paused,
            Problem::Unheard => Self::Unheard,
            Problem::Silent(..) => Self::Silent,
        }
    }
}

/// The action for a profile.
#[derive(Debug, Clone, Copy, Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(in crate::cli) enum ActionWord {
    /// It gets a gateway, which starts.
    Started,
    /// It gets a gateway, which stays down until somebody starts it.
    Down,
    /// It gets a new service directory, because Hermes' own service manager made the old one.
    Adopted,
    /// Its gateway is removed: the profile is gone, or the gateway of `default` serves it.
    Removed,
    /// The gateway of `default` serves it, or will serve it after its next start.
    Served,
    /// The gateway of `default` would serve it, but somebody stopped that.
    Parked,
    /// Its gateway is there already.
    Unchanged,
    /// s6-rc runs its gateway.
    Left,
    /// It belongs to another container.
    Elsewhere,
    /// The manifest names it, but it is not on the volume.
    Absent,
    /// The manifest names it, it is not on the volume, and Hermes creates it.
    Made,
    /// It has to come from the volume of another shard first.
    Awaited,
}

impl From<Action> for ActionWord {
    fn from(action: Action) -> Self {
        match action {
            Action::Started => Self::Started,
            Action::Down => Self::Down,
            Action::Adopted => Self::Adopted,
            Action::Removed | Action::Merged => Self::Removed,
            Action::Served | Action::ServedNext => Self::Served,
            Action::Parked => Self::Parked,
            Action::Unchanged => Self::Unchanged,
            Action::LeftToS6Rc => Self::Left,
            Action::Elsewhere => Self::Elsewhere,
            Action::Absent => Self::Absent,
            Action::Made => Self::Made,
            Action::Awaited(..) => Self::Awaited,
        }
    }
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
