//! Whether the gateway of the root profile serves the other profiles of its home, too. Hermes calls that multiplexing.
//!
//! Up to 0.20, a person asks for it by a variable, or in `config.yaml`; later ones do it always. What is served then stands in the root
//! profile's `gateway_state.json`, and a gateway of a named profile ends with 1 at once. All of it but the variable is the service user's to
//! write: it decides which of its own gateways run, and nothing else.

#![expect(clippy::disallowed_methods, reason = "/proc")]

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use serde_json::Value;

use super::home::Volume;
use super::json::Object;
use super::paths::STATE;

/// The file of settings of the root profile.
const CONFIG: &str = "config.yaml";

/// The setting in it, on its own level or below `gateway`.
const SETTING: &str = "multiplex_profiles:";

/// Who serves the named profiles of a home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Multiplexing {
    /// Each has a gateway of its own.
    Off,
    /// The root profile's gateway will, once it has started: there need be no others, and those that are there may still be the ones that serve.
    Expected,
    /// The root profile's gateway does.
    On,
}

impl Multiplexing {
    /// The variable by which whoever runs a container decides it (Hermes 0.17 and later): `true` or `false`, or another word for these.
    pub(crate) const VARIABLE: &str = "GATEWAY_MULTIPLEX_PROFILES";

    /// What a value of the variable, or of the setting, says; `None` if nothing.
    pub(crate) fn switch(value: &str) -> Option<bool> {
        match value.trim().to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Some(true),
            "0" | "false" | "no" | "off" => Some(false),
            _ => None,
        }
    }
}

impl Volume {
    /// Who serves the named profiles, where the variable says this.
    ///
    /// The record of an earlier run may still name profiles after somebody has turned it off: so a `false` counts before the record does. A
    /// gateway that is turned on serves only from its next start, so a `true` does not.
    pub(crate) fn multiplexing(&self, variable: Option<bool>) -> Multiplexing {
        let config = || self.home().read(CONFIG).ok().and_then(|file| configured(&file.text));
        let asked = variable.or_else(config);
        if asked == Some(false) {
            return Multiplexing::Off;
        }
        let file = self.home().read(STATE).ok();
        let text = file.as_ref().and_then(|file| std::str::from_utf8(&file.text).ok());
        let record = text.and_then(Object::parse);
        let serves = record.as_ref().is_some_and(
            |record| matches!(record.get("served_profiles"), Some(Value::Array(profiles)) if !profiles.is_empty()),
        );
        let runs = record.as_ref().is_some_and(|record| self.runs(record));
        match (serves, runs) {
            (true, true) => Multiplexing::On,
            (true, false) => Multiplexing::Expected,
            (false, _) if asked == Some(true) => Multiplexing::Expected,
            (false, _) => Multiplexing::Off,
        }
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
/// thing to give the service user's bytes to, and the record says the same a little later.
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
