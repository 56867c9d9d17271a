//! Installs, supervises and controls the gateways of Hermes profiles.

use std::process::ExitCode;

fn main() -> ExitCode {
    gen_service::programs::gatewayctl()
}
