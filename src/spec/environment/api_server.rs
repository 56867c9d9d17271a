//! The API server of `hermes gateway run`: whether it listens, and where, by the variables that Hermes reads.

/// The variable by which `hermes gateway run` learns its port.
pub const API_SERVER_PORT: &str = "API_SERVER_PORT";

/// A value in it has the API server listen, and so does [`ENABLED`].
pub(crate) const API_SERVER_KEY: &str = "API_SERVER_KEY";

const ENABLED: &str = "API_SERVER_ENABLED";

/// The port that Hermes takes if it is told none.
const PORT_OF_HERMES: u16 = 8642;

/// The host and the port on which the API server is to listen if these are the values of its variables, by name; `None` if it is not to. With a
/// switch and no key, Hermes starts none, unless the key lies on the volume.
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

/// What Hermes takes the value of a switch for; `None` if it says nothing.
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
