//! How a command ended, and what every command says of a gateway.

use crate::spec::Gateway;
use crate::spec::options::Port;

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

/// What `--json` says of a gateway, whatever else it says.
#[derive(serde::Serialize)]
pub(super) struct About {
    pub(super) profile: String,
    /// The name of the service directory.
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) port: Option<u16>,
}

impl About {
    pub(super) fn new(gateway: &Gateway) -> Self {
        Self {
            profile: gateway.profile().to_string(),
            name: gateway.profile().service_name(),
            port: gateway.port().map(Port::get),
        }
    }
}
