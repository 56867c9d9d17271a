//! Whether the gateway of the root profile serves the other profiles of its home, too. Hermes calls that multiplexing.
//!
//! A person asks for it by a variable, or in `config.yaml` (Hermes 0.17 and later). Which profiles it found at its start then stands in the root
//! profile's `gateway_state.json`. Beside it, a gateway of a named profile ends with 1.

#![expect(clippy::disallowed_methods, reason = "/proc")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;

use serde_json::Value;

use super::home::Volume;
use super::json::Object;
use super::paths::STATE;
use crate::spec::ProfileName;

/// The file of settings of the root profile.
const CONFIG: &str = "config.yaml";

/// The setting in it, on its own level or below `gateway`.
const SETTING: &str = "multiplex_profiles:";

/// The root profile's gateway is to serve the named profiles of its home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Multiplexing {
    /// Those that it serves, by its own word; `None` as long as it does not run, or not like that.
    serves: Option<BTreeSet<String>>,
}

impl Multiplexing {
    /// The variable by which whoever runs a container decides it: `true` or `false`, or another word for these.
    pub(crate) const VARIABLE: &str = "GATEWAY_MULTIPLEX_PROFILES";

    /// What a value of the variable, or of the setting, says; `None` if nothing.
    pub(crate) fn switch(value: &str) -> Option<bool> {
        match value.trim().to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Some(true),
            "0" | "false" | "no" | "off" => Some(false),
            _ => None,
        }
    }

    /// Whether it does so now. Until then, gateways of the others may be the ones that serve.
    pub(crate) fn is_on(&self) -> bool {
        self.serves.is_some()
    }

    /// Whether it runs and does not name this profile among those that it serves: one that was made since, or that has nothing to serve.
    pub(crate) fn leaves_out(&self, profile: &ProfileName) -> bool {
        self.serves.as_ref().is_some_and(|serves| !serves.contains(profile.as_str()))
    }
}

impl Volume {
    /// Whether the root profile's gateway is to serve the others, where the variable says this. Else `config.yaml` decides: what an earlier run
    /// recorded stays there after somebody has turned it off.
    pub(crate) fn multiplexing(&self, variable: Option<bool>) -> Option<Multiplexing> {
        let config = || self.home().read(CONFIG).ok().and_then(|file| configured(&file.text));
        let asked = variable.or_else(config);
        (asked == Some(true)).then(|| Multiplexing { serves: self.served() })
    }

    /// The profiles that the process serves which wrote the root profile's record, if it is there.
    fn served(&self) -> Option<BTreeSet<String>> {
        let file = self.home().read(STATE).ok()?;
        let record = Object::parse(std::str::from_utf8(&file.text).ok()?)?;
        let served: BTreeSet<String> = record.words("served_profiles")?.into_iter().collect();
        (!served.is_empty() && self.runs(&record)).then_some(served)
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
        let values = lines.filter_map(|line| line.trim_start().strip_prefix(SETTING));
        let values = values.map(|value| value.split_once(" #").map_or(value, |(value, _)| value));
        values.filter_map(|value| Multiplexing::switch(value.trim().trim_matches(['\'', '"']))).next_back()
    };
    said(|line| line.starts_with(SETTING)).or_else(|| said(|line| line.starts_with([' ', '\t'])))
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
    fn when_a_process_started() {
        let own = fs::read_to_string("/proc/self/stat").unwrap();
        assert!(start(&own).unwrap() > 0);
        let fields: Vec<String> = (4..=52).map(|field| field.to_string()).collect();
        assert_eq!(start(&format!("7 (a) b (c) S {}", fields.join(" "))), Some(22));
        assert_eq!(start("7 (a"), None);
    }
}
