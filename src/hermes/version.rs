//! The version of a Hermes.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::base::text::Shown;

/// A version of Hermes, such as `0.19.0`. Anything after the third number (`.post1`, `rc2`) is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u16, pub u16, pub u16);

/// A text that is not a version.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{} is not a version of Hermes; write it like 0.19.0", Shown(.0))]
pub struct VersionError(String);

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let wrong = || VersionError(text.to_owned());
        let mut parts = text.trim_start_matches('v').splitn(4, '.');
        let mut number = |is_needed: bool| -> Option<u16> {
            match parts.next() {
                Some(part) => part.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok(),
                None => (!is_needed).then_some(0),
            }
        };
        match (number(true), number(true), number(false)) {
            (Some(major), Some(minor), Some(patch)) => Ok(Self(major, minor, patch)),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (text, version) in [
            ("0.19.0", Version(0, 19, 0)),
            ("0.21.5.post2", Version(0, 21, 5)),
            ("v0.22", Version(0, 22, 0)),
            ("0.20.4rc1", Version(0, 20, 4)),
            ("1.2.3+local", Version(1, 2, 3)),
        ] {
            assert_eq!(text.parse(), Ok(version), "{text}");
        }
        for text in ["", "0", "x.y.z", "0.", ".1", "99999999.1.1", "-1.2"] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
        assert!(Version(0, 9, 9) < Version(0, 19, 0));
    }
}
