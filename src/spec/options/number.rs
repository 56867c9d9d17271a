//! The options that are whole numbers.

use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

use super::error::OptionError;
use super::kind::Kind;

/// Declares an option that is a whole number in a range. Its type cannot hold another number.
macro_rules! number {
    ($(#[$doc:meta])* $name:ident($int:ty) $key:literal: $low:literal..=$high:literal, default $default:literal) => {
        number!($(#[$doc])* $name($int) $key: $low..=$high);

        impl Default for $name {
            fn default() -> Self {
                Self($default)
            }
        }
    };
    ($(#[$doc:meta])* $name:ident($int:ty) $key:literal: $low:literal..=$high:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($int);

        impl $name {
            pub(super) const NAME: &str = $key;
            pub(super) const KIND: Kind = Kind::Integer($low, $high);

            /// The number.
            pub const fn get(self) -> $int {
                self.0
            }
        }

        impl FromStr for $name {
            type Err = OptionError;

            fn from_str(text: &str) -> Result<Self, OptionError> {
                let range = concat!("give a whole number from ", $low, " to ", $high);
                let wrong = |problem| OptionError::new(Self::NAME, text, problem, range);
                if text.is_empty() || !text.bytes().enumerate().all(|(i, b)| b.is_ascii_digit() || (i == 0 && b == b'-')) {
                    return Err(wrong("is not a whole number"));
                }
                match text.parse() {
                    Ok(number @ $low..=$high) => Ok(Self(number)),
                    _ => Err(wrong("is out of range")),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// A TCP port, 1 to 65535.
    Port(u16) "port": 1..=65535
}

impl Port {
    /// The default port of the dashboard, which is that of Hermes.
    pub(crate) const DASHBOARD: Self = Self(9119);

    /// The default port of the metrics server. No profile gets it from its name.
    pub(crate) const METRICS: Self = Self(9118);
}

impl From<NonZeroU16> for Port {
    fn from(number: NonZeroU16) -> Self {
        Self(number.get())
    }
}

number! {
    /// Seconds from TERM to KILL when a gateway is stopped, from 1 second to a day. The default is 30.
    ///
    /// 0 is refused, because in `timeout-kill` it means "wait forever", and a gateway that ignores TERM would block a stop
    /// (<https://skarnet.org/software/s6/servicedir.html>).
    StopTimeout(u32) "stop-timeout": 1..=86400, default 30
}

number! {
    /// How many rotated log files s6-log keeps, 0 to 10000. The default is 10.
    LogFiles(u32) "log-files": 0..=10000, default 10
}

number! {
    /// The size in bytes at which s6-log rotates a log file, in the range that s6-log takes. The default is 1000000
    /// (<https://skarnet.org/software/s6/s6-log.html>).
    LogSize(u32) "log-size": 4096..=268_435_455, default 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_kept() {
        for good in ["1", "65535", "00080"] {
            assert!(good.parse::<Port>().is_ok(), "{good}");
        }
        for (bad, message) in [
            ("0", "port \"0\" is out of range; give a whole number from 1 to 65535"),
            ("65536", "is out of range"),
            ("-1", "is out of range"),
            ("99999999999999999999999", "is out of range"),
            ("", "is not a whole number"),
            ("+80", "is not a whole number"),
            ("8 0", "is not a whole number"),
            ("80\n", "port \"80\\n\" is not a whole number"),
            ("٨٠", "is not a whole number"),
        ] {
            let error = bad.parse::<Port>().unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
        assert!("0".parse::<StopTimeout>().is_err());
        assert!("0".parse::<LogFiles>().is_ok());
        assert!("4095".parse::<LogSize>().is_err());
        assert!("268435456".parse::<LogSize>().is_err());
    }
}
