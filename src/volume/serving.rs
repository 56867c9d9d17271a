//! Whether the gateway of the root profile also serves the other profiles of its home. Hermes calls this multiplexing.
//!
//! A person asks for it with a variable, or in `config.yaml`. From 0.21.5 on, it is always so. Then `gateway_state.json` of the root profile names
//! the profiles that it found. A gateway of a named profile beside it ends at once; docs/hermes-versions.md says with what exit code.

#![expect(clippy::disallowed_methods, reason = "/proc")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;

use serde_json::Value;

use super::home::Volume;
use super::json::Object;
use super::paths::{STATE, below};
use crate::base::text::excerpt;
use crate::hermes::{Apart, Release};
use crate::spec::ProfileName;
use crate::spec::environment::switch;

/// The file with the settings of the root profile.
const CONFIG: &str = "config.yaml";

/// The setting in it, at the top level or below `gateway`.
const SETTING: &str = "multiplex_profiles:";

/// The setting below `gateway` in the file of a named profile that gives the profile its own gateway (0.21.5 and later).
const STANDALONE: &str = "standalone:";

/// The file in the directory of a named profile that keeps it from being served, with any content (0.21.5 and later).
const PARKED: &str = "gateway.parked";

/// In the record, why the gateway serves only itself. From 0.21.4 on, this member always exists, but may be `null`.
const ALONE: &str = "multiplex_standalone_reason";

/// The most characters of that reason that are shown.
const LONGEST_REASON: usize = 200;

/// What a running gateway records about itself.
struct Live {
    serves: BTreeSet<String>,
    alone: Option<String>,
    /// Whether its release records why it would not serve others.
    is_new: bool,
}

/// The gateway of the root profile should serve the named profiles of its home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Multiplexing {
    /// The profiles that it serves, as it records; `None` as long as it does not run, or not in this way.
    serves: Option<Served>,
    /// Why it serves only itself all the same, as it records.
    alone: Option<String>,
}

/// Which profiles a gateway serves.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Served {
    /// These.
    These(BTreeSet<String>),
    /// Its release does not record this.
    Unsaid,
}

/// Why the gateway that serves the others does not serve a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// Nothing prevents it.
    Not,
    /// Somebody stopped the profile, so nobody should serve it.
    Parked,
    /// The profile has its own gateway.
    Apart,
}

impl Multiplexing {
    /// The variable by which the person who runs a container decides it: `true` or `false`, or another word for these.
    pub(crate) const VARIABLE: &str = "GATEWAY_MULTIPLEX_PROFILES";

    /// Whether it serves others now. Until then, the gateways of the other profiles may serve them.
    pub(crate) fn is_on(&self) -> bool {
        self.serves.is_some()
    }

    /// Whether it runs and does not name this profile among those that it serves: the profile is newer, or has nothing to serve.
    pub(crate) fn leaves_out(&self, profile: &ProfileName) -> bool {
        matches!(&self.serves, Some(Served::These(these)) if !these.contains(profile.as_str()))
    }

    /// Why it serves only itself, as it records, if it runs in this way.
    pub(crate) fn alone(&self) -> Option<&str> {
        self.alone.as_deref()
    }
}

impl Volume {
    /// Whether the gateway of the root profile should serve the others. A release that always does so needs no setting. Otherwise the variable
    /// decides, or `config.yaml`. The record does not count, because in many releases the record of an earlier run stays after the setting is turned
    /// off.
    pub(crate) fn multiplexing(&self, variable: Option<bool>, release: Option<&Release>) -> Option<Multiplexing> {
        if release.is_some_and(|release| !release.multiplexes()) {
            return None;
        }
        let variable = variable.filter(|_| release.is_none_or(|release| release.has_variable));
        let config = || self.home().read(CONFIG).ok().and_then(|file| configured(&file.text));
        let live = self.live();
        let always = release.is_some_and(Release::serves_all);
        // A release that records why it would not serve others also records truly that it does.
        let is_new = live.as_ref().is_some_and(|live| live.is_new && live.serves.len() > 1);
        (always || is_new || variable.or_else(config) == Some(true)).then(|| {
            let alone = live.as_ref().and_then(|live| live.alone.clone());
            let is_silent = release.is_some_and(|release| !release.has_record);
            let serves = live.and_then(|live| match live.serves {
                _ if is_silent => Some(Served::Unsaid),
                these if always || !these.is_empty() => Some(Served::These(these)),
                _ => None,
            });
            Multiplexing { serves, alone }
        })
    }

    /// Why the gateway that serves the others, of this release, does not serve this profile. `left` is the number of bytes that may still be read.
    pub(crate) fn kept(&self, profile: &ProfileName, release: Option<&Release>, left: &mut usize) -> Kept {
        if profile.is_default() || release.is_some_and(|release| release.apart != Apart::Markers) {
            return Kept::Not;
        }
        let config = (*left > 0).then(|| self.home().read(&below(profile, CONFIG)).ok()).flatten();
        *left = left.saturating_sub(config.as_ref().map_or(0, |file| file.text.len()));
        if config.is_some_and(|file| is_standalone(&file.text)) {
            Kept::Apart
        } else if self.home().stat(&below(profile, PARKED)).is_ok() {
            Kept::Parked
        } else {
            Kept::Not
        }
    }

