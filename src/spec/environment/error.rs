//! Why an environment entry or a secret is refused.

use thiserror::Error;

use crate::base::text::Shown;

/// Why an environment entry or a secret is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EnvironmentError {
    /// There is no `=` between name and value.
    #[error("--{option} {} has no =; write --{option} {form}", Shown(text))]
    NoEquals {
        /// The option: `env`, `secret`.
        option: &'static str,
        /// Its form: `NAME=VALUE`.
        form: &'static str,
        /// What was given.
        text: String,
    },
    /// The name is not an identifier.
    #[error("environment name {} is not an identifier; use letters, digits and _, not starting with a digit", Shown(.0))]
    Name(String),
    /// The name is reserved.
    #[error("{name} cannot be set for one service; {reason}")]
    Reserved {
        /// The name.
        name: String,
        /// Why it is reserved, and where to set it instead if that is possible.
        reason: &'static str,
    },
    /// The script of an isolated gateway sets the variable itself.
    #[error("{0} cannot be set for an isolated gateway; its script sets it to a place in its own home")]
    Isolated(&'static str),
    /// One source has the name twice.
    #[error("{0} is set twice; set it once, as a value or as a secret")]
    Twice(String),
    /// The port is given as an option and as a variable.
    #[error("port already sets API_SERVER_PORT if hermes-cli is run; give only one of the two")]
    PortTwice,
    /// A watchdog has no API server to ask.
    #[error(
        "watchdog asks the API server of the gateway, which Hermes starts only with a key; give API_SERVER_KEY as a secret, or omit watchdog"
    )]
    NothingToAsk,
    /// The dashboard's own environment has its host or port.
    #[error("{0} works only in the environment of the container; write host or port here")]
    Address(&'static str),
    /// The value has a NUL byte.
    #[error("the value of {0} holds a NUL byte, which no environment can hold; encode it")]
    Nul(String),
    /// The value is too long for the operating system.
    #[error(
        "the value of {name} has {length} bytes, but with its name it can have at most 131072 on Linux; put it in a file"
    )]
    TooLong {
        /// The variable.
        name: String,
        /// The length of its value, in bytes.
        length: usize,
    },
    /// A program that runs as root acts on a variable of this name.
    #[error("{name} cannot be a secret; {reason}; give it as a value (env), or under another name")]
    SecretName {
        /// The name.
        name: String,
        /// Why not.
        reason: &'static str,
    },
    /// The path of a secret cannot be used.
    #[error("the file {} of secret {name} {reason}; give a path such as /run/secrets/token", Shown(path))]
    Secret {
        /// The variable.
        name: String,
        /// The path.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}
