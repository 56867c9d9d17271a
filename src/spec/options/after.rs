//! What must be up before a service starts.

use std::fmt;
use std::str::FromStr;

use super::error::OptionError;
use super::kind::Kind;

/// The name of something that must be up before a service starts: a service or bundle of s6-rc, such as `mount-data` or `gateway-coder`.
///
/// It matches `[A-Za-z0-9_][A-Za-z0-9_.@:+-]*` as a whole, and has at most 255 characters. It does not begin like a name that s6-rc
/// reserves (<https://skarnet.org/software/s6-rc/s6-rc-compile.html>).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct After(String);

/// The beginnings of the names that s6-rc reserves.
const RESERVED: [&str; 2] = ["s6rc-", "s6-rc-"];

/// The longest name that a file can have. A file of this name stands for the service.
const MAX_LEN: usize = 255;

impl After {
    pub(super) const NAME: &str = "after";
    pub(super) const KIND: Kind = Kind::List("^(?!s6-?rc-)[A-Za-z0-9_][A-Za-z0-9_.@:+-]{0,254}$");

    /// The bundle of what s6-overlay does before it starts any user's service: it sets file owners, and runs its hooks. Every rendered
    /// service starts after it.
    pub(crate) fn base() -> Self {
        Self("base".to_owned())
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for After {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for After {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        let wrong = |problem| {
            OptionError::new(Self::NAME, text, problem, "give the name of a service or bundle, such as mount-data")
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        match text.as_bytes() {
            [] => Err(wrong("is empty")),
            [first, ..] if !plain(*first) => Err(wrong("does not start with a letter, a digit or _")),
            bytes if !bytes.iter().all(|&byte| plain(byte) || b".@:+-".contains(&byte)) => {
                Err(wrong("has a character other than letters, digits and _ . @ : + -"))
            }
            bytes if bytes.len() > MAX_LEN => Err(wrong("has more than 255 characters")),
            _ if RESERVED.iter().any(|reserved| text.starts_with(reserved)) => {
                Err(wrong("begins like a name that s6-rc reserves"))
            }
            _ => Ok(Self(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_name() {
        for good in ["base", "mount-data", "gateway-coder", "_x", "0", "net@eth0", "a.b", "s6rc", &"x".repeat(255)] {
            assert_eq!(good.parse::<After>().unwrap().as_str(), good);
        }
        for (bad, message) in [
            ("", "after \"\" is empty; give the name of a service or bundle, such as mount-data"),
            (".base", "does not start with"),
            ("-x", "does not start with"),
            ("a/b", "has a character other than"),
            ("a,b", "has a character other than"),
            ("a b", "has a character other than"),
            ("base\n", "has a character other than"),
            ("é", "does not start with"),
            ("s6rc-fdholder", "s6-rc reserves"),
            ("s6-rc-x", "s6-rc reserves"),
            (&"x".repeat(256), "has more than 255 characters"),
        ] {
            let error = bad.parse::<After>().unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
