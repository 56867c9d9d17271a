//! The address that the dashboard listens on.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::error::OptionError;
use super::kind::Kind;

/// An IP address, or a host name by RFC 1123. The default is `127.0.0.1`.
///
/// It is safe as a shell word, and no program can take it for an option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostName(Box<str>);

impl HostName {
    pub(super) const NAME: &str = "host";
    pub(super) const KIND: Kind = Kind::Text("^[A-Za-z0-9:]([A-Za-z0-9.:-]*[A-Za-z0-9:])?$");

    /// The address or name, as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for HostName {
    fn default() -> Self {
        Self("127.0.0.1".into())
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for HostName {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        if text.parse::<IpAddr>().is_ok() || is_host_name(text) {
            Ok(Self(text.into()))
        } else {
            let remedy = "give an address such as 127.0.0.1, 0.0.0.0, :: or localhost";
            Err(OptionError::new(Self::NAME, text, "is neither an IP address nor a host name", remedy))
        }
    }
}

/// Whether the text consists of labels of letters, digits and inner hyphens. If the last label is digits only, the text is an address.
fn is_host_name(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253
        && text.split('.').all(is_label)
        && !text.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        let longest = [&*"a".repeat(63); 3].join(".");
        for good in ["127.0.0.1", "0.0.0.0", "::", "::1", "fe80::1", "localhost", "a-b.c1", "1a", &longest] {
            assert_eq!(good.parse::<HostName>().unwrap().as_str(), good);
        }
        let too_long = [&*"a".repeat(64), "b"].join(".");
        for bad in [
            "",
            "-a",
            "a-",
            "--insecure",
            "a b",
            "a_b",
            "a..b",
            "a.",
            "256.0.0.1",
            "1.2.3",
            "[::1]",
            "::1%eth0",
            "127.0.0.1:80",
            "a\n",
            "é",
            "$(id)",
            &too_long,
            &"a.".repeat(127),
        ] {
            assert!(bad.parse::<HostName>().is_err(), "{bad}");
        }
    }
}
