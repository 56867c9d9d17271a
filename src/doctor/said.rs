//! Several services in one message.

use crate::spec::ServiceName;

/// Their names, at most three: `gateways a, b and the dashboard`. The dashboard and the watch come last, because they sort last.
pub(super) fn listed(services: &[&ServiceName]) -> String {
    const MOST: usize = 3;
    let profiles: Vec<&str> = services.iter().filter_map(|service| Some(service.profile()?.as_str())).collect();
    let mut shown: Vec<&str> = profiles.iter().take(MOST).copied().collect();
    let rest = format!("{} more", profiles.len().saturating_sub(MOST));
    if profiles.len() > MOST {
        shown.push(&rest);
    }
    joined(format!("gateway{} {}", if profiles.len() == 1 { "" } else { "s" }, shown.join(", ")), services)
}

/// The profiles of these services, at most three: `coder, idle, 2 more`.
pub(super) fn profiles(services: &[&ServiceName]) -> String {
    const MOST: usize = 3;
    let named = services.iter().filter_map(|service| Some(service.profile()?.to_string()));
    let mut shown: Vec<String> = named.take(MOST).collect();
    if services.len() > MOST {
        shown.push(format!("{} more", services.len() - MOST));
    }
    shown.join(", ")
}

/// Their number: `2 gateways and the dashboard`.
pub(super) fn counted(services: &[&ServiceName]) -> String {
    let gateways = services.iter().filter(|service| service.profile().is_some()).count();
    joined(format!("{gateways} gateway{}", if gateways == 1 { "" } else { "s" }), services)
}

/// This text for the gateways, if there are any, and then each other service.
fn joined(gateways: String, services: &[&ServiceName]) -> String {
    let others = services.iter().filter(|service| service.profile().is_none()).map(ToString::to_string);
    let gateways = services.first().is_some_and(|service| service.profile().is_some()).then_some(gateways);
    let mut parts: Vec<String> = gateways.into_iter().chain(others).collect();
    let last = parts.pop().unwrap_or_default();
    if parts.is_empty() { last } else { format!("{} and {last}", parts.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_in_a_message() {
        let name = |directory: &str| ServiceName::of_directory(directory).unwrap();
        for (directories, names, numbers) in [
            (&["gateway-a"][..], "gateway a", "1 gateway"),
            (&["dashboard"], "the dashboard", "the dashboard"),
            (&["gateway-a", "gateway-b"], "gateways a, b", "2 gateways"),
            (&["gateway-a", "watch"], "gateway a and the watch", "1 gateway and the watch"),
            (
                &["gateway-a", "gateway-b", "gateway-c", "gateway-d", "dashboard", "watch"],
                "gateways a, b, c, 1 more, the dashboard and the watch",
                "4 gateways, the dashboard and the watch",
            ),
        ] {
            let services: Vec<ServiceName> = directories.iter().map(|directory| name(directory)).collect();
            let services: Vec<&ServiceName> = services.iter().collect();
            assert_eq!((listed(&services).as_str(), counted(&services).as_str()), (names, numbers));
        }
        let many: Vec<ServiceName> =
            ["a", "b", "c", "d", "e"].map(|profile| name(&format!("gateway-{profile}"))).to_vec();
        let many: Vec<&ServiceName> = many.iter().collect();
        assert_eq!((profiles(&many[..1]).as_str(), profiles(&many).as_str()), ("a", "a, b, c, 2 more"));
    }
}
