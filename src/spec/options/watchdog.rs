//! How long a gateway may be up without an answer.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use super::error::OptionError;
use super::kind::Kind;

/// How many seconds a gateway may be up without an answer on its port before it is restarted: 10 seconds to a day, or never.
///
/// Hermes itself takes 2 to 3 seconds from its start to its first answer, so a limit below 10 could restart it forever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Watchdog(Option<NonZeroU32>);

impl Watchdog {
    pub(super) const NAME: &str = "watchdog";
    pub(super) const KIND: Kind = Kind::Integer(0, 86_400);

    /// The seconds, or `None` if nothing restarts the gateway.
    pub fn seconds(self) -> Option<u32> {
        self.0.map(NonZeroU32::get)
    }
}

impl fmt::Display for Watchdog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.seconds().unwrap_or_default().fmt(f)
    }
}

impl FromStr for Watchdog {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        let wrong = |problem| {
            OptionError::new(Self::NAME, text, problem, "give seconds from 10 to 86400, or 0 for no watchdog")
        };
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong("is not a whole number"));
        }
        match text.parse() {
            Ok(seconds @ (0 | 10..=86_400)) => Ok(Self(NonZeroU32::new(seconds))),
            _ => Err(wrong("is out of range")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grammar() {
        let seconds = |text: &str| text.parse::<Watchdog>().map(Watchdog::seconds);
        assert_eq!(seconds("0"), Ok(None));
        assert_eq!(seconds("10"), Ok(Some(10)));
        assert_eq!(seconds("86400"), Ok(Some(86_400)));
        for bad in ["", "-1", "+60", "9", "86401", "99999999999", "60s", "off", "6 0", "60\n"] {
            assert!(bad.parse::<Watchdog>().is_err(), "{bad}");
        }
    }
}
