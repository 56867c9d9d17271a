//! Registers a gateway in the scandir of a live s6-svscan, and waits until it is up.
//!
//! ```sh
//! cargo run --example register -- coder /run/service
//! ```

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the library prints nothing; a program does")]

use std::env::args;
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use gen_service::manager::{ManagerError, S6Manager, ServiceManager as _};
use gen_service::s6::{DEFAULT_BIN_DIR, S6Error};
use gen_service::spec::options::HermesCli;
use gen_service::spec::{Gateway, Options};

fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let (profile, scandir, programs) = match arguments {
        [profile, scandir] => (profile, scandir, DEFAULT_BIN_DIR),
        [profile, scandir, programs] => (profile, scandir, programs.as_str()),
        _ => return Err("usage: register PROFILE SCANDIR [DIRECTORY OF THE S6 PROGRAMS]".into()),
    };
    let options = Options { hermes_cli: Some(HermesCli::Run), ..Options::default() };
    let gateway = Gateway::resolve_one(profile.parse()?, options)?;
    let profile = gateway.profile();

    let manager = S6Manager::new(scandir.as_ref(), programs.as_ref(), Duration::from_secs(60))?;

    // This publishes the service directory, and waits until the supervisors of the gateway and of its logger run. If they do
    // not come up, the directory is taken out again.
    match manager.register_profile_gateway(&gateway) {
        // It is there already, as it would be rendered now. So this program can run twice.
        Ok(()) | Err(ManagerError::S6(S6Error::Registered { different: false, .. })) => {}
        // One that is there and differs is somebody else's decision.
        Err(error) => return Err(error.into()),
    }

    // A supervisor runs a moment before the gateway does. This waits for the gateway itself, and fails at once if its
    // supervisor has given it up. If the gateway is up already, nothing happens to it.
    manager.start(profile)?;

    let status = manager.scandir().gateway(profile)?.status(manager.programs())?;
    // It may have ended since then, so there may be no process.
    match status.pid {
        Some(pid) => println!("gateway {profile} is up: process {pid}"),
        None => println!("gateway {profile} was up, and is down again"),
    }
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
