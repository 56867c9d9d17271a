//! Renders s6 service directories for the gateways of Hermes profiles.

use std::process::ExitCode;

fn main() -> ExitCode {
    gen_service::programs::gen_service()
}
