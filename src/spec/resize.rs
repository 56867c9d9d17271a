//! What moves if the number of shards changes, each with a volume of its own.

use std::collections::BTreeMap;

use super::options::{Options, UserName};
use super::profile::ProfileName;
use super::shard::ShardCount;

/// What moves, and what stays.
#[derive(Debug)]
pub(crate) struct Resize {
    /// How many shards there are.
    pub(crate) from: ShardCount,
    /// How many there are to be.
    pub(crate) to: ShardCount,
    /// The gateways that move, in the order of the manifest.
    pub(crate) moves: Vec<Move>,
    /// The profiles that stay, by shard.
    pub(crate) stays: BTreeMap<u32, Vec<ProfileName>>,
}

/// A gateway that moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Move {
    /// Which.
    pub(crate) profile: ProfileName,
    /// From which shard.
    pub(crate) from: u32,
    /// To which one.
    pub(crate) to: u32,
    /// Who it runs as, if it shares a home; an isolated one has a home to move instead of a profile.
    pub(crate) user: Option<UserName>,
}

impl Resize {
    /// That of these gateways.
    pub(crate) fn of(gateways: &[(ProfileName, Options)], from: ShardCount, to: ShardCount) -> Self {
        let mut resize = Self { from, to, moves: Vec::new(), stays: BTreeMap::new() };
        for (profile, options) in gateways {
            let (had, has) = (from.holds(profile), to.holds(profile));
            if had == has {
                resize.stays.entry(has).or_default().push(profile.clone());
            } else {
                let user = (!options.is_isolated()).then(|| options.user.clone().unwrap_or_default());
                resize.moves.push(Move { profile: profile.clone(), from: had, to: has, user });
            }
        }
        resize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_must_moves() {
        let gateways: Vec<(ProfileName, Options)> = std::iter::once("default".to_owned())
            .chain((0..300).map(|number| format!("profile-{number}")))
            .map(|name| (name.parse().unwrap(), Options::default()))
            .collect();
        let of = |from: &str, to: &str| Resize::of(&gateways, from.parse().unwrap(), to.parse().unwrap());
        let grows = of("3", "4");
        assert!((50..100).contains(&grows.moves.len()) && grows.moves.iter().all(|one| one.to == 3 && one.from < 3));
        let shrinks = of("4", "3");
        assert!(shrinks.moves.iter().all(|one| one.from == 3 && one.to < 3));
        let back: Vec<(&ProfileName, u32, u32)> = shrinks.moves.iter().map(|m| (&m.profile, m.to, m.from)).collect();
        assert_eq!(grows.moves.iter().map(|m| (&m.profile, m.from, m.to)).collect::<Vec<_>>(), back);
        for resize in [&grows, &shrinks, &of("3", "3"), &of("1", "7")] {
            let stays: usize = resize.stays.values().map(Vec::len).sum();
            assert_eq!(resize.moves.len() + stays, gateways.len());
            assert!(resize.stays[&0].contains(&ProfileName::default()));
        }
        assert_eq!(of("3", "3").moves, []);
    }
}
