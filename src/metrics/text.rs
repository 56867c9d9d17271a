//! The measurements as `OpenMetrics` text.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use super::measured::{Gateway, Measured, Other};

/// The content type of this text, for a header of HTTP (<https://prometheus.io/docs/specs/om/open_metrics_spec/>).
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// One number of each gateway: its name, its unit, its description, and the function that gets it.
type Metric = (&'static str, Option<Unit>, &'static str, fn(&Gateway) -> Option<u64>);

/// All numbers of a gateway, without the prefix of each name. docs/metrics.md has the same.
const OF_GATEWAY: [Metric; 9] = [
    ("supervised", None, "Whether its supervisor runs", |gateway| Some(gateway.supervised.into())),
    ("up", None, "Whether its process runs", |gateway| Some(gateway.up.into())),
    ("wanted_up", None, "Whether its supervisor keeps it up", |gateway| Some(gateway.wanted_up.into())),
    ("healthy", None, "Whether gatewayctl health finds nothing wrong with it", |gateway| Some(gateway.healthy.into())),
    ("state", Some(Unit::Seconds), "Time since it came up or went down", |gateway| gateway.state_seconds),
    ("deaths", None, "Deaths that its supervisor remembers, 100 at most", |gateway| count(gateway.deaths)),
    ("crash_budget_left", None, "After how many more deaths it stays down", |gateway| count(gateway.crash_budget_left)),
    ("last_exit_code", None, "How it ended last: its exit code, or 128 plus the signal that ended it", |gateway| {
        gateway.last_exit_code.map(u64::from)
    }),
    ("log", Some(Unit::Bytes), "Size of its log files", |gateway| gateway.log_bytes),
];

/// The same for a service that is not a gateway.
type OtherMetric = (&'static str, &'static str, fn(&Other) -> bool);

/// All numbers of a service that is not a gateway.
const OF_OTHER: [OtherMetric; 2] = [
    ("service_up", "Whether its process runs", |other| other.up),
    ("service_wanted_up", "Whether its supervisor keeps it up", |other| other.wanted_up),
];

fn count(number: Option<usize>) -> Option<u64> {
    number.and_then(|number| u64::try_from(number).ok())
}

impl Measured {
    /// The text, with the line that ends it.
    ///
    /// # Errors
    /// If the text cannot be made, which would be a defect of this program.
    pub(crate) fn text(self) -> Result<String, fmt::Error> {
        let shard = self.shard.map(|shard| ("shard".into(), shard.to_string().into()));
        let mut registry = Registry::with_prefix_and_labels("hermes", shard.into_iter());
        registry.register_collector(Box::new(self));
        let mut said = String::new();
        text::encode(&mut said, &registry)?;
        Ok(said)
    }
}

impl Collector for Measured {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for (name, unit, help, of) in OF_GATEWAY {
            let numbers = self.gateways.iter().map(|gateway| (gateway.profile.as_str(), of(gateway)));
            family(&mut encoder, (&format!("gateway_{name}"), unit, help), "profile", numbers)?;
        }
        for (name, help, of) in OF_OTHER {
            let numbers = self.services.iter().map(|other| (other.service.as_str(), Some(of(other).into())));
            family(&mut encoder, (name, None, help), "service", numbers)?;
        }
        let version = std::iter::once((env!("CARGO_PKG_VERSION"), Some(1)));
        family(&mut encoder, ("gatewayctl_build_info", None, "The gatewayctl that wrote this"), "version", version)
    }
}

/// A family of gauges that differ in this label. Empty if no member has a number.
fn family<'a>(
    encoder: &mut DescriptorEncoder<'_>,
    (name, unit, help): (&str, Option<Unit>, &str),
    label: &str,
    numbers: impl Iterator<Item = (&'a str, Option<u64>)>,
) -> fmt::Result {
    let mut numbers = numbers.filter_map(|(which, number)| Some((which, number?))).peekable();
    if numbers.peek().is_none() {
        return Ok(());
    }
    let mut metric = encoder.encode_descriptor(name, help, unit.as_ref(), MetricType::Gauge)?;
    for (which, number) in numbers {
        ConstGauge::new(number).encode(metric.encode_family(&[(label, which)])?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_it() {
        let well = Gateway {
            profile: "coder".to_owned(),
            supervised: true,
            up: true,
            wanted_up: true,
            healthy: true,
            state_seconds: Some(7),
            deaths: Some(2),
            crash_budget_left: Some(8),
            last_exit_code: Some(137),
            log_bytes: Some(4096),
        };
        let hidden = Gateway {
            profile: "x-hidden".to_owned(),
            supervised: false,
            up: false,
            wanted_up: false,
            healthy: false,
            state_seconds: None,
            deaths: None,
            crash_budget_left: None,
            last_exit_code: None,
            log_bytes: None,
        };
        let other = Other { service: "dashboard".to_owned(), up: false, wanted_up: true };
        let all = Measured { shard: Some(2), gateways: vec![well, hidden], services: vec![other] };
        let said = all.text().unwrap();
        let numbers: Vec<&str> = said.lines().filter(|line| !line.starts_with('#')).collect();
        let wanted = "\
hermes_gateway_supervised{shard=\"2\",profile=\"coder\"} 1
hermes_gateway_supervised{shard=\"2\",profile=\"x-hidden\"} 0
hermes_gateway_up{shard=\"2\",profile=\"coder\"} 1
hermes_gateway_up{shard=\"2\",profile=\"x-hidden\"} 0
hermes_gateway_wanted_up{shard=\"2\",profile=\"coder\"} 1
hermes_gateway_wanted_up{shard=\"2\",profile=\"x-hidden\"} 0
hermes_gateway_healthy{shard=\"2\",profile=\"coder\"} 1
hermes_gateway_healthy{shard=\"2\",profile=\"x-hidden\"} 0
hermes_gateway_state_seconds{shard=\"2\",profile=\"coder\"} 7
hermes_gateway_deaths{shard=\"2\",profile=\"coder\"} 2
hermes_gateway_crash_budget_left{shard=\"2\",profile=\"coder\"} 8
hermes_gateway_last_exit_code{shard=\"2\",profile=\"coder\"} 137
hermes_gateway_log_bytes{shard=\"2\",profile=\"coder\"} 4096
hermes_service_up{shard=\"2\",service=\"dashboard\"} 0
hermes_service_wanted_up{shard=\"2\",service=\"dashboard\"} 1";
        let (last, numbers) = numbers.split_last().unwrap();
        assert_eq!(numbers.join("\n"), wanted);
        assert!(last.starts_with("hermes_gatewayctl_build_info{shard=\"2\",version=\""), "{last}");
        let nothing = Measured { shard: None, gateways: Vec::new(), services: Vec::new() };
        let said = nothing.text().unwrap();
        assert!(said.starts_with("# HELP hermes_gatewayctl_build_info ") && said.ends_with("\"} 1\n# EOF\n"), "{said}");
    }
}
