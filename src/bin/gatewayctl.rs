//! Installs, supervises and controls the gateways of Hermes profiles.

use std::process::ExitCode;

fn main() -> ExitCode {
    gen_service::cli::with_streams(|streams| gen_service::cli::gatewayctl(std::env::args_os(), streams))
}
