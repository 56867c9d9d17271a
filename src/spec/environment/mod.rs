//! The environment of a gateway: names, values, and secrets that are read at run time.

mod api_server;
mod error;
mod refused;

pub use api_server::API_SERVER_PORT;
pub(crate) use api_server::{API_SERVER_KEY, api_server, switch};
pub use error::EnvironmentError;
pub(crate) use refused::{OF_ISOLATED, SUPERVISED_MARKERS};

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use refused::{acted_on, reserved};

/// The `HERMES_HOME` of a run script if the container does not set it.
pub const FALLBACK_HOME: &str = "/opt/data";

/// The `HERMES_HOMES` of a run script if the container does not set it. Each isolated gateway has its home below that directory.
pub const FALLBACK_HOMES: &str = "/opt/homes";

/// The variables of the container that override host and port of the dashboard, in this order.
pub(crate) const DASHBOARD_ADDRESS: [&str; 2] = ["HERMES_DASHBOARD_HOST", "HERMES_DASHBOARD_PORT"];

/// Linux passes on at most this many bytes per entry, which is `NAME=VALUE` and a NUL byte (`MAX_ARG_STRLEN`, 32 pages of 4096 bytes).
const ENTRY_MAX: usize = 131_072;

/// The name of an environment variable: `[A-Za-z_][A-Za-z0-9_]*`, but not a name that a run script sets itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EnvName(Arc<str>);

impl EnvName {
    /// The regular expression that a name matches (ECMA 262), for the JSON Schema.
    pub(crate) const PATTERN: &str = "^[A-Za-z_][A-Za-z0-9_]*$";

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EnvName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for EnvName {
    type Err = EnvironmentError;

    fn from_str(name: &str) -> Result<Self, EnvironmentError> {
        let start = |c: char| c.is_ascii_alphabetic() || c == '_';
        if !name.starts_with(start) || !name.chars().all(|c| start(c) || c.is_ascii_digit()) {
            return Err(EnvironmentError::Name(name.to_owned()));
        }
        match reserved(name) {
            Some(reason) => Err(EnvironmentError::Reserved { name: name.to_owned(), reason }),
            None => Ok(Self(name.into())),
        }
    }
}

/// The value of an environment variable: any text without a NUL byte that Linux can pass on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvValue(Arc<str>);

impl EnvValue {
    /// Makes the value of this variable from its text.
    ///
    /// # Errors
    /// If the text has a NUL byte, or is longer than Linux passes on (131072 bytes with name, `=` and the final NUL).
    pub fn new(name: &EnvName, value: &str) -> Result<Self, EnvironmentError> {
        let name = name.as_str();
        if value.contains('\0') {
            return Err(EnvironmentError::Nul(name.to_owned()));
        }
        if name.len() + 1 + value.len() + 1 > ENTRY_MAX {
            return Err(EnvironmentError::TooLong { name: name.to_owned(), length: value.len() });
        }
        Ok(Self(value.into()))
    }

    /// The value itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The file that holds a secret when the gateway starts: an absolute path outside the default `HERMES_HOME`.
///
/// Root reads it. Below `HERMES_HOME`, the service user could replace it with a symlink and so read any file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretFile(Arc<str>);

impl SecretFile {
    /// Makes the file of this variable from its path.
    ///
    /// # Errors
    /// If the path is not absolute, has a NUL byte or a `..`, or is below `/opt/data` or `/opt/homes`. Also if a program that runs as root,
    /// between the reading and the drop, acts on a variable of this name.
    pub fn new(name: &EnvName, path: &str) -> Result<Self, EnvironmentError> {
        let wrong = |reason| EnvironmentError::Secret { name: name.to_string(), path: path.to_owned(), reason };
        if let Some(reason) = acted_on(name.as_str()) {
            return Err(EnvironmentError::SecretName { name: name.to_string(), reason });
        }
        if !path.starts_with('/') || path.contains('\0') || path.ends_with('/') {
            return Err(wrong("is not the absolute path of a file"));
        }
        if path.split('/').any(|part| part == "..") {
            return Err(wrong("has .. in it"));
        }
        let is_below = |home: &str| {
            let mut parts = path.split('/').filter(|part| !part.is_empty() && *part != ".");
            home.split('/').skip(1).all(|part| parts.next() == Some(part))
        };
        if is_below(FALLBACK_HOME) {
            return Err(wrong("is below /opt/data, where the service user could make root read any other file"));
        }
        if is_below(FALLBACK_HOMES) {
            return Err(wrong("is below /opt/homes, where a gateway could make root read any other file"));
        }
        Ok(Self(path.into()))
    }

