//! How a command ended, and what every command says of a service.

use crate::spec::options::Port;
use crate::spec::{Service, ServiceName};

/// How a command ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Exit code 0.
    Done,
    /// `--check` found a difference, `doctor` an error, or some of several things failed and were reported: exit code 1.
    Differs,
    /// Some gateways are down: exit code 3 of `status`.
    SomeDown,
    /// There is no such gateway: exit code 4 of `status`.
    NoSuch,
}

impl Outcome {
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Differs => 1,
            Self::SomeDown => 3,
            Self::NoSuch => 4,
        }
    }
}

/// What `--json` says of a service, whatever else it says.
#[derive(serde::Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct About {
    /// The profile of a gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    /// The path of the directory.
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
}

impl About {
    pub(super) fn new(service: &Service) -> Self {
        Self { port: service.port().map(Port::get), ..Self::named(&service.name()) }
    }

    /// What is said of what is no service's alone.
    pub(super) fn nobodys() -> Self {
        Self { profile: None, name: String::new(), port: None }
    }

    /// The same, of another directory of it.
    pub(super) fn at(self, directory: &str) -> Self {
        Self { name: directory.to_owned(), ..self }
    }

    /// What is said of one of which no more is known.
    pub(super) fn named(name: &ServiceName) -> Self {
        Self { profile: name.profile().map(ToString::to_string), name: name.directory(), port: None }
    }
}
