//! Whether a gateway is to run after a boot, by what Hermes wrote down.

use std::fmt;

use serde_json::Value;

use super::json::Object;
use crate::base::text::{excerpt, is_plain};

/// A word of Hermes has no more characters than this; its longest today is `startup_failed`.
const LONGEST_WORD: usize = 40;

/// What `gateway_state.json` says of a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Intent {
    /// A state, in Hermes' word for it, from `desired_state` (what an operator said) or else `gateway_state` (what it did last).
    Recorded {
        /// The word: `running`, `stopped`, `draining`, …
        state: String,
        /// Whether an operator said it.
        desired: bool,
    },
    /// There is no such file, or it says nothing of it.
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
        // `null` is no word, as in Hermes.
        let (value, desired) = match (file.get("desired_state"), file.get("gateway_state")) {
            (Some(value), _) => (value, true),
            (None, Some(value)) => (value, false),
            (None, None) => return Self::Nothing,
        };
        match value {
            Value::String(state) if state.chars().count() > LONGEST_WORD || !state.chars().all(is_plain) => {
                Self::Unreadable(format!("its state is no word of Hermes: {}", excerpt(state.as_bytes(), LONGEST_WORD)))
            }
            Value::String(state) => Self::Recorded { state, desired },
            _ => Self::Unreadable("its state is not a word".to_owned()),
        }
    }

    /// Whether an operator said so, which what the gateway does later does not change.
    pub(crate) fn is_desired(&self) -> bool {
        matches!(self, Self::Recorded { desired: true, .. })
    }

    /// Whether the gateway is to run. Draining and degraded are what a running gateway goes through; but an operator says
    /// `running` where that is meant.
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
