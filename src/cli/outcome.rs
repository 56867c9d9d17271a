//! How a command ended, and the fields that all commands print about a service.

use crate::error::Exit;
use crate::spec::options::Port;
use crate::spec::{Service, ServiceName};

/// The end of a command that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Everything is done.
    Done,
    /// `--check` found a difference, `doctor` found an error, or a part of the work failed and was reported.
    Differs,
    /// `status` says that some gateways are down.
    SomeDown,
    /// `status` says that there is no such gateway.
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

/// The fields that `--json` always has for a service.
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

    /// The fields of something that does not belong to one service.
    pub(super) fn nobodys() -> Self {
        Self { profile: None, name: String::new(), port: None }
    }

    /// The same fields, for another directory of the service.
    pub(super) fn at(self, directory: &str) -> Self {
        Self { name: directory.to_owned(), ..self }
    }

    /// The fields of a service of which only the name is known.
    pub(super) fn named(name: &ServiceName) -> Self {
        Self { profile: name.profile().map(ToString::to_string), name: name.directory(), port: None }
    }
}
