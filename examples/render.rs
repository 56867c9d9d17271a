//! Renders the service directory of one gateway, and prints its files. Nothing is written to a disk.
//!
//! ```sh
//! cargo run --example render -- coder 9150
//! ```

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the library prints nothing; a program does")]

use std::env::args;
use std::error::Error;
use std::process::ExitCode;

use gen_service::render::render;
use gen_service::spec::options::HermesCli;
use gen_service::spec::{EnvName, EnvSource, EnvValue, Gateway, Options, ProfileName};

fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let (profile, port) = match arguments {
        [profile] => (profile, None),
        [profile, port] => (profile, Some(port)),
        _ => return Err("usage: render PROFILE [PORT]".into()),
    };

    // Each value is parsed once, into a type that cannot hold a wrong one. So nothing below has to check it again.
    let profile: ProfileName = profile.parse()?;
    let mut options = Options {
        // Every Hermes on PyPI takes this command line. Without it, the script calls `gateway start --foreground`.
        hermes_cli: Some(HermesCli::Run),
        port: port.map(|port| port.parse()).transpose()?,
        // What is not given has its default.
        ..Options::default()
    };

    // A value may hold anything but a NUL byte: rendering quotes it for the shell.
    let name: EnvName = "GREETING".parse()?;
    let value = EnvValue::new(&name, "it's $HOME, unexpanded")?;
    options.environment.add(name, EnvSource::Value(value))?;

    // This fills in the defaults, and finds what is wrong with options together. For several gateways, `Gateway::resolve`
    // also sees that no two have one port.
    let gateway = Gateway::resolve_one(profile, options)?;

    // Rendering cannot fail, and the same gateway gives the same bytes on every machine. Each of `directory.files()` has a
    // path, a mode and a text; all of them at once are what a person reviews.
    let directory = render(&gateway);
    print!("{directory}");
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
