//! Where a service answers HTTP, according to its run script and the variables of the container.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::container;
use super::script::{HermesCommand, RunScript, listens_at};
use super::service::LiveService;
use super::words::variables;
use crate::spec::environment::{API_SERVER_KEY, DASHBOARD_ADDRESS, api_server};

/// A host, as a person wrote it, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    host: String,
    /// The port.
    pub(crate) port: u16,
}

impl LiveService {
    /// Where it answers HTTP if it is well, according to its run script and the variables of the container; `None` if it has no address. Hermes may
    /// read another address on the volume. That one is not looked at, because the service user wrote it.
    pub(crate) fn address(&self) -> Option<Address> {
        let text = self.script().ok()?;
        if let Some(listen) = listens_at(&text) {
            let socket = listen.socket();
            return Some(Address { host: socket.ip().to_string(), port: socket.port() });
        }
        let script = RunScript::of(&text)?;
        match script.command {
            HermesCommand::Start => Some(Address { host: Ipv4Addr::LOCALHOST.to_string(), port: script.port? }),
            HermesCommand::Dashboard => {
                let host = container::variable(DASHBOARD_ADDRESS[0]).or(script.host)?;
                Some(Address { host, port: script.port? })
            }
            HermesCommand::Run => {
                let own = variables(&text).unwrap_or_default();
                let has_key = text.contains(&format!("\n{API_SERVER_KEY}=$(cat "));
                let (host, port) = api_server(|name| {
                    let entry = own.iter().find_map(|entry| entry.strip_prefix(name)?.strip_prefix('='));
                    let secret = has_key && name == API_SERVER_KEY;
                    entry
                        .map(str::to_owned)
                        .or_else(|| secret.then(|| "secret".to_owned()))
                        .or_else(|| container::variable(name))
                })?;
                Some(Address { host, port })
            }
        }
    }
}

impl Address {
    /// Where to ask it. This is always on this machine: a service that listens on all addresses is asked at loopback. `None` if the host is a name,
    /// because a name would have to be looked up elsewhere.
    pub(crate) fn socket(&self) -> Option<SocketAddr> {
        let host = self.host.trim().trim_start_matches('[').trim_end_matches(']');
        let ip = match host.parse::<IpAddr>() {
            Ok(IpAddr::V4(ip)) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            Ok(IpAddr::V6(ip)) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            Ok(ip) => ip,
            Err(_) if host.eq_ignore_ascii_case("localhost") => Ipv4Addr::LOCALHOST.into(),
            Err(_) => return None,
        };
        Some(SocketAddr::new(ip, self.port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_asked_on_this_machine() {
        let socket = |host: &str| {
            let address = Address { host: host.to_owned(), port: 80 };
            address.socket().map(|socket| socket.to_string())
        };
        for (host, asked) in [
            ("127.0.0.1", Some("127.0.0.1:80")),
            ("0.0.0.0", Some("127.0.0.1:80")),
            ("::", Some("[::1]:80")),
            ("[::1]", Some("[::1]:80")),
            ("Localhost", Some("127.0.0.1:80")),
            ("10.0.0.7", Some("10.0.0.7:80")),
            ("gateways.example", None),
            ("", None),
        ] {
            assert_eq!(socket(host).as_deref(), asked, "{host}");
        }
    }
}