    /// The path itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a variable's value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvSource {
    /// The run script holds it.
    Value(EnvValue),
    /// The run script reads it from a file. It is in no image layer.
    Secret(SecretFile),
}

/// The variables of one gateway, sorted by name. Each has one source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<EnvName, EnvSource>);

impl Environment {
    /// Adds a variable.
    ///
    /// # Errors
    /// If the variable is already there, because one source may have a name only once.
    pub fn add(&mut self, name: EnvName, source: EnvSource) -> Result<(), EnvironmentError> {
        if self.0.contains_key(&name) {
            return Err(EnvironmentError::Twice(name.to_string()));
        }
        self.0.insert(name, source);
        Ok(())
    }

    /// Adds the variables of a source that overrides these.
    pub fn overlay(&mut self, over: Self) {
        self.0.extend(over.0);
    }

    /// Whether a variable of this name is set.
    pub fn contains(&self, name: &str) -> bool {
        self.0.keys().any(|known| known.as_str() == name)
    }

    /// Whether a gateway with these variables certainly has an API server. Hermes starts none without a key, and the key may also be on the
    /// volume.
    pub(crate) fn has_api_server(&self) -> bool {
        self.0.iter().any(|(name, source)| {
            name.as_str() == API_SERVER_KEY
                && match source {
                    EnvSource::Value(value) => !value.as_str().is_empty(),
                    EnvSource::Secret(_) => true,
                }
        })
    }

    /// Names and values, sorted by name.
    pub fn values(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(name, source)| match source {
            EnvSource::Value(value) => Some((name.as_str(), value.as_str())),
            EnvSource::Secret(_) => None,
        })
    }

    /// Names and files of the secrets, sorted by name.
    pub fn secrets(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(name, source)| match source {
            EnvSource::Secret(file) => Some((name.as_str(), file.as_str())),
            EnvSource::Value(_) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> EnvName {
        text.parse().unwrap()
    }

    #[test]
    fn names() {
        for good in ["A", "_A", "a1", "HERMES_HOME_2", "LC_ALL", "UID", "_", "LD_PRELOAD"] {
            assert!(good.parse::<EnvName>().is_ok(), "{good}");
        }
        for bad in ["", "1A", "A-B", "A B", "A=", "A\n", "É", "A.B", "$A"] {
            assert!(matches!(bad.parse::<EnvName>(), Err(EnvironmentError::Name(_))), "{bad:?}");
        }
        for reserved in ["HERMES_HOME", "HOME", "PATH", "HERMES_SUPERVISED_CHILD", "HERMES_S6_SUPERVISED_CHILD"] {
            assert!(matches!(reserved.parse::<EnvName>(), Err(EnvironmentError::Reserved { .. })), "{reserved}");
        }
    }

    #[test]
    fn values() {
        let fits = "x".repeat(131_072 - "A=".len() - 1);
        assert!(EnvValue::new(&name("A"), &fits).is_ok());
        assert!(matches!(EnvValue::new(&name("A"), &(fits + "x")), Err(EnvironmentError::TooLong { .. })));
        assert!(matches!(EnvValue::new(&name("A"), "a\0"), Err(EnvironmentError::Nul(_))));
        assert!(EnvValue::new(&name("COLUMNS"), "wide").is_ok());
    }

    #[test]
    fn secret_files() {
        for good in ["/run/secrets/token", "/opt/database/x", "/opt/homesick", "/a b"] {
            assert!(SecretFile::new(&name("A"), good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "token",
            "./token",
            "/run/secrets/",
            "/opt/data",
            "/opt/data/x",
            "//opt/./data//x",
            "/opt/homes/a/x",
            "/run/../opt/data/x",
            "/a\0",
        ] {
            assert!(SecretFile::new(&name("A"), bad).is_err(), "{bad:?}");
        }
        for bad in [
            "LINES",
            "UID",
            "_",
            "LD_PRELOAD",
            "LD_AUDIT",
            "LC_ALL",
            "GLIBC_TUNABLES",
            "MALLOC_ARENA_MAX",
            "ENV",
            "TZ",
            "S6_KEEP_ENV",
        ] {
            let refused = SecretFile::new(&name(bad), "/run/secrets/x");
            assert!(matches!(refused, Err(EnvironmentError::SecretName { .. })), "{bad}");
        }
    }

    #[test]
    fn one_source_names_a_variable_once_and_a_stronger_source_wins() {
        let value = |text: &str| EnvSource::Value(EnvValue::new(&name("A"), text).unwrap());
        let mut weak = Environment::default();
        weak.add(name("A"), value("weak")).unwrap();
        assert!(matches!(weak.add(name("A"), value("again")), Err(EnvironmentError::Twice(_))));
        let mut strong = Environment::default();
        strong.add(name("A"), value("strong")).unwrap();
        weak.overlay(strong);
        assert_eq!(weak.values().collect::<Vec<_>>(), [("A", "strong")]);
    }
}
