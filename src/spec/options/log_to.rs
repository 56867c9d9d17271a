//! Where the output of a gateway goes.

use std::fmt;
use std::str::FromStr;

use super::error::OptionError;
use super::kind::Kind;

/// Where the output of a gateway goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogTo {
    /// To its log directory.
    #[default]
    File,
    /// To its log directory and to the log of the container. There, each line begins with the name of the profile.
    Both,
}

impl LogTo {
    pub(super) const NAME: &str = "log-to";
    pub(super) const KIND: Kind = Kind::Choice(&["file", "both"]);
}

impl fmt::Display for LogTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "file",
            Self::Both => "both",
        })
    }
}

impl FromStr for LogTo {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        match text {
            "file" => Ok(Self::File),
            "both" => Ok(Self::Both),
            _ => Err(OptionError::new(Self::NAME, text, "is not a place for a log", "give file or both")),
        }
    }
}
