//! The address that serves the metrics.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use super::error::OptionError;
use super::kind::Kind;
use super::number::Port;

/// An IP address and a port. The default is `127.0.0.1:9118`. A port without an address is a port of loopback.
///
/// It is safe inside quotes in a shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen {
    ip: IpAddr,
    port: Port,
}

impl Listen {
    /// The variable of the container that sets another address.
    pub(crate) const VARIABLE: &str = "GATEWAYS_METRICS";

    pub(super) const NAME: &str = "listen";
    pub(super) const KIND: Kind = Kind::Text("^([0-9.]+:|\\[[0-9A-Fa-f:.]+\\]:)?[0-9]{1,5}$");

    /// The address and the port.
    pub fn socket(self) -> SocketAddr {
        SocketAddr::new(self.ip, self.port.get())
    }

    /// The port.
    pub fn port(self) -> Port {
        self.port
    }
}

impl Default for Listen {
    fn default() -> Self {
        Self { ip: Ipv4Addr::LOCALHOST.into(), port: Port::METRICS }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.socket().fmt(f)
    }
}

impl FromStr for Listen {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        let at = |ip: IpAddr, port: &str| {
            // `Port` accepts leading zeros. They are refused here.
            let port = Some(port).filter(|port| !port.starts_with('0'))?.parse().ok()?;
            Some(Self { ip, port })
        };
        let listen = match text.rsplit_once(':') {
            None => at(Ipv4Addr::LOCALHOST.into(), text),
            Some((host, port)) => {
                let v6 = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
                let ip = match v6 {
                    Some(host) => host.parse().map(IpAddr::V6),
                    None => host.parse().map(IpAddr::V4),
                };
                ip.ok().and_then(|ip| at(ip, port))
            }
        };
        listen.ok_or_else(|| {
            let remedy = "give IP:PORT, such as 0.0.0.0:9118 or [::]:9118, or a port of loopback, such as 9118";
            OptionError::new(Self::NAME, text, "is not an address to listen on", remedy)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let said = |text: &str| text.parse::<Listen>().map(|listen| listen.to_string());
        for (text, meant) in [
            ("9118", "127.0.0.1:9118"),
            ("0.0.0.0:1", "0.0.0.0:1"),
            ("10.0.0.7:65535", "10.0.0.7:65535"),
            ("[::]:9118", "[::]:9118"),
            ("[0:0::1]:80", "[::1]:80"),
        ] {
            assert_eq!(said(text).as_deref(), Ok(meant), "{text}");
        }
        assert_eq!(Listen::default().to_string(), "127.0.0.1:9118");
        for bad in [
            "",
            "0",
            ":9118",
            "127.0.0.1",
            "127.0.0.1:",
            "127.0.0.1:0",
            "127.0.0.1:065",
            "127.0.0.1:65536",
            "::1:80",
            "[::1]",
            "[::1:80",
            "[127.0.0.1]:80",
            "[fe80::1%eth0]:80",
            "localhost:80",
            "+80",
            "80\n",
            "1.2.3.4:80 ",
            "0.0.0.0:-1",
            "$(id):80",
        ] {
            assert!(said(bad).is_err(), "{bad:?}");
        }
    }
}
