//! The name of a Hermes profile. It is checked once, and safe from then on.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::base::text::Shown;

/// The beginning of the name of a gateway's service directory.
pub(super) const SERVICE_PREFIX: &str = "gateway-";

/// The name of a Hermes profile, `hermes -p <profile>`.
///
/// It matches `[a-z0-9][a-z0-9_-]*` as a whole and has at most [`ProfileName::MAX_LEN`] characters. So it is safe as a file name, as a
/// shell word, and as a systemd or launchd label. No program can take it for an option.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProfileName(String);

impl ProfileName {
    /// 243 characters. With `gateway-` before it, the name of the service directory has 251, the `name_max` of s6-svscan
    /// (<https://skarnet.org/software/s6/s6-svscan.html>).
    pub const MAX_LEN: usize = 251 - SERVICE_PREFIX.len();

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the root profile, which is called `default` and takes no `-p`.
    pub fn is_default(&self) -> bool {
        self.0 == "default"
    }

    /// The name of the profile's service directory: `gateway-<profile>`.
    pub fn service_name(&self) -> String {
        format!("{SERVICE_PREFIX}{}", self.0)
    }

    /// The profile whose service directory has this name, if there is one.
    pub fn of_service(name: &str) -> Option<Self> {
        name.strip_prefix(SERVICE_PREFIX)?.parse().ok()
    }
}

/// The root profile.
impl Default for ProfileName {
    fn default() -> Self {
        Self("default".to_owned())
    }
}

impl fmt::Display for ProfileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ProfileName {
    type Err = ProfileNameError;

    fn from_str(name: &str) -> Result<Self, ProfileNameError> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        match name.chars().next() {
            None => return Err(ProfileNameError::Empty),
            Some(first) if !plain(first) => return Err(ProfileNameError::Start { name: name.to_owned(), first }),
            Some(_) => {}
        }
        if let Some(found) = name.chars().find(|&c| !plain(c) && c != '-' && c != '_') {
            return Err(ProfileNameError::Character { name: name.to_owned(), found });
        }
        if name.len() > Self::MAX_LEN {
            return Err(ProfileNameError::TooLong { name: name.to_owned() });
        }
        Ok(Self(name.to_owned()))
    }
}

/// Why a text is not a profile name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProfileNameError {
    /// The text is empty.
    #[error("a profile name is empty; give a name such as coder")]
    Empty,
    /// The first character is not a lower-case letter or a digit.
    #[error("profile name {} starts with {first:?}; start it with a-z or 0-9{}", Shown(name), such_as(name))]
    Start {
        /// The text.
        name: String,
        /// Its first character.
        first: char,
    },
    /// A character is not one of `a-z`, `0-9`, `-` and `_`.
    #[error("profile name {} holds {found:?}; use only a-z, 0-9, - and _{}", Shown(name), such_as(name))]
    Character {
        /// The text.
        name: String,
        /// The first such character.
        found: char,
    },
    /// There are more than [`ProfileName::MAX_LEN`] characters.
    #[error(
        "profile name {} has {} characters; use at most {}, because s6-svscan takes no longer name",
        Shown(name), name.len(), ProfileName::MAX_LEN
    )]
    TooLong {
        /// The text.
        name: String,
    },
}

/// The name that the person probably meant, as the end of a message.
fn such_as(name: &str) -> String {
    let lower = name.trim().to_lowercase().replace([' ', '.'], "-");
    let meant = lower.trim_start_matches(['-', '_']).parse::<ProfileName>();
    meant.map(|meant| format!(", as in {meant}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_hermes_takes() {
        for name in ["a", "0", "coder", "default", "a-b_c-9", "a--", &"x".repeat(243)] {
            assert_eq!(name.parse::<ProfileName>().unwrap().as_str(), name);
        }
    }

    #[test]
    fn refuses_the_rest_and_says_why() {
        for (name, message) in [
            ("", "a profile name is empty"),
            ("-a", "starts with '-'"),
            ("_a", "starts with '_'"),
            ("Coder", "starts with 'C'"),
            ("coDer", "holds 'D'"),
            ("a b", "use only a-z, 0-9, - and _, as in a-b"),
            ("Team.A", "start it with a-z or 0-9, as in team-a"),
            ("a/b", "holds '/'"),
            ("..", "starts with '.'"),
            ("a..b", "holds '.'"),
            ("coder\n", "holds '\\n'"),
            ("codér", "holds 'é'"),
            ("\u{0661}", "starts with '\u{0661}'"),
            (&"x".repeat(244), "has 244 characters"),
        ] {
            let error = name.parse::<ProfileName>().unwrap_err().to_string();
            assert!(error.contains(message), "{name:?}: {error}");
            assert!(!error.contains('\n') && error.len() < 220, "{error}");
        }
    }

    #[test]
    fn service_directory_and_back() {
        let name: ProfileName = "coder".parse().unwrap();
        assert_eq!(name.service_name(), "gateway-coder");
        assert_eq!(ProfileName::of_service("gateway-coder"), Some(name));
        for other in ["coder", "gateway-", "gateway-A", ".gateway-coder", "gateway-coder\n"] {
            assert_eq!(ProfileName::of_service(other), None, "{other}");
        }
    }
}
