//! Renders s6 service directories for the gateways of Hermes profiles.

use std::process::ExitCode;

fn main() -> ExitCode {
    gen_service::cli::with_streams(|streams| gen_service::cli::gen_service(std::env::args_os(), streams))
}
