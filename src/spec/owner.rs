//! The user that a gateway runs as, and its home.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::options::{Options, Uid, UserName};
use super::profile::ProfileName;

/// The user that a gateway and its logger run as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// A user by name. Gateways of this user share one home.
    Shared(UserName),
    /// A user by number, for an isolated gateway. No other gateway has this user, and the gateway has its own home.
    Isolated(Uid),
}

impl Default for Owner {
    fn default() -> Self {
        Self::Shared(UserName::default())
    }
}

impl Owner {
    /// The owner that these options ask for.
    ///
    /// # Errors
    /// If the gateway is isolated and has a user name, or if it has a number and is not isolated.
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

/// The number that comes from a name: `20000 + (first 8 hex digits of SHA-256(profile)) mod 40000`. A home belongs to its number forever,
/// so other gateways never change the number.
fn from_name(profile: &ProfileName) -> Uid {
    let digest = Sha256::digest(profile.as_str());
    Uid::named(u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]))
}

/// Checks that no two gateways have one number.
#[derive(Default)]
pub(super) struct Owners<'a>(BTreeMap<Uid, &'a ProfileName>);

impl<'a> Owners<'a> {
    /// Takes the number of an isolated gateway.
    ///
    /// # Errors
    /// If another gateway has the number.
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

/// Why a user cannot run a gateway.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OwnerError {
    /// An isolated gateway has a user that others may have, too.
    #[error("gateway {0} is isolated, so no other gateway may have its user; omit user, or give uid instead")]
    User(ProfileName),
    /// A gateway has a number and is not isolated.
    #[error("gateway {0} has a uid but is not isolated; set isolated, or give user instead")]
    NotIsolated(ProfileName),
    /// Two isolated gateways have one number.
    #[error(
        "gateways {first} and {second} both have uid {uid}, so each could read the home of the other; give one of them another uid"
    )]
    Same {
        /// The first gateway.
        first: ProfileName,
        /// The second gateway.
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
