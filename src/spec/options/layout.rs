//! The form in which services are rendered.

use std::fmt;
use std::str::FromStr;

use super::error::OptionError;
use super::kind::Kind;

/// The form in which services are rendered. It is the same for everything that a run renders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// A service directory for each service, with its logger in it, as s6-svscan takes it
    /// (<https://skarnet.org/software/s6/servicedir.html>).
    #[default]
    S6,
    /// Source definitions of s6-rc: a longrun for each service, one for its logger, and the bundle `user` that starts both
    /// (<https://skarnet.org/software/s6-rc/s6-rc-compile.html>).
    S6Rc,
    /// The same definitions, at the places below `/etc/s6-overlay` where s6-overlay 3.2.3.2 and later has them.
    S6Overlay,
}

impl Layout {
    pub(super) const NAME: &str = "layout";
    pub(super) const KIND: Kind = Kind::Choice(&["s6", "s6-rc", "s6-overlay"]);

    /// Whether s6-rc reads it.
    pub const fn is_s6_rc(self) -> bool {
        match self {
            Self::S6 => false,
            Self::S6Rc | Self::S6Overlay => true,
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::S6 => "s6",
            Self::S6Rc => "s6-rc",
            Self::S6Overlay => "s6-overlay",
        })
    }
}

impl FromStr for Layout {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        match text {
            "s6" => Ok(Self::S6),
            "s6-rc" => Ok(Self::S6Rc),
            "s6-overlay" => Ok(Self::S6Overlay),
            _ => Err(OptionError::new(Self::NAME, text, "is not a layout", "give s6, s6-rc or s6-overlay")),
        }
    }
}
