//! Who a gateway runs as, and whose its home is.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::options::{Options, Uid, UserName};
use super::profile::ProfileName;

/// Who a gateway and its logger run as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// A user by name, whose other gateways have the same home.
    Shared(UserName),
    /// A user by number, whom no other gateway has, in a home of its own: the gateway is isolated.
    Isolated(Uid),
}

impl Default for Owner {
    fn default() -> Self {
        Self::Shared(UserName::default())
    }
}

impl Owner {
    /// Who it is by these options.
    ///
    /// # Errors
    /// If they name a user and a number of its own, or a number without isolation.
    pub(super) fn of(profile: &ProfileName, options: &Options) -> Result<Self, OwnerError> {
        match (options.is_isolated(), &options.user, options.uid) {
            (true, Some(_), _) => Err(OwnerError::User(profile.clone())),
            (true, None, uid) => Ok(Self::Isolated(uid.unwrap_or_else(|| from_name(profile)))),
            (false, _, Some(_)) => Err(OwnerError::NotIsolated(profile.clone())),
            (false, user, None) => Ok(Self::Shared(user.clone().unwrap_or_default())),
        }
    }

    /// Whether the gateway is isolated.
    pub fn is_isolated(&self) -> bool {
        matches!(self, Self::Isolated(_))
    }
}

/// The number that a name gives: `20000 + (first 8 hex digits of SHA-256(profile)) mod 40000`. A home belongs to its number for ever, so it is
/// never another one because of other gateways.
fn from_name(profile: &ProfileName) -> Uid {
    let digest = Sha256::digest(profile.as_str());
    Uid::named(u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]))
}

/// Sees to it that no two gateways have one number.
#[derive(Default)]
pub(super) struct Owners<'a>(BTreeMap<Uid, &'a ProfileName>);

impl<'a> Owners<'a> {
    /// Takes the number of an isolated gateway.
    ///
    /// # Errors
    /// If another one has it.
    pub(super) fn take(&mut self, owner: &Owner, profile: &'a ProfileName) -> Result<(), OwnerError> {
        let Owner::Isolated(uid) = owner else { return Ok(()) };
        match self.0.insert(*uid, profile) {
            None => Ok(()),
            Some(first) => {
                self.0.insert(*uid, first);
                Err(OwnerError::Same { first: first.clone(), second: profile.clone(), uid: *uid })
            }
        }
    }
}

/// Why nobody can run a gateway.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OwnerError {
    /// An isolated gateway with a user that others may have.
    #[error("gateway {0} is isolated, and runs as a user that no other has; omit user, or give uid")]
    User(ProfileName),
    /// A number without isolation.
    #[error("gateway {0} has a uid and is not isolated; set isolated, or give user")]
    NotIsolated(ProfileName),
    /// Two isolated gateways with one number.
    #[error(
        "gateways {first} and {second} would be one user, {uid}, who reads both their homes; give one of them another uid"
    )]
    Same {
        /// The one that comes first.
        first: ProfileName,
        /// The one that comes second.
        second: ProfileName,
        /// The number of both.
        uid: Uid,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_name_is_the_documented_one() {
        // printf '%s\n' $((20000 + 0x$(printf %s coder | sha256sum | cut -c1-8) % 40000))
        for (profile, uid) in [("coder", 33370), ("default", 38049)] {
            assert_eq!(from_name(&profile.parse().unwrap()).get(), uid, "{profile}");
        }
    }
}
