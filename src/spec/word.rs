//! Which service a person means by a word on the command line of `gatewayctl`.

use std::str::FromStr;

use thiserror::Error;

use super::profile::{ProfileName, ProfileNameError};
use super::service_name::ServiceName;
use crate::base::text::Shown;

/// The beginning of a word that means the gateway of a profile, even if another service has the name of the profile.
const PROFILE: &str = "profile:";

/// The beginning of a word that means a service which is not a gateway.
const SERVICE: &str = "service:";

/// A person's word for a service: the name of a profile, or `dashboard`, `watch`, `watchdog` or `metrics`, which may be names of profiles
/// as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ServiceWord {
    /// The word can only mean this service.
    Exactly(ServiceName),
    /// The word is the name of this service, and it may also be the name of this profile.
    Either(ServiceName, ProfileName),
}

impl ServiceWord {
    /// Chooses by what is there: the service if it is there, else the gateway of the profile.
    ///
    /// # Errors
    /// If both are there.
    pub(crate) fn choose(self, is_there: impl Fn(&ServiceName) -> bool) -> Result<ServiceName, ServiceWordError> {
        let (service, profile) = match self {
            Self::Exactly(service) => return Ok(service),
            Self::Either(service, profile) => (service, ServiceName::Gateway(profile)),
        };
        match (is_there(&service), is_there(&profile)) {
            (true, true) => Err(ServiceWordError::Both(service.directory())),
            (true, false) => Ok(service),
            (false, _) => Ok(profile),
        }
    }
}

impl FromStr for ServiceWord {
    type Err = ServiceWordError;

    fn from_str(text: &str) -> Result<Self, ServiceWordError> {
        let service = |name: &str| ServiceName::of_directory(name).filter(|service| service.profile().is_none());
        if let Some(profile) = text.strip_prefix(PROFILE) {
            Ok(Self::Exactly(ServiceName::Gateway(profile.parse()?)))
        } else if let Some(name) = text.strip_prefix(SERVICE) {
            service(name).map(Self::Exactly).ok_or_else(|| ServiceWordError::NoService(text.to_owned()))
        } else {
            let profile: ProfileName = text.parse()?;
            Ok(match service(text) {
                Some(service) => Self::Either(service, profile),
                None => Self::Exactly(ServiceName::Gateway(profile)),
            })
        }
    }
}

/// Why a word does not name a service, or not one that can be saved.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ServiceWordError {
    /// The word is not the name of a profile.
    #[error(transparent)]
    Profile(#[from] ProfileNameError),
    /// No service has this name.
    #[error("{} is not a service; write service:dashboard, service:watch, service:watchdog or service:metrics, or the name of a profile", Shown(.0))]
    NoService(String),
    /// A service and the gateway of a profile both have this name, and both are there.
    #[error("a service and a gateway are both called {0}; write service:{0} or profile:{0}")]
    Both(String),
    /// The state of this service cannot be saved.
    #[error("the state of {0} cannot be saved, because each boot starts it as the image says; omit --save")]
    NotSaved(ServiceName),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_is_what_is_there() {
        let gateway = |profile: &str| ServiceName::Gateway(profile.parse().unwrap());
        let meant = |word: &str, there: &[ServiceName]| {
            word.parse::<ServiceWord>().and_then(|word| word.choose(|name| there.contains(name)))
        };
        for (word, service) in [
            ("dashboard", ServiceName::Dashboard),
            ("watch", ServiceName::Watch),
            ("watchdog", ServiceName::Watchdog),
            ("metrics", ServiceName::Metrics),
        ] {
            let both = [service.clone(), gateway(word)];
            assert_eq!(meant(word, &[]), Ok(gateway(word)));
            assert_eq!(meant(word, &both[..1]), Ok(service.clone()));
            assert_eq!(meant(word, &both[1..]), Ok(gateway(word)));
            assert_eq!(meant(word, &both), Err(ServiceWordError::Both(word.to_owned())));
            for there in [&both[..], &[]] {
                assert_eq!(meant(&format!("service:{word}"), there), Ok(service.clone()));
                assert_eq!(meant(&format!("profile:{word}"), there), Ok(gateway(word)));
            }
        }
        assert_eq!(meant("coder", &[]), Ok(gateway("coder")));
        assert_eq!(meant("profile:coder", &[]), Ok(gateway("coder")));
        for (word, said) in [
            ("service:coder", "\"service:coder\" is not a service; write service:dashboard"),
            ("service:gateway-coder", "is not a service"),
            ("service:", "is not a service"),
            ("profile:", "a profile name is empty"),
            ("profile:service:watch", "holds ':'"),
            ("Dashboard", "starts with 'D'"),
        ] {
            let error = meant(word, &[]).unwrap_err().to_string();
            assert!(error.contains(said), "{word}: {error}");
        }
    }
}
