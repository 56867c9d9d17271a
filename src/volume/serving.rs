//! Whether the gateway of the root profile serves the other profiles of its home, too. Hermes calls that multiplexing.
//!
//! A person asks for it by a variable, or in `config.yaml`; from 0.21.5 on it is always so. Which profiles it found then stands in the root
//! profile's `gateway_state.json`. Beside it, a gateway of a named profile ends at once; docs/hermes-versions.md says with what.

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

/// The file of settings of the root profile.
const CONFIG: &str = "config.yaml";

/// The setting in it, on its own level or below `gateway`.
const SETTING: &str = "multiplex_profiles:";

/// The setting below `gateway` in the file of a named profile by which it has a gateway of its own (0.21.5 and later).
const STANDALONE: &str = "standalone:";

/// The file in the directory of a named profile that keeps it from being served, whatever is in it (0.21.5 and later).
const PARKED: &str = "gateway.parked";

/// In the record: why the gateway serves itself alone. It is there, if only as `null`, from 0.21.4 on.
const ALONE: &str = "multiplex_standalone_reason";

/// So many characters of that reason are shown.
const LONGEST_REASON: usize = 200;

/// What a gateway that runs says of itself.
struct Live {
    serves: BTreeSet<String>,
    alone: Option<String>,
    /// Whether it is of a release that says why it would not serve others.
    is_new: bool,
}

/// The root profile's gateway is to serve the named profiles of its home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Multiplexing {
    /// Those that it serves, by its own word; `None` as long as it does not run, or not like that.
    serves: Option<Served>,
    /// Why it serves itself alone all the same, by its own word.
    alone: Option<String>,
}

/// Which profiles a gateway serves.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Served {
    /// These.
    These(BTreeSet<String>),
    /// It is of a release that does not say so.
    Unsaid,
}

/// What keeps a profile from the gateway that serves the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// Nothing.
    Not,
    /// Somebody stopped it; nobody is to serve it.
    Parked,
    /// It has a gateway of its own.
    Apart,
}

impl Multiplexing {
    /// The variable by which whoever runs a container decides it: `true` or `false`, or another word for these.
    pub(crate) const VARIABLE: &str = "GATEWAY_MULTIPLEX_PROFILES";

    /// Whether it does so now. Until then, gateways of the others may be the ones that serve.
    pub(crate) fn is_on(&self) -> bool {
        self.serves.is_some()
    }

    /// Whether it runs and does not name this profile among those that it serves: one that was made since, or that has nothing to serve.
    pub(crate) fn leaves_out(&self, profile: &ProfileName) -> bool {
        matches!(&self.serves, Some(Served::These(these)) if !these.contains(profile.as_str()))
    }

    /// Why it serves itself alone, by its own word, if it runs like that.
    pub(crate) fn alone(&self) -> Option<&str> {
        self.alone.as_deref()
    }
}

impl Volume {
    /// Whether the root profile's gateway is to serve the others. A release that always does needs no word for it. Else the variable decides, or
    /// `config.yaml`: what an earlier run recorded stays in the record of many a release after somebody has turned it off.
    pub(crate) fn multiplexing(&self, variable: Option<bool>, release: Option<&Release>) -> Option<Multiplexing> {
        if release.is_some_and(|release| !release.multiplexes()) {
            return None;
        }
        let variable = variable.filter(|_| release.is_none_or(|release| release.has_variable));
        let config = || self.home().read(CONFIG).ok().and_then(|file| configured(&file.text));
        let live = self.live();
        let always = release.is_some_and(Release::serves_all);
        // Who says why it would not serve others says so truly, too, that it does.
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

    /// What keeps this profile from the gateway that serves the others, if that is of this release. So many bytes may still be read for it.
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

    /// What the process says that wrote the root profile's record, if it is there.
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

    /// Whether the process that wrote this record is still there. A number alone may be another's by now.
    fn runs(&self, record: &Object<'_>) -> bool {
        let number = |name| record.get(name).and_then(|value: Value| value.as_u64());
        let (Some(pid), Some(started)) = (number("pid"), number("start_time")) else { return false };
        let owner = rustix::fs::fstat(self.home()).ok().map(|stat| stat.st_uid);
        let process = format!("/proc/{pid}");
        fs::metadata(&process).is_ok_and(|metadata| Some(metadata.uid()) == owner)
            && fs::read_to_string(format!("{process}/stat")).is_ok_and(|stat| start(&stat) == Some(started))
    }
}

/// When a process started, in clock ticks, by its `stat` (proc(5)). Its name comes before it, and may contain anything.
fn start(stat: &str) -> Option<u64> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

/// What a `config.yaml` says of it. Only the lines are looked at, as `hermes config set` writes them: a parser of all of YAML would be a large
/// thing to give the service user's bytes to.
fn configured(text: &[u8]) -> Option<bool> {
    let text = std::str::from_utf8(text).ok()?;
    let said = |is_of_interest: fn(&str) -> bool| {
        let lines = text.lines().filter(|line| is_of_interest(line));
        lines.filter_map(|line| setting(line, SETTING)).next_back()
    };
    said(|line| line.starts_with(SETTING)).or_else(|| said(|line| line.starts_with([' ', '\t'])))
}

/// Whether the `config.yaml` of a named profile says that it has a gateway of its own: on the first level below `gateway` only.
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

/// What a line says that begins with this key.
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
