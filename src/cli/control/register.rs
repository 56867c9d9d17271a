//! `gatewayctl register`.

use super::args::Common;
use super::common::{host, s6};
use super::publish_args::Register;
use crate::boot::register_and_save;
use crate::cli::outcome::{About, Outcome};
use crate::cli::render_args::resolve;
use crate::cli::streams::{DIM, GREEN, Streams, styled};
use crate::error::Error;
use crate::manager::ServiceManager as _;

pub(super) fn run(arguments: &Register, common: &Common, streams: &mut Streams<'_>) -> Result<Outcome, Error> {
    let wanted = arguments.options.wanted(std::slice::from_ref(&arguments.profile))?;
    let gateways = resolve(wanted.clone())?;
    if let Some(note) = arguments.options.note().filter(|_| !common.quiet && !common.json) {
        streams.note(&note);
    }
    for (gateway, (_, options)) in gateways.iter().zip(wanted) {
        if let Some(host) = host(common) {
            host.register_profile_gateway(gateway)?;
        } else {
            let store = arguments.save.then(|| arguments.home.store()).transpose()?;
            let manager = s6(common, streams)?.control_group(arguments.control_group.name());
            if arguments.adopt {
                manager.give_way(gateway.profile())?;
            }
            match store {
                Some(store) => register_and_save(&manager, &store, gateway, options)?,
                None => manager.register_profile_gateway(gateway)?,
            }
        }
        if common.json {
            streams.json(&About::new(&gateway.clone().into()))?;
        } else if !common.quiet {
            let path = common.scandir.join(gateway.profile().service_name());
            let port = gateway.port().map(|port| format!("  {}", styled(DIM, format_args!("port {port}"))));
            let word = if arguments.save { "registered and saved" } else { "registered" };
            writeln!(streams.out, "{} {path}{}", styled(GREEN, word), port.unwrap_or_default())
                .map_err(Error::Output)?;
        }
    }
    Ok(Outcome::Done)
}