    /// The record of the root profile, if the process that wrote it still runs.
    fn live(&self) -> Option<Live> {
        let file = self.home().read(STATE).ok()?;
        let record = Object::parse(std::str::from_utf8(&file.text).ok()?)?;
        if !self.runs(&record) {
            return None;
        }
        let alone = match record.get(ALONE) {
            Some(Value::String(reason)) => Some(excerpt(reason.as_bytes(), LONGEST_REASON)),
            _ => None,
        };
        let serves = record.words("served_profiles").unwrap_or_default().into_iter().collect();
        Some(Live { serves, alone, is_new: record.has(ALONE) })
    }

    /// Whether the process that wrote this record still runs. Its number alone may belong to another process by now.
    fn runs(&self, record: &Object<'_>) -> bool {
        let number = |name| record.get(name).and_then(|value: Value| value.as_u64());
        let (Some(pid), Some(started)) = (number("pid"), number("start_time")) else { return false };
        let owner = rustix::fs::fstat(self.home()).ok().map(|stat| stat.st_uid);
        let process = format!("/proc/{pid}");
        fs::metadata(&process).is_ok_and(|metadata| Some(metadata.uid()) == owner)
            && fs::read_to_string(format!("{process}/stat")).is_ok_and(|stat| start(&stat) == Some(started))
    }
}

/// When a process started, in clock ticks, from its `stat` (proc(5)). The name of the process comes before that, and may contain anything.
fn start(stat: &str) -> Option<u64> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

/// What a `config.yaml` says about it. Only single lines are read, as `hermes config set` writes them. A full YAML parser would be a large program to
/// give the service user's bytes to.
fn configured(text: &[u8]) -> Option<bool> {
    let text = std::str::from_utf8(text).ok()?;
    let said = |is_of_interest: fn(&str) -> bool| {
        let lines = text.lines().filter(|line| is_of_interest(line));
        lines.filter_map(|line| setting(line, SETTING)).next_back()
    };
    said(|line| line.starts_with(SETTING)).or_else(|| said(|line| line.starts_with([' ', '\t'])))
}

/// Whether the `config.yaml` of a named profile gives it its own gateway. Only the first level below `gateway` counts.
fn is_standalone(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let (mut is_inside, mut level, mut said) = (false, None, None);
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#')) {
        let indent = line.len() - line.trim_start().len();
        if indent == 0 {
            is_inside = line.split('#').next().is_some_and(|line| line.trim_end() == "gateway:");
            level = None;
        } else if is_inside && *level.get_or_insert(indent) == indent {
            said = setting(line, STANDALONE).or(said);
        }
    }
    said == Some(true)
}

/// The value in a line that begins with this key.
fn setting(line: &str, key: &str) -> Option<bool> {
    let value = line.trim_start().strip_prefix(key)?;
    let value = value.split_once(" #").map_or(value, |(value, _)| value);
    switch(value.trim().trim_matches(['\'', '"']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_config_yaml_says() {
        for (text, expected) in [
            ("gateway:\n  multiplex_profiles: true\n", Some(true)),
            ("gateway:\n  port: 1\n  multiplex_profiles: 'off'  # for now\n", Some(false)),
            ("multiplex_profiles: no\ngateway:\n    multiplex_profiles: yes\n", Some(false)),
            ("gateway:\n  multiplex_profiles: true\nmultiplex_profiles: false\n", Some(false)),
            ("# multiplex_profiles: true\n  # multiplex_profiles: true\n", None),
            ("multiplex_profiles: maybe\n", None),
            ("multiplex_profiles:\n", None),
            ("", None),
        ] {
            assert_eq!(configured(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(configured(b"multiplex_profiles: true\n\xff"), None);
    }

    #[test]
    fn what_the_config_of_a_named_profile_says() {
        for (text, expected) in [
            ("gateway:\n  standalone: true\n", true),
            (
                "model: x\ngateway: # its own\n  port: 1\n\n  # standalone: false\n  standalone: 'yes'  # for now\nother: 1\n",
                true,
            ),
            ("gateway:\n  standalone: false\n", false),
            ("standalone: true\n", false),
            ("gateway:\n  nested:\n    standalone: true\n", false),
            ("gateway:\nother:\n  standalone: true\n", false),
            ("gateway: {standalone: true}\n", false),
            ("gateway:\n  standalone: true\n  standalone: false\n", false),
            ("", false),
        ] {
            assert_eq!(is_standalone(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn when_a_process_started() {
        let own = fs::read_to_string("/proc/self/stat").unwrap();
        assert!(start(&own).unwrap() > 0);
        let fields: Vec<String> = (4..=52).map(|field| field.to_string()).collect();
        assert_eq!(start(&format!("7 (a) b (c) S {}", fields.join(" "))), Some(22));
        assert_eq!(start("7 (a"), None);
    }
}
