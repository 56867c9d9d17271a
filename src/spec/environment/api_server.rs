//! The API server of `hermes gateway run`. The variables that Hermes reads decide whether it listens, and where.

/// The variable that tells `hermes gateway run` its port.
pub const API_SERVER_PORT: &str = "API_SERVER_PORT";

/// With a value in it, the API server listens. The same is true of [`ENABLED`].
pub(crate) const API_SERVER_KEY: &str = "API_SERVER_KEY";

const ENABLED: &str = "API_SERVER_ENABLED";

/// The port that Hermes takes by default.
const PORT_OF_HERMES: u16 = 8642;

/// The host and the port on which the API server should listen if its variables have these values. `value` returns a value by name. `None`
/// if it should not listen. If it is switched on without a key, Hermes does not start it, unless the key is on the volume.
pub(crate) fn api_server(value: impl Fn(&str) -> Option<String>) -> Option<(String, u16)> {
    let value = |name: &str| value(name).filter(|value| !value.is_empty());
    let is_enabled = value(ENABLED).and_then(|value| switch(&value)) == Some(true);
    if !is_enabled && value(API_SERVER_KEY).is_none() {
        return None;
    }
    let port = value(API_SERVER_PORT).and_then(|port| port.trim().parse().ok());
    let host = value("API_SERVER_HOST").unwrap_or_else(|| "127.0.0.1".to_owned());
    Some((host, port.unwrap_or(PORT_OF_HERMES)))
}

/// How Hermes reads the value of a switch. `None` if the value says nothing.
pub(crate) fn switch(value: &str) -> Option<bool> {
    match value.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Some(true),
        "0" | "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_hermes_listens() {
        let at = |variables: &[(&str, &str)]| {
            api_server(|wanted| {
                variables.iter().find(|(name, _)| *name == wanted).map(|(_, value)| (*value).to_owned())
            })
        };
        let local = |port| Some(("127.0.0.1".to_owned(), port));
        assert_eq!(at(&[]), None);
        assert_eq!(at(&[("API_SERVER_PORT", "80")]), None);
        assert_eq!(at(&[("API_SERVER_ENABLED", "no"), ("API_SERVER_KEY", "")]), None);
        assert_eq!(at(&[("API_SERVER_ENABLED", " Yes "), ("API_SERVER_PORT", "x")]), local(8642));
        assert_eq!(at(&[("API_SERVER_KEY", "k"), ("API_SERVER_PORT", "80")]), local(80));
        assert_eq!(at(&[("API_SERVER_ENABLED", "1"), ("API_SERVER_HOST", "::")]), Some(("::".to_owned(), 8642)));
    }
}
