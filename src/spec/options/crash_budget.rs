//! How often a gateway may die before it stays down.

use std::fmt;
use std::str::FromStr;

use super::error::OptionError;
use super::kind::Kind;

/// How many deaths within how many seconds make a gateway stay down, instead of being started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrashBudget {
    /// A limit on deaths.
    Limited {
        /// 1 to 100, because s6-supervise remembers no more deaths (`max-death-tally` in
        /// <https://skarnet.org/software/s6/servicedir.html>).
        deaths: u32,
        /// 1 to 604800, which is a week.
        seconds: u32,
    },
    /// No limit. Only exit 78 makes the gateway stay down.
    Off,
}

impl CrashBudget {
    pub(super) const NAME: &str = "crash-budget";
    pub(super) const KIND: Kind = Kind::Text("^(off|[0-9]+/[0-9]+)$");
}

impl Default for CrashBudget {
    fn default() -> Self {
        Self::Limited { deaths: 10, seconds: 300 }
    }
}

impl fmt::Display for CrashBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limited { deaths, seconds } => write!(f, "{deaths}/{seconds}"),
            Self::Off => f.write_str("off"),
        }
    }
}

impl FromStr for CrashBudget {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        if text == "off" {
            return Ok(Self::Off);
        }
        let number = |digits: &str| -> Option<u32> {
            digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
        };
        let parts = text.split_once('/').map(|(deaths, seconds)| (number(deaths), number(seconds)));
        match parts {
            Some((Some(deaths @ 1..=100), Some(seconds @ 1..=604_800))) => Ok(Self::Limited { deaths, seconds }),
            _ => Err(OptionError::new(
                Self::NAME,
                text,
                "is not a crash budget",
                "give deaths/seconds such as 10/300, with 1 to 100 deaths in 1 to 604800 seconds, or off",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grammar() {
        assert_eq!("off".parse(), Ok(CrashBudget::Off));
        assert_eq!("100/604800".parse(), Ok(CrashBudget::Limited { deaths: 100, seconds: 604_800 }));
        for bad in ["", "10", "10/", "/300", "0/300", "101/300", "10/0", "10/604801", "+1/2", "1/2/3", "1/2\n", "Off"] {
            assert!(bad.parse::<CrashBudget>().is_err(), "{bad}");
        }
    }
}
