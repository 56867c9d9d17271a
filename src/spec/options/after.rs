//! What has to be up before a service starts.

use std::fmt;
use std::str::FromStr;

use super::error::OptionError;
use super::kind::Kind;

/// The name of what has to be up before a service starts: a service or bundle of s6-rc, such as `mount-data` or `gateway-coder`.
///
/// It matches `[A-Za-z0-9_][A-Za-z0-9_.@:+-]*` as a whole, has at most 255 characters, and does not begin as the names do that s6-rc keeps
/// for itself (<https://skarnet.org/software/s6-rc/s6-rc-compile.html>).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct After(String);

/// How the names begin that s6-rc keeps for itself.
const RESERVED: [&str; 2] = ["s6rc-", "s6-rc-"];

/// The longest name that a file can have, which stands for it.
const MAX_LEN: usize = 255;

impl After {
    pub(super) const NAME: &str = "after";
    pub(super) const KIND: Kind = Kind::List("^(?!s6-?rc-)[A-Za-z0-9_][A-Za-z0-9_.@:+-]{0,254}$");

    /// What s6-overlay has done before any service of a user: file owners, and its hooks. Every service that is rendered is after it.
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
                Err(wrong("holds something else than letters, digits and _ . @ : + -"))
            }
            bytes if bytes.len() > MAX_LEN => Err(wrong("has more than 255 characters")),
            _ if RESERVED.iter().any(|reserved| text.starts_with(reserved)) => {
                Err(wrong("begins as the names do that s6-rc keeps for itself"))
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
            ("a/b", "holds something else"),
            ("a,b", "holds something else"),
            ("a b", "holds something else"),
            ("base\n", "holds something else"),
            ("é", "does not start with"),
            ("s6rc-fdholder", "keeps for itself"),
            ("s6-rc-x", "keeps for itself"),
            (&"x".repeat(256), "has more than 255 characters"),
        ] {
            let error = bad.parse::<After>().unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
