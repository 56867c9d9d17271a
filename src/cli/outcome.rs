//! How a command ended, and what every command says of a service.

use crate::error::Exit;
use crate::spec::options::Port;
use crate::spec::{Service, ServiceName};

/// How a command ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// All of it is done.
    Done,
    /// `--check` found a difference, `doctor` an error, or some of several things failed and were reported.
    Differs,
    /// Some gateways are down, says `status`.
    SomeDown,
    /// There is no such gateway, says `status`.
    NoSuch,
}

impl Outcome {
    pub(super) fn exit(self) -> Exit {
        match self {
            Self::Done => Exit::Done,
            Self::Differs => Exit::Failed,
            Self::SomeDown => Exit::SomeDown,
            Self::NoSuch => Exit::Absent,
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
    /// The port of a gateway.
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
