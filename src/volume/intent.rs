//! Whether a gateway should run after a boot, according to the records of Hermes.

use std::fmt;

use serde_json::Value;

use super::json::Object;
use crate::base::text::{excerpt, is_plain};

/// The most characters of a word of Hermes. Its longest word today is `startup_failed`.
const LONGEST_WORD: usize = 40;

/// What `gateway_state.json` says about a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Intent {
    /// A state, in the word of Hermes, from `desired_state` (the wish of an operator) or else from `gateway_state` (what it did last).
    Recorded {
        /// The word: `running`, `stopped`, `draining`, …
        state: String,
        /// Whether an operator wished it.
        desired: bool,
    },
    /// The file does not exist, or says nothing about it.
    Nothing,
    /// The file cannot be read, for this reason.
    Unreadable(String),
}

impl Intent {
    /// What the text of a `gateway_state.json` says.
    pub(crate) fn parse(text: &[u8]) -> Self {
        let Some(file) = std::str::from_utf8(text).ok().and_then(Object::parse) else {
            return Self::Unreadable("it is not what Hermes writes".to_owned());
        };
        // As in Hermes, `null` is not a word.
        let (value, desired) = match (file.get("desired_state"), file.get("gateway_state")) {
            (Some(value), _) => (value, true),
            (None, Some(value)) => (value, false),
            (None, None) => return Self::Nothing,
        };
        match value {
            Value::String(state) if state.chars().count() > LONGEST_WORD || !state.chars().all(is_plain) => {
                Self::Unreadable(format!(
                    "its state is not a word of Hermes: {}",
                    excerpt(state.as_bytes(), LONGEST_WORD)
                ))
            }
            Value::String(state) => Self::Recorded { state, desired },
            _ => Self::Unreadable("its state is not a word".to_owned()),
        }
    }

    /// Whether an operator wished it. What the gateway does later does not change that.
    pub(crate) fn is_desired(&self) -> bool {
        matches!(self, Self::Recorded { desired: true, .. })
    }

    /// Whether the gateway should run. A running gateway goes through the states draining and degraded. An operator's wish to run is always
    /// `running`.
    pub(crate) fn is_running(&self) -> bool {
        match self {
            Self::Recorded { state, desired: true } => state == "running",
            Self::Recorded { state, desired: false } => matches!(state.as_str(), "running" | "draining" | "degraded"),
            Self::Nothing | Self::Unreadable(_) => false,
        }
    }
}

impl fmt::Display for Intent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recorded { state, .. } => f.write_str(state),
            Self::Nothing => f.write_str("none"),
            Self::Unreadable(_) => f.write_str("unreadable"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_running_runs_again() {
        for (text, runs, said) in [
            (r#"{"gateway_state":"running"}"#, true, "running"),
            (r#"{"gateway_state":"draining"}"#, true, "draining"),
            (r#"{"gateway_state":"degraded"}"#, true, "degraded"),
            (r#"{"gateway_state":"starting"}"#, false, "starting"),
            (r#"{"gateway_state":"startup_failed"}"#, false, "startup_failed"),
            (r#"{"gateway_state":"stopped"}"#, false, "stopped"),
            (r#"{"gateway_state":"stopped","desired_state":"running"}"#, true, "running"),
            (r#"{"gateway_state":"running","desired_state":"stopped"}"#, false, "stopped"),
            (r#"{"gateway_state":"running","desired_state":"draining"}"#, false, "draining"),
            (r#"{"gateway_state":"running","desired_state":null}"#, true, "running"),
            (r#"{"gateway_state":null,"pid":1}"#, false, "none"),
            ("{}", false, "none"),
            (r#"{"gateway_state":7}"#, false, "unreadable"),
            (r#"{"gateway_state":"a\nb"}"#, false, "unreadable"),
            (r#"{"gateway_state":"running","x":NaN,"y":1e999}"#, true, "running"),
            (r#"{"gateway_state":"stopped","gateway_state":"running"}"#, true, "running"),
            ("[]", false, "unreadable"),
            ("", false, "unreadable"),
            ("{\"gateway_state\":\"running\"", false, "unreadable"),
        ] {
            let intent = Intent::parse(text.as_bytes());
            assert_eq!((intent.is_running(), intent.to_string().as_str()), (runs, said), "{text}");
        }
    }
}
