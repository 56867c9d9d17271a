//! Which gateway gets which port.

use std::num::NonZeroU16;

use sha2::{Digest, Sha256};
use thiserror::Error;

use super::options::Port;
use super::profile::ProfileName;
use super::service_name::ServiceName;

/// The first port that a name can give, and the first port above those.
const FIRST: NonZeroU16 = NonZeroU16::new(9200).unwrap();
const END: u16 = 9800;

/// The port that comes from a name: `9200 + (first 8 hex digits of SHA-256(profile)) mod 600`.
pub(super) fn from_name(profile: &ProfileName) -> Port {
    let digest = Sha256::digest(profile.as_str());
    let head = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    let offset = head % u32::from(END - FIRST.get());
    Port::from(FIRST.saturating_add(u16::try_from(offset).unwrap_or_default()))
}

/// Gives out ports in order. A later request never changes an earlier port, so a gateway that is appended to a manifest never moves an
/// earlier one.
#[derive(Default)]
pub(crate) struct Ports {
    /// The holder of each port; empty until the first port is given out. The entries are numbers, because pages of zeros cost nothing until
    /// they are used. 0 means nobody; for other numbers see [`Holder`].
    holders: Vec<u32>,
    /// Every port from 9800 up to this one is taken. Without it, many gateways would search the same range again and again.
    beyond: u16,
}

/// The gateway that has a port, in the order of the requests, and whether it got the port from its name.
struct Holder {
    gateway: usize,
    from_name: bool,
}

impl Holder {
    const NOBODY: u32 = 0;

    fn encode(&self) -> u32 {
        // No memory holds more gateways than this can count.
        u32::try_from(2 * (self.gateway + 1)).unwrap_or(u32::MAX - 1) | u32::from(self.from_name)
    }

    fn decode(number: u32) -> Option<Self> {
        let gateway = usize::try_from(number / 2).ok()?.checked_sub(1)?;
        Some(Self { gateway, from_name: number % 2 == 1 })
    }
}

/// Why a port cannot be given out: the gateway that has it, in the order of the requests, and whether that gateway got it from its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Taken { holder: usize, from_name: bool },
    Exhausted,
}

impl Ports {
    /// The port for the gateway with this index: the wanted one, or the port of its name, or the next free one above.
    pub(crate) fn take(
        &mut self,
        gateway: usize,
        profile: &ProfileName,
        wanted: Option<Port>,
    ) -> Result<Port, Refusal> {
        if self.holders.is_empty() {
            self.holders = vec![Holder::NOBODY; usize::from(u16::MAX) + 1];
            self.beyond = END;
        }
        let port = match wanted {
            Some(port) => port,
            None => self.free_from(from_name(profile)).ok_or(Refusal::Exhausted)?,
        };
        let holder = &mut self.holders[usize::from(port.get())];
        if let Some(Holder { gateway, from_name }) = Holder::decode(*holder) {
            return Err(Refusal::Taken { holder: gateway, from_name });
        }
        *holder = Holder { gateway, from_name: wanted.is_none() }.encode();
        Ok(port)
    }

    fn free_from(&mut self, wanted: Port) -> Option<Port> {
        let free = |port: &u16| self.holders[usize::from(*port)] == Holder::NOBODY;
        let near = (wanted.get()..END).find(free);
        let port = near.or_else(|| {
            let far = (self.beyond..=u16::MAX).find(free);
            self.beyond = far.unwrap_or(u16::MAX);
            far
        })?;
        NonZeroU16::new(port).map(Port::from)
    }
}

/// Why a gateway does not get its port.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PortError {
    /// Two gateways ask for one port.
    #[error("gateways {first} and {second} both ask for port {port}; give one of them another port")]
    Same {
        /// The first gateway.
        first: ProfileName,
        /// The second gateway.
        second: ProfileName,
        /// The port.
        port: Port,
    },
    /// A gateway asks for the port that an earlier gateway got from its name.
    #[error(
        "gateway {second} asks for port {port}, which gateway {first} has from its name; give one of them another port"
    )]
    HasFromName {
        /// The gateway that has the port.
        first: ProfileName,
        /// The gateway that asks for it.
        second: ProfileName,
        /// The port.
        port: Port,
    },
    /// The dashboard has the port of a gateway.
    #[error("the dashboard and gateway {gateway} both ask for port {port}; give one of them another port")]
    OfDashboard {
        /// The gateway.
        gateway: ProfileName,
        /// The port.
        port: Port,
    },
    /// The metrics server has the port of another service.
    #[error("the metrics server and {service} both ask for port {port}; give one of them another port")]
    OfMetrics {
        /// The other service.
        service: ServiceName,
        /// The port.
        port: Port,
    },
    /// Every port from that of its name upwards is taken.
    #[error("no port is left for gateway {0}; give it a port below 9200")]
    Exhausted(ProfileName),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ProfileName {
        text.parse().unwrap()
    }

    /// Two names with the same port.
    fn twins() -> (ProfileName, ProfileName) {
        let first = name("p0");
        let second = (1..100_000).map(|i| name(&format!("p{i}"))).find(|other| from_name(other) == from_name(&first));
        (first, second.unwrap())
    }

    #[test]
    fn the_port_of_a_name_is_the_documented_one() {
        // printf '%s\n' $((9200 + 0x$(printf %s coder | sha256sum | cut -c1-8) % 600))
        for (profile, port) in [("coder", 9570), ("default", 9449), ("a", 9610)] {
            assert_eq!(from_name(&name(profile)).get(), port, "{profile}");
        }
    }

    #[test]
    fn a_taken_port_moves_the_later_gateway_up() {
        let (first, second) = twins();
        let mut ports = Ports::default();
        let one = ports.take(0, &first, None).unwrap();
        let two = ports.take(1, &second, None).unwrap();
        assert_eq!(one.get() + 1, two.get());
        assert_eq!(ports.take(2, &name("x"), Some(two)), Err(Refusal::Taken { holder: 1, from_name: true }));
    }

    #[test]
    fn more_gateways_than_names_have_ports() {
        let mut ports = Ports::default();
        let mut seen = std::collections::BTreeSet::new();
        let mut given = 0;
        let refusal = loop {
            match ports.take(given, &name(&format!("p{given}")), None) {
                Ok(port) => assert!(seen.insert(port), "{port:?} twice"),
                Err(refusal) => break refusal,
            }
            given += 1;
        };
        assert_eq!(refusal, Refusal::Exhausted);
        // Ports below the first gateway's own are given only to gateways whose names ask for them. All other ports are taken.
        assert!(given > 65_535 - 9800, "{given}");
        assert_eq!(ports.take(given, &name("z"), None), Err(Refusal::Exhausted));
    }
}
