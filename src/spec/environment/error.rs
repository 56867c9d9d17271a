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
    /// The name is no identifier.
    #[error("environment name {} is not an identifier; use letters, digits and _, not starting with a digit", Shown(.0))]
    Name(String),
    /// The name is one that is not for the taking.
    #[error("{name} cannot be set for one service; {reason}")]
    Reserved {
        /// The name.
        name: String,
        /// Why not, and where to set it instead if that can be done.
        reason: &'static str,
    },
    /// The script of an isolated gateway sets the variable.
    #[error("{0} cannot be set for an isolated gateway; its script has it as its own home needs it")]
    Isolated(&'static str),
    /// The name stands twice in one source.
    #[error("{0} is set twice; set it once, as a value or as a secret")]
    Twice(String),
    /// The port is given as an option and as a variable.
    #[error("API_SERVER_PORT is what port sets where hermes-cli is run; give only one of the two")]
    PortTwice,
    /// A watchdog has nothing to ask.
    #[error(
        "watchdog asks the API server of the gateway, which Hermes starts with a key only; give API_SERVER_KEY as a secret, or omit watchdog"
    )]
    NothingToAsk,
    /// Host or port of the dashboard is given as a variable of the dashboard itself.
    #[error("{0} counts in the environment of the container only; write host or port here")]
    Address(&'static str),
    /// The value has a NUL byte.
    #[error("the value of {0} holds a NUL byte, which no environment can; encode it")]
    Nul(String),
    /// The value is too long for the operating system.
    #[error(
        "the value of {name} has {length} bytes, but Linux passes on at most 131072 with the name; put it in a file"
    )]
    TooLong {
        /// The variable.
        name: String,
        /// The length of its value, in bytes.
        length: usize,
    },
    /// Something that runs as root acts on a variable of this name.
    #[error("{name} cannot be a secret; {reason}; give it as a value (env), or under another name")]
    SecretName {
        /// The name.
        name: String,
        /// Why not.
        reason: &'static str,
    },
    /// The path of a secret will not do.
    #[error("the file {} of secret {name} {reason}; give one such as /run/secrets/token", Shown(path))]
    Secret {
        /// The variable.
        name: String,
        /// The path.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}
