//! The program that is Hermes, and which of its command lines is used.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use super::error::OptionError;
use super::kind::Kind;

/// The command lines of Hermes for a gateway in the foreground.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HermesCli {
    /// `hermes gateway start --foreground --port N`.
    #[default]
    Start,
    /// `hermes gateway run --replace`, with the port in `API_SERVER_PORT`.
    Run,
    /// The same, but without `--replace` for a named profile. Beside a gateway that serves all profiles, `--replace` would end that
    /// gateway.
    RunBeside,
}

impl HermesCli {
    pub(super) const NAME: &str = "hermes-cli";
    pub(super) const KIND: Kind = Kind::Choice(&["start", "run", "run-beside"]);
}

impl fmt::Display for HermesCli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Start => "start",
            Self::Run => "run",
            Self::RunBeside => "run-beside",
        })
    }
}

impl FromStr for HermesCli {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        match text {
            "start" => Ok(Self::Start),
            "run" => Ok(Self::Run),
            "run-beside" => Ok(Self::RunBeside),
            _ => {
                let remedy = "give start, run or run-beside";
                Err(OptionError::new(Self::NAME, text, "is not a command line of hermes", remedy))
            }
        }
    }
}

/// The program that is Hermes: a name that is searched in the service's PATH, or an absolute path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HermesProgram(Arc<str>);

impl HermesProgram {
    pub(super) const NAME: &str = "hermes";
    pub(super) const KIND: Kind = Kind::Text("^(/[^=]*[^/=]|[^-/=][^/=]*)$");

    /// The name or path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for HermesProgram {
    fn default() -> Self {
        // All gateways that use the default share this one.
        static DEFAULT: LazyLock<Arc<str>> = LazyLock::new(|| "hermes".into());
        Self(DEFAULT.clone())
    }
}

impl fmt::Display for HermesProgram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for HermesProgram {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        let wrong = |problem, remedy: &str| Err(OptionError::new(Self::NAME, text, problem, remedy));
        let name_or_path = "give a name on PATH, or an absolute path such as /opt/venv/bin/hermes";
        if text.is_empty() {
            wrong("is empty", name_or_path)
        } else if text.contains('\0') {
            wrong("holds a NUL byte", name_or_path)
        } else if text.contains(char::is_control) {
            wrong("holds a line break or another control character", name_or_path)
        } else if text.starts_with('-') {
            wrong("looks like an option", name_or_path)
        } else if text.ends_with('/') {
            wrong("is a directory", name_or_path)
        } else if text.contains('/') && !text.starts_with('/') {
            // The working directory at run time is HERMES_HOME, which is not known when the script is rendered.
            wrong("is a relative path", "give an absolute path")
        } else if text.contains('=') {
            wrong("holds '=', so env would take it for a variable", name_or_path)
        } else {
            Ok(Self(text.into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs() {
        for good in ["hermes", "/opt/my venv/bin/hermes", "exec"] {
            assert!(good.parse::<HermesProgram>().is_ok(), "{good}");
        }
        for bad in ["", "-x", "bin/hermes", "./hermes", "/opt/venv/", "/", "a\0b", "a\nb", "a=b", "/opt/a=b/hermes"] {
            assert!(bad.parse::<HermesProgram>().is_err(), "{bad:?}");
        }
    }
}
