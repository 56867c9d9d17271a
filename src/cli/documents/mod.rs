//! The documents that `--json` prints, one for each command. A test makes the schemas in docs/json from these types.
//!
//! A version may add fields. A field keeps its name and its meaning. It is long since every field has a description.

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

/// `gen-service` without `--out`: the directories that `--out` would write.
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

/// `gen-service --out`: the directories, and what happened to each.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Written {
    /// The directory of `--out`.
    pub(super) out: String,
    /// Each directory, and what happened to it.
    pub(super) directories: Vec<Changed>,
}

/// A directory, and what happened to it.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Changed {
    #[serde(flatten)]
    pub(super) about: About,
    /// What happened to it.
    pub(super) change: Change,
}

/// `gen-service --out … --check`: the differences between the directory and what would be rendered.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Compared {
    /// The directory of `--out`.
    pub(super) out: String,
    /// Whether nothing differs.
    pub(super) matches: bool,
    /// The paths that differ.
    pub(super) differences: Vec<Difference>,
}

/// One path that differs.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Difference {
    /// The path below `--out`.
    pub(super) path: String,
    /// How it differs.
    pub(super) kind: DifferenceKind,
    /// The difference, in the format of `git apply`.
    pub(super) diff: String,
}

/// `gatewayctl install`: the service directories, and what happened to each.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Installed {
    /// The scandir.
    pub(super) scandir: String,
    /// Whether an s6-svscan watches it.
    pub(super) live: bool,
    /// Whether this was a dry run, which changes nothing.
    pub(super) dry_run: bool,
    /// Each directory, and what happened to it.
    pub(super) directories: Vec<Changed>,
}

/// `gatewayctl unregister`: what happened to one service.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Unregistered {
    #[serde(flatten)]
    pub(super) about: About,
    /// Whether it was in the scandir.
    pub(super) was_registered: bool,
    /// Whether `register --save` had recorded it; `null` without `--save`.
    pub(super) was_saved: Option<bool>,
    /// Whether it had a home; only with `--purge`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) was_purged: Option<bool>,
}

/// `gatewayctl start`, `stop` and `restart`: what happened to one service.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Controlled {
    #[serde(flatten)]
    pub(super) about: About,
    /// Whether the command succeeded.
    pub(super) done: bool,
    /// The profile whose gateway serves this one. The command then did nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) served_by: Option<&'static str>,
    /// Why the command failed.
    pub(super) error: Option<String>,
}

/// `gatewayctl status`: the state of one service.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Shown {
    #[serde(flatten)]
    pub(super) about: About,
    /// Its state.
    pub(super) state: StateWord,
    /// How long it has been in this state, in seconds; `null` if that is unknown.
    pub(super) seconds: Option<u64>,
    /// Its process, while it is up.
    pub(super) pid: Option<u32>,
    /// How it ended last, while it is down.
    pub(super) last_exit: Option<LastExit>,
    /// The number of its ends that its supervisor remembers.
    pub(super) restarts: Option<usize>,
    /// The port that its run script names.
    pub(super) port: Option<u16>,
    /// What the next boot does with it; `null` if that is unknown.
    pub(super) next_boot: Option<NextBootWord>,
}

/// How a process ended: with an exit code or by a signal.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct LastExit {
    /// Its exit code.
    pub(super) code: Option<u16>,
    /// The name of the signal that ended it, such as `SIGKILL`.
    pub(super) signal: Option<String>,
}

/// `gatewayctl logs`: one line of a log. Each document is on its own line.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct LogLine {
    #[serde(flatten)]
    pub(super) about: About,
    /// The time at which the logger read it, as `2026-11-28 21:03:00.123456789`, in the time zone of the container.
    pub(super) at: Option<String>,
    /// Its text. Bytes that are not UTF-8 become U+FFFD.
    pub(super) line: String,
    /// Whether the line is too long for one document, and goes on in the next one.
    pub(super) cut: bool,
}

/// `gatewayctl health`: one problem.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Ill {
    #[serde(flatten)]
    pub(super) about: About,
    /// The problem, in one word.
    pub(super) problem: ProblemWord,
    /// The problem, as the end of a sentence that begins with the service.
    pub(super) said: String,
}

/// `gatewayctl doctor`: one finding.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Finding {
    /// The name of the check.
    pub(super) check: &'static str,
    /// How bad it is.
    pub(super) level: Level,
    /// What the check saw.
    pub(super) seen: String,
    /// What to do; empty if there is nothing to do.
    pub(super) remedy: String,
}

/// `gatewayctl reconcile`: what was done for each profile.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Reconciled {
    /// Whether this was a dry run, which changes nothing.
    pub(super) dry_run: bool,
    /// Each profile, and what was done for it.
    pub(super) profiles: Vec<ReconciledProfile>,
    /// The profiles that cannot have a gateway.
    pub(super) broken: Vec<Broken>,
    /// The gateways that nobody needs.
    pub(super) orphans: Vec<Orphan>,
    /// Problems that did not stop the run.
    pub(super) warnings: Vec<String>,
}

/// What was done for one profile.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct ReconciledProfile {
    /// The profile.
    pub(super) profile: String,
    /// The state of its gateway that Hermes recorded: a word of Hermes such as `running`, or else `none` or `unreadable`.
    pub(super) recorded: String,
    /// What was done.
    pub(super) action: ActionWord,
}

/// A profile that cannot have a gateway.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Broken {
    /// Its name, or that of its directory.
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

/// `gatewayctl repair`: the paths that were given to the service user.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Repaired {
    /// Whether this was a dry run, which changes nothing.
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

/// `gatewayctl shard`: the shard that a gateway moves to.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Move {
    /// The profile of the gateway.
    pub(super) profile: String,
    /// The shard that has it now, counted from 0.
    pub(super) from: u32,
    /// The shard that gets it.
    pub(super) to: u32,
}

/// `gatewayctl detect`: the service manager in charge.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Detected {
    /// Its name: `s6`, `systemd`, `launchd`, `windows` or `none`.
    pub(super) manager: String,
}

/// A message on standard error, with `--json`. Each document is on its own line.
#[derive(Serialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub(super) struct Said {
    /// How bad it is.
    pub(super) level: MessageLevel,
    /// The kind of an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<ErrorKind>,
    /// The text that is printed without `--json`.
    pub(super) message: String,
}
