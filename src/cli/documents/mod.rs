//! What `--json` prints: a document for each command. docs/json has a schema of each, which a test makes of these types.
//!
//! A field may be added. What is here keeps its name and its meaning. It is long since every field says what it means.

#[cfg(test)]
pub(super) mod schemas;
mod words;

#[cfg(test)]
use schemars::JsonSchema;
use serde::Serialize;

use super::outcome::About;
pub(super) use words::{
    ActionWord, Change, DifferenceKind, ErrorKind, Level, MessageLevel, NextBootWord, ProblemWord, StateWord,
};

/// `gen-service` without `--out`: what would be written.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Rendered {
    /// The directories that would be written.
    pub(super) directories: Vec<RenderedDirectory>,
}

/// A directory that would be written.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct RenderedDirectory {
    #[serde(flatten)]
    pub(super) about: About,
    /// The files in it.
    pub(super) files: Vec<RenderedFile>,
}

/// A file that would be written.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct RenderedFile {
    /// Its path in the directory.
    pub(super) path: String,
    /// Its mode: four octal digits.
    pub(super) mode: String,
    /// Its text.
    pub(super) content: String,
}

/// `gen-service --out`: what was written.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Written {
    /// The directory of `--out`.
    pub(super) out: String,
    /// Each directory, and what became of it.
    pub(super) directories: Vec<Changed>,
}

/// What became of a directory.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Changed {
    #[serde(flatten)]
    pub(super) about: About,
    /// What became of it.
    pub(super) change: Change,
}

/// `gen-service --out … --check`: how the directory differs from what would be rendered.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Compared {
    /// The directory of `--out`.
    pub(super) out: String,
    /// Whether there is no difference.
    pub(super) matches: bool,
    /// The paths that differ.
    pub(super) differences: Vec<Difference>,
}

/// One path that differs.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Difference {
    /// Below `--out`.
    pub(super) path: String,
    /// How it differs.
    pub(super) kind: DifferenceKind,
    /// As `git apply` takes it.
    pub(super) diff: String,
}

/// `gatewayctl install`: what was published.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Installed {
    /// The directory in which it was published.
    pub(super) scandir: String,
    /// Whether an s6-svscan watches it.
    pub(super) live: bool,
    /// Whether nothing was done.
    pub(super) dry_run: bool,
    /// Each directory, and what became of it.
    pub(super) directories: Vec<Changed>,
}

/// `gatewayctl unregister`: what became of one service.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Unregistered {
    #[serde(flatten)]
    pub(super) about: About,
    /// Whether it was in the scandir.
    pub(super) was_registered: bool,
    /// Whether `register --save` had written it down; `null` without `--save`.
    pub(super) was_saved: Option<bool>,
    /// Whether it had a home; only with `--purge`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) was_purged: Option<bool>,
}

/// `gatewayctl start`, `stop` and `restart`: what became of one service.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Controlled {
    #[serde(flatten)]
    pub(super) about: About,
    /// Whether it is as asked for.
    pub(super) done: bool,
    /// The profile whose gateway serves this one, so that nothing was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) served_by: Option<&'static str>,
    /// Why it is not done.
    pub(super) error: Option<String>,
}

/// `gatewayctl status`: the state of one service.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Shown {
    #[serde(flatten)]
    pub(super) about: About,
    /// How it is.
    pub(super) state: StateWord,
    /// For how long, in seconds; `null` if that is not known.
    pub(super) seconds: Option<u64>,
    /// Its process, while it is up.
    pub(super) pid: Option<u32>,
    /// How it ended last, while it is down.
    pub(super) last_exit: Option<LastExit>,
    /// How many of its ends its supervisor remembers.
    pub(super) restarts: Option<usize>,
    /// The port that its run script names.
    pub(super) port: Option<u16>,
    /// What the next boot does with it; `null` if that cannot be told.
    pub(super) next_boot: Option<NextBootWord>,
}

/// How a process ended: one of the two.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct LastExit {
    /// Its exit code.
    pub(super) code: Option<u16>,
    /// The name of the signal that ended it, such as `SIGKILL`.
    pub(super) signal: Option<String>,
}

/// `gatewayctl logs`: one line of a log. There is a document for each, on a line of its own.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct LogLine {
    #[serde(flatten)]
    pub(super) about: About,
    /// When the logger read it, as `2026-11-28 21:03:00.123456789`, in the time zone of the container.
    pub(super) at: Option<String>,
    /// What it says. A character that is not UTF-8 is U+FFFD.
    pub(super) line: String,
    /// Whether the line is longer, and goes on in the next document.
    pub(super) cut: bool,
}

/// `gatewayctl health`: one thing that is not well.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Ill {
    #[serde(flatten)]
    pub(super) about: About,
    /// What it is, in one word.
    pub(super) problem: ProblemWord,
    /// The same as the rest of a sentence about the service.
    pub(super) said: String,
}

/// `gatewayctl doctor`: one finding.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Finding {
    /// What was looked at.
    pub(super) check: &'static str,
    /// How bad it is.
    pub(super) level: Level,
    /// What was seen.
    pub(super) seen: String,
    /// What to do; empty if nothing is.
    pub(super) remedy: String,
}

/// `gatewayctl reconcile`: what became of each profile.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Reconciled {
    /// Whether nothing was done.
    pub(super) dry_run: bool,
    /// Each profile, and what was done for it.
    pub(super) profiles: Vec<ReconciledProfile>,
    /// The profiles that can have no gateway.
    pub(super) broken: Vec<Broken>,
    /// The gateways that nobody needs.
    pub(super) orphans: Vec<Orphan>,
    /// What went wrong and stopped nothing.
    pub(super) warnings: Vec<String>,
}

/// What became of one profile.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct ReconciledProfile {
    /// The profile.
    pub(super) profile: String,
    /// What Hermes has recorded of its gateway: a word of Hermes' such as `running`, or `none`, or `unreadable`.
    pub(super) recorded: String,
    /// What was done.
    pub(super) action: ActionWord,
}

/// A profile that can have no gateway.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Broken {
    /// The name of its directory, or its own.
    pub(super) name: String,
    /// Why not.
    pub(super) problem: String,
}

/// A gateway that nobody needs.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Orphan {
    /// The profile of the gateway.
    pub(super) profile: String,
    /// Why nobody needs it: `its profile is gone`, or `the gateway of default serves it`.
    pub(super) why: &'static str,
}

/// `gatewayctl repair`: what was given to the service user.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Repaired {
    /// Whether nothing was done.
    pub(super) dry_run: bool,
    /// The paths that were given.
    pub(super) given: Vec<String>,
    /// How many more were given.
    pub(super) more_given: usize,
    /// The paths that were not given.
    pub(super) left: Vec<LeftAlone>,
}

/// A path that was not given.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct LeftAlone {
    /// The path.
    pub(super) path: String,
    /// Why not.
    pub(super) problem: String,
}

/// `gatewayctl shard`: where a gateway goes.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Move {
    /// The profile of the gateway.
    pub(super) profile: String,
    /// The shard that has it now, counted from 0.
    pub(super) from: u32,
    /// The shard that is to have it.
    pub(super) to: u32,
}

/// `gatewayctl detect`: the service manager in charge.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Detected {
    /// Its name: `s6`, `systemd`, `launchd`, `windows` or `none`.
    pub(super) manager: String,
}

/// What a program says on standard error with `--json`: a document for each message, on a line of its own.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Said {
    /// How bad it is.
    pub(super) level: MessageLevel,
    /// Of an error: what kind it is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<ErrorKind>,
    /// What is said without `--json`.
    pub(super) message: String,
}
