//! The user that a gateway and its logger run as.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use super::error::OptionError;
use super::kind::Kind;

/// A user by name, which s6-setuidgid looks up in the container: `[A-Za-z_][A-Za-z0-9_.-]*`, at most 32 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserName(Arc<str>);

impl UserName {
    pub(super) const NAME: &str = "user";
    pub(super) const KIND: Kind = Kind::Text("^[A-Za-z_][A-Za-z0-9_.-]{0,31}$");

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for UserName {
    fn default() -> Self {
        // All gateways that use the default share this one.
        static DEFAULT: LazyLock<Arc<str>> = LazyLock::new(|| "hermes".into());
        Self(DEFAULT.clone())
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for UserName {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        let start = |c: char| c.is_ascii_alphabetic() || c == '_';
        let rest = |c: char| start(c) || c.is_ascii_digit() || c == '.' || c == '-';
        if text.starts_with(start) && text.chars().all(rest) && text.len() <= 32 {
            Ok(Self(text.into()))
        } else {
            Err(OptionError::new(
                Self::NAME,
                text,
                "is not a user name",
                "give a name such as hermes, of at most 32 characters",
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["hermes", "_svc", "a.b-c", &"u".repeat(32)] {
            assert!(good.parse::<UserName>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "1000", "a b", "a:b", "hermes\n", "é", &"u".repeat(33)] {
            assert!(bad.parse::<UserName>().is_err(), "{bad}");
        }
    }
}
